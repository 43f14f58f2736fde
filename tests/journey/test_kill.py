"""kill -9 of the server at any point: the journey ends well, once, and nothing is lost."""

import asyncio
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from PIL import Image

from backend import settings
from backend.archive.seal import verify
from backend.demo.child import free_port
from backend.shared.broker import Broker
from backend.shared.db import OPERATIONS, TELEMETRY
from tests.journey.installation import Hand, Installation, installed, patiently

SEED = 20_260_302
RUNS, KILLS = 1, 3
BY_TIME = {
    *("DispatchRequested", "Offered", "OfferDeclined", "OfferExpired", "OfferReleased"),
    *("NobodyLeftToAsk", "DeskMissing", "Reminded"),
}
"""Events that depend on how long the server was away."""
KIT = ("helmet", "hood", "gloves", "torch", "extinguisher")
Step = Callable[[], Coroutine[Any, Any, None]]


def picture(words: str) -> bytes:
    out = io.BytesIO()
    shade = hashlib.sha256(words.encode()).digest()[0]
    Image.new("RGB", (320, 240), (shade, 120, 90)).save(out, "JPEG")
    return out.getvalue()


class Journey:
    """One smoke alarm, step by step; a step may be interrupted and goes on by itself."""

    def __init__(self, place: Installation, name: str, known: set[str]) -> None:
        self.place, self.name, self.known = place, name, known
        self.incident = ""
        self.lead: Hand = place.phones[0]
        self.record = b""
        self.commands: list[str] = []

    def steps(self) -> list[Step]:
        desk = self.place.desk
        return [
            lambda: self.place.says(b'{"smoke": true}'),
            self.appears,
            self.presented,
            lambda: desk.does(self.incident, "claim"),
            lambda: desk.does(self.incident, "log_call", contact="a", result="no_answer"),
            lambda: desk.does(self.incident, "log_call", contact="b", result="no_answer"),
            self.declined,
            self.accepted,
            *self._scene(),
            self.normal,
            lambda: self.lead.does(self.incident, "final_check"),
            lambda: self.lead.does(self.incident, "field_confirm_eliminated"),
            lambda: desk.does(self.incident, "desk_release_real", category="kitchen_fire"),
            lambda: self.lead.does(
                self.incident, "party_advised", kind="handling", way="spoken"
            ),
            lambda: self.lead.does(
                self.incident, "party_advised", kind="prevention", way="spoken"
            ),
            lambda: desk.does(self.incident, "archive"),
            self.sealed,
        ]  # fmt: skip

    def _scene(self) -> list[Step]:
        def do(name: str, **arguments: Any) -> Step:
            return lambda: self.lead.does(self.incident, name, **arguments)

        items = [{"code": code, "has": True} for code in KIT]
        return [
            do("arrived", metresOff=2),
            do("confirm_real"),
            do("assess_controllable", controllable=True, reason="初起"),
            lambda: self.place.desk.does(self.incident, "report_to", situation="厨房"),
            self.acknowledged,
            do("confirm_ppe", items=items),
            do("start_handling"),
            self.photographed,
            *(do("tick", card="B.3", item=i, result="done")
              for i in ("B.3-2", "B.3-3", "B.3-4", "B.3-5")),
            do("leave_scene"),
        ]  # fmt: skip

    async def appears(self) -> None:
        async def look() -> str | None:
            board = await self.place.desk.ask("/api/desk/board")
            rows = [row["id"] for row in board["incidents"] if row["id"] not in self.known]
            return rows[0] if rows else None

        self.incident = await patiently(look)

    async def presented(self) -> None:
        """The desk's browser says over its socket that the card is on the screen."""
        wire = self.place.desk.wire
        frame = {"t": "presented", "incidentId": self.incident, "version": 1}

        async def shown() -> bool:
            await wire.say(frame)
            return bool((await self.view())["presentedMs"])

        await patiently(shown)

    async def view(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.place.desk.ask(f"/api/incidents/{self.incident}")
        return found

    async def asked(self, besides: Hand | None = None) -> tuple[Hand, str]:
        """Whose phone has the offer."""

        async def look() -> tuple[Hand, str] | None:
            for phone in self.place.phones:
                home = await phone.ask("/api/field/home")
                if home["offers"] and phone is not besides:
                    return phone, home["offers"][0]["id"]
            return None

        return await patiently(look)

    async def declined(self) -> None:
        self.lead, offer = await self.asked()
        await self.lead.does(self.incident, "decline", offerId=offer, reason="busy")

    async def accepted(self) -> None:
        self.lead, offer = await self.asked(besides=self.lead)
        await self.lead.does(self.incident, "accept", offerId=offer)

    async def acknowledged(self) -> None:
        clerk = self.place.community

        async def look() -> str | None:
            reports = (await clerk.ask("/api/office/inbox"))["reports"]
            mine = [r["id"] for r in reports if r["incidentId"] == self.incident]
            return mine[0] if mine else None

        report = await patiently(look)
        await clerk.does(self.incident, "acknowledge_report", reportId=report, sent=True)

    async def photographed(self) -> None:
        raw = picture(self.name)
        sha256 = hashlib.sha256(raw).hexdigest()
        at = datetime.now(UTC).isoformat()
        await self.lead.does(self.incident, "photo", sha256=sha256, takenAt=at, caption="灶台")
        await self.lead.keeps(raw, sha256)

    async def normal(self) -> None:
        async def clear() -> bool:
            await self.place.says(b'{"smoke": false}')
            return bool((await self.view())["c1"])

        await patiently(clear)

    async def sealed(self) -> None:
        async def look() -> bytes:
            return await self.place.desk.wire.raw("GET", f"/api/incidents/{self.incident}/archive")

        self.record = await patiently(look)

        async def closed() -> bool:
            return str((await self.view())["state"]) == "archived"

        await patiently(closed)

    async def run(self, random: Random, kills: int) -> list[str]:
        """All steps; the server dies just before, or in the middle of, ``kills`` of them."""
        steps = self.steps()
        points = sorted(random.sample(range(1, len(steps)), kills))
        told = []
        for number, step in enumerate(steps):
            if number not in points:
                await step()
                continue
            after_s = random.choice((0.0, random.uniform(0.001, 0.025)))
            told.append(f"{number} +{after_s * 1000:.0f} ms")
            doing = asyncio.create_task(step())
            await asyncio.wait({doing}, timeout=after_s)  # a kill in the middle of the step
            await self.place.killed()
            await doing
        return told


async def counted(journey: Journey) -> Counter[str]:
    """The incident's events by type, those aside that depend on time."""
    rows = await OPERATIONS.fetch(
        "SELECT type, version FROM event WHERE incident_id = $1 ORDER BY version",
        UUID(journey.incident),
    )
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    return Counter(row["type"] for row in rows if row["type"] not in BY_TIME)


async def doubled() -> list[tuple[str, int]]:
    """Commands that were applied at more than one time, and how often."""
    rows = await OPERATIONS.fetch(
        "SELECT command_id::text, count(DISTINCT received_at) AS times FROM event"
        " GROUP BY command_id HAVING count(DISTINCT received_at) > 1"
    )
    return [(row[0], row["times"]) for row in rows]


@pytest.mark.clause("7.2-a")
@pytest.mark.timeout(240)
async def test_a_journey_through_kills_ends_sealed_with_every_event_once() -> None:
    random = Random(SEED)
    print(f"seed {SEED}")
    async with installed() as place:
        await place.desk.wire.listen(_nothing)
        journeys: list[Journey] = []
        for number in range(1 + RUNS):
            journey = Journey(place, f"run {number}", {j.incident for j in journeys})
            told = await journey.run(random, KILLS if number else 0)
            print(f"run {number}: killed at steps {told}")
            journeys.append(journey)
        assert place.kills == RUNS * KILLS
        sent = [one for hand in place.hands for one in hand.sent]
        async with place.opened():
            plain, *disturbed = [await counted(journey) for journey in journeys]
            for one in disturbed:
                assert one == plain
            assert await doubled() == []
            answers = await OPERATIONS.fetch("SELECT command_id::text FROM command_answer")
            assert set(sent) <= {row[0] for row in answers}
            assert await OPERATIONS.fetch_value("SELECT count(*) FROM work") == 0
            assert await OPERATIONS.fetch_value("SELECT count(*) FROM incident") == 1 + RUNS
    previous = None
    for journey in journeys:
        verdict = verify(journey.record)
        assert verdict.sound, verdict
        assert previous is None or verdict.previous == previous
        previous = verdict.sha256
        kept = msgspec.json.decode(journey.record)["document"]
        assert kept["photos"][0]["sha256"] == hashlib.sha256(picture(journey.name)).hexdigest()


async def _nothing(_frame: dict[str, Any]) -> None:
    """The desk only speaks on its socket here."""


@pytest.mark.clause("7.2-a")
@pytest.mark.timeout(120)
async def test_what_a_broker_of_its_own_accepted_while_the_server_was_dead_is_all_there(
    mosquitto_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broker")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)  # mosquitto may run as nobody
    broker = Broker(settings.Mqtt(port=free_port()), folder, mosquitto=mosquitto_path)
    broker.launch()
    await broker.ready()
    try:
        async with installed({"JIEAN_MQTT_URL": broker.url}) as place:
            before = Journey(place, "before", set())
            await place.says(b'{"smoke": true}', "smoke")
            await before.appears()

            await place.dies()
            power = [json.dumps({"power": n}).encode() for n in range(500)]
            await place.says_all(power[:250], "electric")
            await place.says(b'{"smoke": true}', "smoke_far")
            await place.says_all(power[250:], "electric")
            await place.serve.start()
            meanwhile = Journey(place, "meanwhile", {before.incident})
            await meanwhile.appears()
            await place.says(b'{"smoke": true}', "smoke2")  # behind all the others

            async def last() -> bool:
                return len((await before.view())["detectors"]) == 2

            await patiently(last)
            async with place.opened():
                rows = await TELEMETRY.fetch("SELECT value FROM reading WHERE quantity = 'power'")
                assert sorted(row["value"] for row in rows) == [float(n) for n in range(500)]
                assert await OPERATIONS.fetch_value("SELECT count(*) FROM incident") == 2
    finally:
        await broker.stop()
