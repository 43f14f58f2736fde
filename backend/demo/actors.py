"""The neighbourhood's people at work, each through the doors that the real apps use.

Nothing here knows a table or a service function: what they can do, anybody can do with a
browser. A person whose duty moves to another phone (a human signed in) steps back.
"""

import asyncio
import hashlib
import io
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
from PIL import Image, ImageDraw

from backend.demo.people import Office, Staff
from backend.demo.walking import PACE_M_PER_S, Lanes, Walk, along
from backend.demo.wire import Away, Json, Wire, now_text
from geo.point import Point

Told = Callable[[str, str], None]
"""(who, what): a line for whoever watches."""

SOFT = (Away, httpx.HTTPError, TimeoutError)
"""What a person shrugs off and tries again later."""


class Desk:
    """A duty officer at the tablet: pulls the board on news and says what is on the screen."""

    def __init__(self, base: str, staff: Staff, told: Told) -> None:
        self.staff, self._told = staff, told
        self.wire = Wire(base, staff.name)
        self.rows: dict[str, Json] = {}
        self._cursor = 0
        self._changed = asyncio.Condition()
        self._pulling = asyncio.Lock()

    async def open(self, password: str) -> None:
        """Sign in and watch the board."""
        await self.wire.sign_in(self.staff.login, password, f"demo-{self.staff.login}")
        await self.wire.listen(self._heard)
        await self._pull()

    async def _heard(self, frame: Json) -> None:
        if frame["t"] in {"hello", "news"} and frame["cursor"] > self._cursor:
            with suppress(*SOFT):
                await self._pull()

    async def _pull(self) -> None:
        async with self._pulling:
            board = await self.wire.call("GET", f"/api/desk/board?since={self._cursor}")
            self._cursor = board["cursor"]
            fresh = board["incidents"]
            for row in fresh:
                self.rows[row["id"]] = row
        for row in fresh:
            if row["presentedMs"] is None and row["alertActive"]:
                await self.wire.say(
                    {"t": "presented", "incidentId": row["id"], "version": row["version"]}
                )
        async with self._changed:
            self._changed.notify_all()

    async def until(self, found: Callable[[Json], bool], timeout_s: float) -> Json:
        """The first row of the board that fits, now or when it comes."""

        def match() -> Json | None:
            return next((row for row in self.rows.values() if found(row)), None)

        async with asyncio.timeout(timeout_s), self._changed:
            while (row := match()) is None:
                await self._changed.wait()
            return row

    async def incident(self, incident: str) -> Json:
        """The whole view of one incident."""
        return await self.wire.call("GET", f"/api/incidents/{incident}")

    async def until_view(
        self, incident: str, found: Callable[[Json], bool], timeout_s: float
    ) -> Json:
        """The incident's view once it fits; asked again with every news, and each second."""
        async with asyncio.timeout(timeout_s):
            while not found(view := await self.incident(incident)):
                async with self._changed:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), 1.0)
            return view


