"""A phone after a day without network: 500 commands and 50 photographs over a weak line.

Everything is real: ``jiean serve`` as a child, the field app itself in a Chromium with its own
outbox, signatures and upload. Only the taps of the day are written into the phone's store by us,
and the line between is ``backend.bench.line``. The day before, the incidents were opened and the
person was sent to them; so far back the journal is written directly.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psutil
import rfc8785
from playwright.async_api import Page, async_playwright

from backend.bench.line import COMMANDS, PHOTO, Line
from backend.demo.child import free_port
from backend.demo.ground import Ground, ground
from backend.demo.people import Staff
from backend.demo.town import Detector
from backend.incidents import journal
from backend.incidents.flow import commands as c
from backend.incidents.flow.decide import decide
from backend.incidents.flow.events import Event
from backend.incidents.flow.facts import Facts, Policy
from backend.incidents.flow.kinds import required_ppe
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Handling, Kind, Place, Role, Urgency
from backend.settings import load
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.visit import visiting
from tools.machine import chromium

BITS_PER_S, RTT_S = 1_000_000.0, 0.3
INCIDENTS, EACH = 5, 100
PHOTOS_EACH = 10
DAY = timedelta(hours=24)
LIMITS = {
    "lost": 0.0,
    "doubled": 0.0,
    "commands_s": 5.0,
    "wire_overhead": 0.25,
    "cpu_ms_per_command": 2.0,
}
SIGNATURE_BYTES = len(',"signature":""') + 86
"""What the phone adds to an envelope when it sends it."""
NEVER_S = 30 * 86_400.0
"""Nothing that began a day ago is overdue: only the phone's work is measured."""
TIMERS = {
    f"JIEAN_TIMERS_{name}_S": "3600"
    for name in ("OFFER_FIRST", "OFFER_NEXT", "NOBODY_LEFT", "DESK_CLAIM")
}
WAIT_MS = 600_000.0

SEED = (Path(__file__).parent / "day.js").read_text("utf-8")

Json = dict[str, Any]


async def measure(folder: Path, *, seed: int) -> Json:
    """Run the measurement and return the figures.

    Raises:
        ServeFailed, SomebodyReal, CannotStart: with a sentence for a person.
    """
    _say(f"布置街区 laying out the neighbourhood in {folder}")
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            ground(folder, seed=seed, port=free_port(), mqtt_port=free_port(), settings=TIMERS)
        )
        person, *others = here.company.post("field")
        incidents = await _yesterday(here, person, others)
        line = Line(int(here.serve.base.rpartition(":")[2]))
        base = f"http://127.0.0.1:{await line.open()}"
        stack.push_async_callback(line.close)
        page = await _phone(stack, base, person, here.password)
        taps = _taps(incidents, datetime.now(UTC) - DAY)
        made = await _day_offline(page, line, taps, str(person.account_id))
        size = made["bytes"] // len(made["hashes"])
        _say(f"离线一天 a day offline: {len(taps)} commands, 50 photos of {size} bytes")
        return await _drain(here, line, page, taps, made)


async def _yesterday(here: Ground, person: Staff, others: Sequence[Staff]) -> list[UUID]:
    """Five alarms a day ago; ``person`` leads the first and came to the others as a helper."""
    smoke = {d.building_id: d for d in here.town.detectors if d.kind == "smoke"}
    settings = load({"JIEAN_DATA": str(here.serve.folder)})
    at = datetime.now(UTC) - DAY - timedelta(hours=1)
    scenes = zip(list(smoke.values()), (person, *others), range(INCIDENTS), strict=False)
    async with visiting(settings, OPERATIONS):
        return [
            await _accepted(detector, lead, person, at + timedelta(minutes=n))
            for detector, lead, n in scenes
        ]


