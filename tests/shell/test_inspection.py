"""Rounds and repairs through the doors that phones and screens use, with a clock moved by hand."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from backend.screens.inspection_watch import Inspecting
from tests.journey.street import DETECTORS, LAT, LON, Person, Street

SMOKE, HYDRANT = DETECTORS["smoke"][0], DETECTORS["hydrant"][0]
OTHER = {"lat": LAT, "lon": LON, "accuracyM": 5}


class Rounds:
    """A street, its inspection, and a field member's phone."""

    def __init__(self, street: Street, zhou: Person) -> None:
        self.street, self.zhou = street, zhou
        self.inspecting = Inspecting(street.world.ctx)

    async def look(self) -> None:
        await self.inspecting.look()

    async def mine(self, person: Person | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await (person or self.zhou).get("/api/my/rounds"))["rounds"]
        return found

    async def check(self, detector: UUID, person: Person | None = None) -> dict[str, Any]:
        return next(
            one
            for each in await self.mine(person)
            for one in each["checks"]
            if one["detectorId"] == str(detector)
        )

    def said(self, check: str, name: str, *, lat: float = LAT, **more: Any) -> dict[str, Any]:
        where = {**OTHER, "lat": lat, "at": self.street.world.clock.now().isoformat()}
        return {**self.zhou.envelope(check, name, **more), "position": where}

    async def six(self, check: str, *, bad: str = "") -> None:
        """All six answered, one photograph of the device, and of what is bad."""
        said = [
            self.said(check, "inspection_item", item=item, result="bad" if item == bad else "ok")
            for item in ("clean", "wiring", "battery", "works", "place", "fixed")
        ]
        taken = self.street.world.clock.now().isoformat()
        pictures = [
            self.said(check, "inspection_photo", sha256=n * 64, takenAt=taken, about=about)
            for n, about in (("a", "whole"), ("b", bad))
            if about
        ]
        answers = await self.zhou.batch([*said, *pictures, self.said(check, "inspection_test")])
        assert {one["outcome"] for one in answers} == {"accepted"}

    async def state_of(self, detector: UUID) -> str:
        found: str = await self.street.world.operations.fetch_value(
            "SELECT state FROM detector WHERE id = $1", detector
        )
        return found

    async def handed(self) -> str:
        """A smoke detector that is handed to the technician; the id of the repair."""
        check = (await self.check(SMOKE))["id"]
        await self.six(check, bad="works")
        await self.zhou.does(check, "inspection_hand_over", what="主板坏")
        await self.zhou.does(check, "inspection_close")
        return str(await self.street.world.operations.fetch_value("SELECT id FROM repair"))


@pytest.fixture
async def rounds(street: Street) -> Rounds:
    """Everything of March is one round, and the field member of this phone walks it."""
    await street.world.operations.execute("DELETE FROM shift WHERE person_id <> $1", UUID(int=1))
    made = Rounds(street, await street.phone("周建国"))
    await made.look()
    return made