class Field:
    """A member of the field staff: walks, tells where, hears offers and answers as told.

    Args:
        start: where the walk begins.
        pace_m_s: walking speed; the unattended run goes faster than life.
    """

    def __init__(
        self, base: str, staff: Staff, lanes: Lanes, start: Point, told: Told,
        *, seed: int, pace_m_s: float = PACE_M_PER_S, fix_every_s: float = 5.0,
        verify: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.staff, self._told, self._lanes = staff, told, lanes
        self.wire = Wire(base, staff.name, verify)
        self.device = f"demo-{staff.login}"
        self.at = start
        self.stepped_back = False
        self.offers: asyncio.Queue[Json] = asyncio.Queue()
        """Data of each offer, and ``heardAt``: Unix seconds of its frame on the socket."""
        self._stroll = lanes.stroll(Random(seed), start)  # noqa: S311
        self._pace, self._every_s = pace_m_s, fix_every_s
        self._walk: Walk = (start,)
        self._walked_m = 0.0
        self._aim: Point | None = None
        self._there = asyncio.Event()
        self._seen: set[str] = set()
        self._walking: asyncio.Task[None] | None = None

    async def open(self, password: str) -> None:
        """Sign in, go on duty unless a human already is, and begin to walk."""
        await self.wire.sign_in(self.staff.login, password, self.device)
        duty = (await self.wire.call("GET", "/api/field/home"))["duty"]
        if duty["on"] and duty.get("deviceId") not in {None, self.device}:
            self._step_back()
            return
        await self.wire.listen(self._heard)
        await self._on_duty("演示：加派人手")
        self._walking = asyncio.create_task(self._go())

    async def _on_duty(self, reason: str) -> None:
        """``reason`` counts only outside this person's shift."""
        wish = {"on": True, "deviceId": self.device, "position": self.fix(), "reason": reason}
        await self.wire.call("POST", "/api/field/duty", wish)

    def fix(self) -> Json:
        """The phone's position now."""
        return {
            "lat": round(self.at.lat, 7),
            "lon": round(self.at.lon, 7),
            "accuracyM": 8.0,
            "at": now_text(),
            "batteryPct": 76,
        }

    async def close(self) -> None:
        """Put the phone away."""
        if self._walking is not None:
            self._walking.cancel()
            await asyncio.gather(self._walking, return_exceptions=True)
        await self.wire.close()

    async def go_to(self, place: Point) -> None:
        """Walk to a place by the shortest way; returns on arrival."""
        self._there.clear()
        self._aim = place
        self._walk, self._walked_m = self._lanes.way(self.at, place), 0.0
        await self._there.wait()

    async def command(self, incident: str, name: str, **args: Any) -> Json:
        """A command from this phone, with its position."""
        fix = {k: v for k, v in self.fix().items() if k != "batteryPct"}
        return await self.wire.command(incident, name, device=self.device, position=fix, **args)

    async def photograph(self, caption: str) -> str:
        """Take a picture, upload it and return its SHA-256."""
        image = Image.new("RGB", (960, 720), (196, 188, 176))
        pen = ImageDraw.Draw(image)
        pen.rectangle((90, 120, 870, 640), fill=(232, 229, 222), outline=(120, 110, 96), width=6)
        pen.ellipse((430, 60, 530, 100), fill=(250, 250, 248), outline=(90, 90, 90), width=3)
        pen.text((20, 690), f"{caption} {datetime.now(UTC).isoformat()}", fill=(20, 20, 20))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=82)
        raw = out.getvalue()
        sha = hashlib.sha256(raw).hexdigest()
        await self.wire.raw("PUT", f"/api/evidence/{sha}", raw, "image/jpeg")
        return sha

    async def _heard(self, frame: Json) -> None:
        if frame["t"] != "message":
            return
        heard_at = time.time()
        message = frame["message"]
        for kind in ("delivered", "seen"):
            await self.wire.say(
                {"t": "receipt", "messageId": message["id"], "kind": kind, "at": now_text()}
            )
        offer = (message.get("data") or {}).get("offerId")
        if offer and offer not in self._seen:
            self._seen.add(offer)
            await self.offers.put({**message["data"], "heardAt": heard_at})

    async def _go(self) -> None:
        """Walk and tell where; every so often look whether a human has taken over."""
        turn = 0
        while not self.stepped_back:
            await asyncio.sleep(self._every_s)
            self._advance(self._pace * self._every_s)
            turn += 1
            with suppress(*SOFT):
                if turn % 3 == 0:
                    duty = (await self.wire.call("GET", "/api/field/home"))["duty"]
                    if not duty["on"] or duty.get("deviceId") not in {None, self.device}:
                        self._step_back()
                        return
                    if duty.get("over"):
                        await self._on_duty("演示：继续值守")
                await self.wire.call("POST", "/api/field/position", self.fix())

    def _advance(self, metres: float) -> None:
        self._walked_m += metres
        self.at, arrived = along(self._walk, self._walked_m)
        if not arrived:
            return
        if self._aim is not None:
            # Stays at the scene until sent elsewhere.
            self._there.set()
            return
        self._walk, self._walked_m = (self.at, next(self._stroll)), 0.0

    def is_human(self) -> bool:
        """Whether somebody real has signed in with another phone as this person."""
        return self.stepped_back

    def hurry(self, pace_m_s: float) -> None:
        """Walk at another speed from now on."""
        self._pace = pace_m_s

    def resume(self) -> None:
        """Done here: stroll on."""
        self._aim = None
        self._stroll = self._lanes.stroll(Random(self.staff.badge), self.at)  # noqa: S311

    def _step_back(self) -> None:
        self.stepped_back = True
        self._told(self.staff.name, "由真人接手这部手机 a human has this person's phone now")


class OfficeClerk:
    """Somebody in an office: reads each report and acknowledges it after a moment."""

    def __init__(
        self, base: str, office: Office, told: Told,
        *, after_s: float = 2.0, verify: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.office, self._told, self._after_s = office, told, after_s
        self.wire = Wire(base, office.name, verify)
        self._signed: set[str] = set()
        self._busy = asyncio.Lock()

    async def open(self, password: str) -> None:
        """Sign in and watch the inbox."""
        await self.wire.sign_in(self.office.login, password, f"demo-{self.office.login}")
        await self.wire.listen(self._heard)
        await self._read()

    async def _heard(self, frame: Json) -> None:
        if frame["t"] in {"hello", "news", "message"}:
            with suppress(*SOFT):
                await self._read()

    async def _read(self) -> None:
        async with self._busy:
            inbox = await self.wire.call("GET", "/api/office/inbox")
            for report in inbox["reports"]:
                fresh = report["acknowledgedAt"] is None and report["id"] not in self._signed
                if fresh and report["status"] != "failed":
                    await asyncio.sleep(self._after_s)
                    await self.wire.command(
                        report["incidentId"], "acknowledge_report",
                        reportId=report["id"], reply="收到，已派人到路口接应", sent=True,
                    )  # fmt: skip
                    self._signed.add(report["id"])
                    self._told(self.office.name, "签收报告 acknowledged the report")


class Resident:
    """A household's page behind its link."""

    def __init__(self, base: str, token: str) -> None:
        self.wire, self._token = Wire(base, "居民"), token

    async def page(self) -> Json:
        """What the page shows now."""
        return await self.wire.call("GET", f"/api/link/{self._token}")