async def _accepted(detector: Detector, lead: Staff, person: Staff, at: datetime) -> UUID:
    incident_id, offer_id = uuid7(), uuid7()
    place = Place(
        address=f"同步测速 {detector.label}", lat=detector.at.lat, lon=detector.at.lon,
        household_id=detector.household_id, building_id=detector.building_id,
    )  # fmt: skip
    spans = [field.name for field in msgspec.structs.fields(Policy) if field.name.endswith("_s")]
    policy = msgspec.structs.replace(Policy(), **dict.fromkeys(spans, NEVER_S))
    desk = Actor(id="bench", role=Role.DESK, name="bench")
    said: list[tuple[Actor, c.AnyCommand]] = [
        (SYSTEM, c.RaiseAlert(
            no=f"B{at:%d%H%M}", kind=Kind.SMOKE, urgency=Urgency.EMERGENCY,
            handling=Handling.EXERCISE, place=place, detector_id=detector.id, label=detector.label,
            quantity="smoke", value=1.0, emitted_at=at)),
        (desk, c.DispatchNow(reason="bench")),
        (SYSTEM, c.Offer(
            offer_id=offer_id, staff_id=lead.id, name_=lead.name, badge=lead.badge,
            expires_at=at + timedelta(days=9))),
        (_field(lead), c.Accept(offer_id=offer_id)),
    ]  # fmt: skip
    if lead != person:
        said.append((_field(person), c.SelfAssign()))
    for actor, command in said:
        order = c.Order(
            command_id=uuid7(), incident_id=incident_id, actor=actor, occurred_at=at,
            received_at=at, source="bench", command=command,
        )  # fmt: skip
        async with OPERATIONS.transaction():
            now = await journal.load(incident_id)
            found = decide(now, order, Facts(now=at, policy=policy, metres=9.0))
            if isinstance(found, tuple) and found:
                await journal.append(now, found, policy=policy, reacts_to=frozenset())
    return incident_id


def _field(person: Staff) -> Actor:
    return Actor(id=str(person.account_id), role=Role.FIELD, name=person.name, staff=person.id)


def _taps(incidents: Sequence[UUID], began: datetime) -> list[Json]:
    """What the person tapped: a scene after the other, evenly over the day."""
    gap = DAY / (len(incidents) * EACH + 1)
    taps: list[Json] = []
    for incident in incidents:
        for name, arguments in _scene(lead=not taps):
            at = began + gap * (len(taps) + 1)
            when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
            if name == "photo":
                arguments = arguments | {"takenAt": when}
            taps.append({
                "commandId": str(uuid7()), "incidentId": str(incident), "occurredAt": when,
                "seenVersion": 7, "deviceId": None, "seq": len(taps) + 1,
                "elapsedMs": int((at - began).total_seconds() * 1000),
                "position": {"lat": 31.31 + len(taps) / 1e5, "lon": 120.63 + len(taps) / 1e5,
                             "accuracyM": 5 + len(taps) % 20, "at": when},
                "command": {"name": name, **arguments},
            })  # fmt: skip
    return taps


def _scene(*, lead: bool) -> list[tuple[str, Json]]:
    """A hundred taps at one smoke alarm: who leads handles it, a helper looks and tells."""
    worn = [{"code": code, "has": True} for code in required_ppe((Kind.SMOKE,))]
    handling: list[tuple[str, Json]] = [
        ("confirm_real", {}),
        ("assess_controllable", {"controllable": True}),
        ("confirm_ppe", {"items": worn}),
        ("start_handling", {}),
        *(("tick", {"card": "B.3", "item": f"B.3-{n}", "result": "done"}) for n in range(2, 6)),
    ]
    said: list[tuple[str, Json]] = [
        ("arrived", {"metresOff": 4}),
        *(handling if lead else ()),
        ("report_injured", {"count": 1}),
        ("log_emergency_call", {"number": "120"}),
    ]
    rest = EACH - len(said) - PHOTOS_EACH
    kept: list[tuple[str, Json]] = [
        ("check_in", {})
        if lead and n % 2
        else ("note", {"text": f"第{n}次查看，{uuid4().hex[:12]}，没有变"})
        for n in range(rest)
    ]
    every = rest // PHOTOS_EACH
    for n in range(PHOTOS_EACH):
        kept.insert(n * (every + 1), ("photo", {"sha256": "", "caption": ""}))
    return said + kept