@pytest.mark.clause("5.1.2.1")
async def test_rounds_are_made_once_a_period_and_shown_as_overdue(rounds: Rounds) -> None:
    street = rounds.street
    [first] = await rounds.mine()
    assert first["round"]["total"] == len(DETECTORS)
    new, spare = UUID(int=5000), DETECTORS["smoke2"][0]
    await street.world.operations.execute(
        "INSERT INTO detector (id, address, protocol, kind, model, label, building_id, lat, lon,"
        " report_interval_s, state) SELECT $1, 'jiean/new', 'jiean', 'smoke', 'X', '新烟感',"
        " building_id, lat, lon, 60, 'active' FROM detector WHERE id = $2",
        new, HYDRANT,
    )  # fmt: skip
    await street.world.operations.execute(
        "UPDATE detector SET state = 'retired' WHERE id = $1", spare
    )
    await rounds.look()
    await Inspecting(street.world.ctx).look()
    [again] = await rounds.mine()
    states = {UUID(one["detectorId"]): one["state"] for one in again["checks"]}
    assert len(states) == len(DETECTORS)
    assert (new in states, states[spare]) == (False, "left")
    me = f"staff:{UUID(int=1)}"
    assert (await street.said_to(me)).count("inspection_new") == 1

    street.world.clock.forward(seconds=31 * 86_400)
    await rounds.look()
    await rounds.look()
    assert (await street.said_to(me)).count("inspection_overdue") == 1
    both = await rounds.mine(await street.phone("周建国"))
    assert [one["round"]["period"] for one in both] == ["2026-03", "2026-04"]
    later = {UUID(one["detectorId"]) for one in both[1]["checks"]}
    assert (new in later, spare in later) == (True, False)

    lead = await street.desk_lead()
    page = await lead.get("/api/inspection")
    old = next(one for one in page["rounds"] if one["dueOn"] < page["today"])
    assert old["total"] - old["done"] - old["left"] == len(DETECTORS) - 1
    await rounds.look()
    assert await street.told(lead, "inspection_overdue") == 1
    plan, wish = uuid4(), {"name": "燃气每周", "cycle": "week", "kinds": ["gas"]}
    plans = f"/api/inspection/plans/{plan}"
    assert (await lead.client.put(plans, json={**wish, "cycle": "daily"})).status_code == 400
    assert (await lead.client.put(plans, json=wish)).status_code == 204
    who = f"/api/inspection/rounds/{old['id']}/assign"
    assert (await lead.client.post(who, json={"person": str(UUID(int=2))})).status_code == 204
    actions = await street.world.operations.fetch("SELECT action FROM audit_entry")
    assert {row["action"] for row in actions} >= {
        "inspection.plan_set", "inspection.round_made", "inspection.round_assigned",
    }  # fmt: skip


@pytest.mark.clause("5.1.2.1-c", "5.1.2.1-d", "5.1.2.1-e")
async def test_a_device_is_inspected_on_site_and_its_test_is_no_alarm(rounds: Rounds) -> None:
    street = rounds.street
    await street.hears("smoke", smoke=False, battery=62)
    check = await rounds.check(SMOKE)
    assert (check["battery"]["pct"], check["battery"]["low"]) == (62.0, False)
    await rounds.six(check["id"])
    no = await rounds.zhou.is_refused(check["id"], "inspection_close")
    assert no["code"] == "inspection_no_signal"
    street.world.clock.forward(seconds=20)
    await street.hears("smoke", smoke=True, test=True)

    place: dict[str, Any] = {"item": "place", "result": "ok"}
    await rounds.zhou.batch([rounds.said(check["id"], "inspection_item", lat=LAT + 0.02, **place)])
    no = await rounds.zhou.is_refused(check["id"], "inspection_close")
    assert (no["code"], no["missing"]) == ("inspection_place", ["place"])
    await rounds.zhou.batch([rounds.said(check["id"], "inspection_item", **place)])

    close = rounds.said(check["id"], "inspection_close")
    for repeated in (False, True):
        [answer] = await rounds.zhou.batch([close])
        assert (answer["outcome"], answer["repeated"]) == ("accepted", repeated)
    assert (await rounds.check(SMOKE))["state"] == "done"
    assert await street.world.operations.fetch_value("SELECT count(*) FROM incident") == 0

    li = await street.signed_in("field", "li", name="李明", staff_id=UUID(int=2))
    no = await li.is_refused(check["id"], "inspection_item", item="clean", result="bad")
    assert no["code"] == "inspection_done"
    assert "周建国" in no["zh"]
    kept = await street.world.operations.fetch_value(
        "SELECT count(*) FROM inspection_event WHERE body -> 'fact' ->> 'name' = 'late'"
    )
    assert kept == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await street.world.operations.execute("DELETE FROM inspection_event")

    incident = await street.alarm("electric")
    [offer] = (await rounds.zhou.get("/api/field/home"))["offers"]
    said = [
        rounds.said(str(uuid4()), "inspection_close"),
        rounds.said(str(uuid4()), "inspection_nonsense"),
        rounds.zhou.envelope(incident, "accept", offerId=offer["id"]),
    ]
    unknown, unread, accepted = await rounds.zhou.batch(said)
    assert unknown["refusal"]["code"] == "inspection_unknown"
    assert unread["refusal"]["code"] == "malformed"
    assert accepted["outcome"] == "accepted"


