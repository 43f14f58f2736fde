"""``jiean demo --once``: one smoke alarm from the detector's message to the verified archive.

Nobody sits at a screen; the people of ``actors`` do, through the same doors as the apps. Each
step is a line with its time; ``Story.steps`` is what the last line of output says.
"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.demo.actors import Desk, Field, OfficeClerk, Resident
from backend.demo.ground import Ground
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector, Household
from backend.demo.walking import Lanes
from backend.demo.wire import Json
from geo.point import Point, metres

HURRY_M_PER_S = 45.0
"""The walk to the scene takes seconds, not minutes."""

NEAR_M = (60.0, 120.0, 220.0, 300.0, 360.0, 420.0, 480.0, 540.0)
"""Where the eight begin, straight from the burning house: the nearest is not a tie."""


class Fell(Exception):
    """The story did not go as it must; the sentence says where."""


class Story:
    """The run: who acts, what happened when."""

    def __init__(self, ground: Ground, told: Callable[[str, str], None]) -> None:
        self.ground, self._told = ground, told
        self.steps: dict[str, str] = {}
        self.incident = ""
        self.number = ""
        self.presented_ms: float | None = None
        self.sealed = False
        self.verified = False
        self._home, self._detector = _scene(ground)

    def step(self, name: str, words: str) -> None:
        """Note the time of a step and show it."""
        self.steps[name] = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._told(name, words)

    def outcome(self) -> Json:
        """The last line's object."""
        return {
            "incident": self.number,
            "steps": self.steps,
            "desk_presented_ms": self.presented_ms,
            "sealed": self.sealed,
            "verified": self.verified,
        }

    async def run(self, telemetry: Telemetry, *, archive: Path) -> None:
        """Play it.

        Raises:
            Fell, Refused, Away, TimeoutError: something did not happen.
        """
        base, company = self.ground.serve.base, self.ground.company
        lanes = Lanes(self.ground.town.paths)
        async with AsyncExitStack() as stack:
            desk = Desk(base, company.post("desk")[0], self._told)
            stack.push_async_callback(desk.wire.close)
            await desk.open(self.ground.password)
            crew = {}
            starts = _starts(lanes, self._home.at)
            for n, person in enumerate(company.post("field")):
                one = Field(
                    base, person, lanes, starts[n], self._told,
                    seed=n, pace_m_s=0.4, fix_every_s=1.0,
                )  # fmt: skip
                stack.push_async_callback(one.close)
                await one.open(self.ground.password)
                crew[str(person.id)] = one
            clerks = [OfficeClerk(base, o, self._told, after_s=0.5) for o in company.offices[:1]]
            for clerk in clerks:
                stack.push_async_callback(clerk.wire.close)
                await clerk.open(self.ground.password)
            resident = Resident(base, self.ground.links[str(self._home.id)])
            stack.push_async_callback(resident.wire.close)
            self.step("ready", f"值班台、{len(crew)} 名外勤、社区已上线 everybody is at work")
            await self._alarm(desk, resident, telemetry)
            lead = await self._dispatch(desk, crew)
            await self._scene(desk, lead, clerks[0], telemetry)
            await self._release(desk, lead, resident)
            await self._archive(desk, archive)

    async def _alarm(self, desk: Desk, resident: Resident, telemetry: Telemetry) -> None:
        at = telemetry.raise_alarm(self._detector)
        self.steps["published"] = at.isoformat(timespec="milliseconds")
        self._told("published", f"{self._home.address} {self._detector.label} 烟感报警 smoke")
        row = await desk.until(
            lambda r: r["kind"] == "smoke" and r["alertActive"] and self._here(r), 10
        )
        self.incident, self.number = row["id"], row["no"]
        row = await desk.until(lambda r: r["id"] == self.incident and r["presentedMs"], 10)
        self.presented_ms = row["presentedMs"]
        self.step("presented", f"{self.number} 值班台呈现 {row['presentedMs']} ms on the desk")
        if row["handling"] != "exercise":
            raise Fell(f"handling is {row['handling']}, not exercise")
        page = await resident.page()
        if self.incident not in [i["id"] for i in page["incidents"]]:
            raise Fell("the resident's page does not show the alert")
        self.step("resident_told", "居民页面已显示预警 the household's link shows it")
        await desk.wire.command(self.incident, "claim")
        self.step("claimed", f"{desk.staff.name} 接手 claimed")
        people = (await desk.wire.call("GET", f"/api/incidents/{self.incident}/contacts"))[
            "contacts"
        ]
        for n, person in enumerate((people * 2)[:2], start=1):
            await desk.wire.command(
                self.incident, "log_call", contact=person["id"], result="no_answer", phrase="A.1"
            )
            self.step(f"no_answer_{n}", f"{person['relation']} 无人接听 no answer")

    def _here(self, row: Json) -> bool:
        return metres(Point(row["lat"], row["lon"]), self._home.at) < 40

    async def _dispatch(self, desk: Desk, crew: dict[str, Field]) -> Field:
        first, offer = await _offered(crew, 15)
        await first.command(
            self.incident, "decline", offerId=offer["offerId"], reason="busy", note="正在巡检"
        )
        self.step("declined", f"{first.staff.name} 去不了，正在忙 declined")
        second, offer = await _offered(crew, 15)
        if second is first:
            raise Fell(f"{first.staff.name} was asked twice in one round")
        near, next_near = (o["metres"] for o in (await desk.incident(self.incident))["offers"][:2])
        if near > next_near:
            raise Fell(f"asked {near} m away before {next_near} m")
        await second.command(self.incident, "accept", offerId=offer["offerId"])
        self.step("accepted", f"{second.staff.name} 接受 accepted")
        await desk.until(lambda r: r["id"] == self.incident and r["state"] == "en_route", 10)
        return second

    async def _scene(
        self, desk: Desk, lead: Field, clerk: OfficeClerk, telemetry: Telemetry
    ) -> None:
        do = self._by(lead)
        lead.hurry(HURRY_M_PER_S)
        await asyncio.wait_for(lead.go_to(self._home.at), 40)
        await do("arrived", metresOff=round(metres(lead.at, self._home.at), 1))
        self.step("arrived", f"{lead.staff.name} 到场 arrived")
        await do("confirm_real", note="厨房油锅冒烟，看得见明烟")
        self.step("confirmed", "确认属实 confirmed real")
        await do("assess_controllable", controllable=True, reason="初起，灭火器可及")
        self.step("controllable", "情况可控 controllable")
        await desk.wire.command(self.incident, "report_to", offices=None, situation=(
            f"{self._home.address} 厨房冒烟，现场可控，正在处置，无人员被困"
        ))  # fmt: skip
        self.step("reported", "通报属地 reported to the offices")
        rules = await desk.wire.call("GET", "/api/rulebook")
        kit = rules["ppe"]["smoke"]
        await do("confirm_ppe", items=[{"code": p["code"], "has": True} for p in kit])
        self.step("ppe", f"防护齐全（{len(kit)} 件）protective equipment on")
        await do("start_handling")
        self.step("handling", "开始处置 handling")
        card = rules["cards"]["smoke"]
        for item in card["items"]:
            if not item["mandatory"]:
                continue
            sha = await lead.photograph(item["code"]) if item["photo"] else None
            if sha is not None:
                await do(
                    "photo", sha256=sha, takenAt=self._now(), caption=item["zh"], burntSha256=None
                )
                self.step("photographed", "照片已上传 photograph stored")
            causes = item.get("causes") or []
            await do(
                "tick", card=card["card"], item=item["code"], result="done", reason=None,
                value=None, photo=sha, cause=causes[0]["code"] if causes else None,
            )  # fmt: skip
            self.step(f"done_{item['code']}", f"{item['code']} {item['zh']} done")
            if item["code"] == "B.3-4":
                telemetry.end_alarm(self._detector)
        telemetry.end_alarm(self._detector)
        await do("leave_scene")
        await do("final_check", note="灶具已关，无复燃，无次生隐患")
        self.step("checked", "最后检查 final check")
        await self._acknowledged(desk, clerk)
        await do("field_confirm_eliminated", note="隐患已排除")
        self.step("eliminated", "现场确认隐患排除 hazard eliminated")

    async def _acknowledged(self, desk: Desk, clerk: OfficeClerk) -> None:
        """Wait for the community's signature under the report."""
        ours = str(clerk.office.id)
        await desk.until_view(
            self.incident,
            lambda v: any(r["officeId"] == ours and r["acknowledgedAt"] for r in v["reports"]),
            20,
        )
        self.step("acknowledged", f"{clerk.office.name} 已签收 report acknowledged")

    async def _release(self, desk: Desk, lead: Field, resident: Resident) -> None:
        view = await desk.until_view(self.incident, lambda v: v["c1"] is not None, 120)
        self.step("normal", f"监测恢复正常 data normal ({view['c1']['how']})")
        await desk.wire.command(self.incident, "desk_release_real", category="kitchen_fire")
        self.step("released", "预警解除 released")
        page = await resident.page()
        mine = [i for i in page["incidents"] if i["id"] == self.incident]
        if any(i["alertActive"] for i in mine):
            raise Fell("the resident's page still shows an active alert after the release")
        do = self._by(lead)
        view = await desk.incident(self.incident)
        for owed in view["obligations"]:
            if owed["doneAt"] or owed["waivedAt"]:
                continue
            match owed["code"]:
                case "advice_handling" | "advice_prevention":
                    kind = owed["code"].removeprefix("advice_")
                    await do("party_advised", kind=kind, way="spoken")
                case code:
                    raise Fell(f"nobody knows how to meet the obligation {code}")
            self.step(owed["code"], f"{owed['code']} 已办 done")

    async def _archive(self, desk: Desk, file: Path) -> None:
        await desk.wire.command(self.incident, "archive")
        await desk.until_view(self.incident, lambda v: v["state"] == "archived", 30)
        raw = await desk.wire.raw("GET", f"/api/incidents/{self.incident}/archive")
        await asyncio.to_thread(file.write_bytes, raw)
        self.sealed = True
        self.step("sealed", f"档案已封存 sealed ({len(raw)} bytes)")
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "backend.cli", "verify", str(file)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise Fell(
                f"the archive does not verify: {done.stdout.decode()} {done.stderr.decode()}"
            )
        self.verified = True
        self.step("verified", "档案核验无误 the archive verifies")

    def _by(self, lead: Field) -> Callable[..., Awaitable[Json]]:
        """Commands of the lead about this incident."""

        async def do(name: str, **args: Any) -> Json:
            return await lead.command(self.incident, name, **args)

        return do

    @staticmethod
    def _now() -> str:
        return datetime.now(UTC).isoformat(timespec="milliseconds")


async def _offered(crew: dict[str, Field], timeout_s: float) -> tuple[Field, Json]:
    """Whoever is asked next, and the offer."""
    waiting = {
        asyncio.create_task(one.offers.get()): one for one in crew.values() if not one.stepped_back
    }
    try:
        done, _ = await asyncio.wait(
            waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise Fell("no offer reached any phone")
        task = done.pop()
        return waiting[task], task.result()
    finally:
        for task in waiting:
            task.cancel()


def _scene(ground: Ground) -> tuple[Household, Detector]:
    """A linked home in a court, and its smoke detector."""
    smoke = {d.household_id: d for d in ground.town.detectors if d.kind == "smoke"}
    homes = ground.linked()
    home = homes[int(datetime.now(UTC).timestamp()) % len(homes)]
    return home, smoke[home.id]


def _starts(lanes: Lanes, home: Point) -> list[Point]:
    """Places on lanes at growing distances from the home."""
    away = [(metres(corner, home), n, corner) for n, corner in enumerate(lanes.corners())]
    return [min((abs(gap - near), n, corner) for gap, n, corner in away)[2] for near in NEAR_M]