async def _phone(stack: AsyncExitStack, base: str, person: Staff, password: str) -> Page:
    """The field app in a browser of its own, on duty."""
    driver = await stack.enter_async_context(async_playwright())
    where = chromium()
    browser = await driver.chromium.launch(
        executable_path=str(where) if where else None, args=["--no-sandbox"]
    )
    stack.push_async_callback(browser.close)
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, permissions=["geolocation"],
        geolocation={"latitude": 31.31, "longitude": 120.63},
    )  # fmt: skip
    page = await context.new_page()
    await page.goto(f"{base}/login?next=/field")
    await page.get_by_test_id("login").fill(person.login)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("sign-in").click()
    await page.get_by_test_id("count-saved").first.wait_for()
    await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    # the key is registered when the phone has the server's picture
    await page.wait_for_function(STORED, arg="signing-key")
    return page


STORED = """async (key) => {
  const db = await new Promise((done) => {
    const asked = indexedDB.open('jiean-phone')
    asked.onsuccess = () => done(asked.result)
  })
  const found = await new Promise((done) => {
    const asked = db.transaction('kept').objectStore('kept').get(key)
    asked.onsuccess = () => done(asked.result !== undefined)
  })
  db.close()
  return found
}"""


async def _day_offline(page: Page, line: Line, taps: list[Json], owner: str) -> Json:
    """The network goes; the day's taps and pictures are on the phone; the app is opened again."""
    await page.wait_for_timeout(1000)  # what signing in started is over
    line.down()
    device = await page.evaluate("() => localStorage.getItem('jiean.device')")
    for tap in taps:
        tap["deviceId"] = device
    at = {"incidentId": taps[0]["incidentId"], "takenAt": taps[0]["occurredAt"]}
    photos = [at for _ in range(INCIDENTS * PHOTOS_EACH)]
    made: Json = await page.evaluate(SEED, {"commands": taps, "photos": photos, "owner": owner})
    pictures = iter(made["hashes"])
    for tap in taps:
        if tap["command"]["name"] == "photo":
            tap["command"]["sha256"] = next(pictures)
    await page.reload()
    await page.wait_for_function(COUNTED, arg=["saved", len(taps) + len(photos)], timeout=WAIT_MS)
    return made


COUNTED = """([name, least]) =>
  Number(document.querySelector(`[data-testid=count-${name}]`)?.textContent) >= least"""