@pytest.mark.clause("5.1.2.2-a", "5.1.2.2-b", "5.1.2.2-c")
async def test_what_cannot_be_mended_is_a_technicians_for_one_day_and_comes_back_active(
    rounds: Rounds,
) -> None:
    street = rounds.street
    clock, second = street.world.clock, timedelta(seconds=1)
    technician = await street.signed_in("technician", name="唐一鸣")
    me = f"account:{(await technician.get('/api/session'))['accountId']}"
    check = (await rounds.check(SMOKE))["id"]
    await rounds.zhou.does(check, "inspection_item", item="works", result="bad", note="不响")
    assert await rounds.state_of(SMOKE) == "faulty"
    repair_id = await rounds.handed()
    assert (await street.said_to(me)).count("repair_noticed") == 1
    [job] = (await technician.get("/api/repairs"))["repairs"]
    assert (job["id"], job["items"], job["what"]) == (repair_id, ["works"], "主板坏")
    due = datetime.fromisoformat(job["dueAt"])
    assert due - datetime.fromisoformat(job["noticedAt"]) == timedelta(hours=24)

    async def told(moment: datetime) -> tuple[int, int]:
        clock.forward(seconds=(moment - clock.now()).total_seconds())
        await rounds.look()
        await rounds.look()
        said = await street.said_to(me)
        return said.count("repair_warned"), said.count("repair_breached")

    assert await told(due - timedelta(hours=4) - second) == (0, 0)
    assert await told(due - timedelta(hours=4)) == (1, 0)
    assert await told(due - second) == (1, 0)
    assert await told(due + second) == (1, 1)

    technician = await street.signed_in("technician", name="唐一鸣")
    zhou = await street.phone("周建国")

    async def step(name: str, **more: Any) -> str:
        body = {"commandId": str(uuid4()), "command": {"name": name, **more}}
        answer = await technician.client.post(f"/api/repairs/{repair_id}/step", json=body)
        assert answer.status_code == 200, answer.text
        refusal = answer.json()["refusal"]
        return str(refusal["code"]) if refusal else ""

    assert await step("repair_done", what="换底座") == "repair_plan_first"
    assert await step("repair_plan", what="换底座") == ""
    assert await step("repair_done", what="已换") == "repair_overrun"
    assert await step("repair_overrun", reason="等配件", newOn="2026-03-05") == ""
    assert await step("repair_done", what="已换") == ""
    assert await street.told(zhou, "repair_done") == 1
    refusal = await zhou.is_refused(repair_id, "repair_plan", what="我来")
    assert refusal["code"] == "inspection_role"
    assert (await zhou.is_refused(repair_id, "repair_confirm"))["code"] == "repair_no_signal"
    await street.hears("smoke", smoke=True, test=True)
    await zhou.does(repair_id, "repair_confirm")
    assert await rounds.state_of(SMOKE) == "active"
    [job] = (await technician.get("/api/repairs"))["repairs"]
    assert (job["state"], job["overrun"]) == ("closed", "等配件")
    assert job["breachedAt"] is not None
    changes = await street.world.operations.fetch(
        "SELECT after ->> 'state' AS state FROM detector_change ORDER BY at, id"
    )
    assert [row["state"] for row in changes] == ["faulty", "active"]

    lead = await street.desk_lead()
    year = (await lead.get("/api/inspection/years/2026"))["year"]
    assert (year["done"], year["inTime"], year["bad"], year["items"]) == (1, 1, 1, {"works": 1})
    repairs = year["repairs"]
    assert (repairs["opened"], repairs["breached"], repairs["inTime"]) == (1, 1, 0)
    for name, cells in (("rounds", "转技术人员：主板坏"), ("repairs", "等配件")):
        file = await lead.client.get(f"/api/inspection/years/2026/{name}.csv")
        assert file.status_code == 200, file.text
        assert sum(cells in line for line in file.text.splitlines()) == 1
    audited = await street.world.operations.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'inspection.record_exported'"
    )
    assert audited == 2