async def _drain(here: Ground, line: Line, page: Page, taps: list[Json], made: Json) -> Json:
    """The network comes back: measure until everything is accepted, then read the journal."""
    served = psutil.Process(here.serve.pid)
    before = _cpu_s(served)
    await asyncio.sleep(5)
    idle = (_cpu_s(served) - before) / 5
    line.weaken(bits_per_s=BITS_PER_S, rtt_s=RTT_S)
    up, back = line.up.bytes, line.back.bytes
    # torn in the middle of a batch, then the reply to one lost; the same for the photographs
    line.tear_after(COMMANDS, 9_000)
    line.lose_reply(COMMANDS)
    line.tear_after(PHOTO, made["bytes"] // 3)
    line.tear_after(PHOTO, made["bytes"] * 2 // 3)
    line.lose_reply(PHOTO)
    cpu, began = _cpu_s(served), time.monotonic()
    line.mend()
    # as the phone's system says it; an emulated network says nothing to a page opened offline
    await page.evaluate("() => dispatchEvent(new Event('online'))")
    await page.wait_for_function(COUNTED, arg=["accepted", len(taps)], timeout=WAIT_MS)
    accepted_at = time.monotonic()
    spent = _cpu_s(served) - cpu - idle * (accepted_at - began)
    words_bytes = line.up.bytes - up + line.back.bytes - back
    first = line.asked_at[COMMANDS]
    _say(f"指令全部接受 all commands accepted {accepted_at - first:.2f} s after the first byte")
    steps = "  ".join(f"{at - first:.2f} {what}" for at, what in line.story)
    _say(f"经过 s after the first byte: {steps}  {accepted_at - first:.2f} on the screen")
    everything = len(taps) + len(made["hashes"])
    await page.wait_for_function(COUNTED, arg=["accepted", everything], timeout=WAIT_MS)
    all_s = time.monotonic() - first
    wire = line.up.bytes - up + line.back.bytes - back
    said = sum(len(rfc8785.dumps(tap)) + SIGNATURE_BYTES for tap in taps)
    found = await _found(here, taps, made["hashes"])
    figures: Json = {
        "lost": found["lost"],
        "doubled": found["doubled"],
        "commands_s": round(accepted_at - first, 2),
        "wire_overhead": round(wire / (said + made["bytes"]) - 1, 4),
        "cpu_ms_per_command": round(spent * 1000 / len(taps), 2),
    }
    return {
        **figures,
        "out_of_order": found["out_of_order"],
        "times_changed": found["times_changed"],
        "all_s": round(all_s, 1),
        "commands_payload_bytes": said,
        "commands_wire_bytes": words_bytes,
        "photos_payload_bytes": made["bytes"],
        "wire_bytes": wire,
        "disconnections": line.tears,
        "replies_lost": line.replies_lost,
        "idle_cores": round(idle, 3),
        "load_1min": round(psutil.getloadavg()[0], 1),
        "limits": LIMITS,
        "met": {name: figures[name] <= limit for name, limit in LIMITS.items()},
    }


async def _found(here: Ground, taps: list[Json], hashes: list[str]) -> dict[str, int]:
    """Compare the journal and the store with what the phone had."""
    settings = load({"JIEAN_DATA": str(here.serve.folder)})
    async with visiting(settings, OPERATIONS):
        answered = await journal.answers_of([UUID(tap["commandId"]) for tap in taps])
        stored = await OPERATIONS.fetch("SELECT sha256 FROM evidence")
        journals = {
            incident: await journal.events_of(UUID(incident))
            for incident in dict.fromkeys(tap["incidentId"] for tap in taps)
        }
    photos = Counter(row["sha256"] for row in stored)
    said = {UUID(tap["commandId"]): tap for tap in taps}
    mine = {k: [e for e in past if e.command_id in said] for k, past in journals.items()}
    by_command: dict[UUID, list[Event]] = {}
    for events in mine.values():
        for event in events:
            by_command.setdefault(event.command_id, []).append(event)
    lost = sum(
        answered[one].outcome != "accepted" if one in answered else True for one in said
    ) + sum(photos[sha256] == 0 for sha256 in hashes)
    doubled = sum(photos[sha256] > 1 for sha256 in hashes) + sum(
        len({event.received_at for event in events}) > 1
        or len({msgspec.json.encode(event.fact) for event in events}) < len(events)
        for events in by_command.values()
    )
    out_of_order = sum(
        [said[e.command_id]["seq"] for e in events]
        != sorted(said[e.command_id]["seq"] for e in events)
        for events in mine.values()
    )
    times_changed = sum(
        event.occurred_at != datetime.fromisoformat(said[one]["occurredAt"])
        or event.received_at <= event.occurred_at
        for one, events in by_command.items()
        for event in events
    )
    for one, answer in answered.items():
        if answer.outcome != "accepted":
            _say(f"! {said[one]['command']['name']}: {answer.outcome} {answer.refusal}")
    return {
        "lost": lost, "doubled": doubled, "out_of_order": out_of_order,
        "times_changed": times_changed,
    }  # fmt: skip


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _say(words: str) -> None:
    print(f"  {datetime.now(UTC).astimezone():%H:%M:%S}  {words}", flush=True)
