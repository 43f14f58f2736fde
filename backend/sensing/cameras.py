"""Cameras and recorders that we call: their event streams read, one long answer each.

Hikvision: ``/ISAPI/Event/notification/alertStream``. Dahua: ``eventManager.cgi?action=attach`` with
the codes of fire and smoke. Signed in with HTTP digest. A camera that says nothing, not even its
heartbeat, is called again; silent for longer it is a link fault for a technician, never an alarm.
One that refuses the password is called again only every few minutes: cameras lock an account after
a handful of wrong ones.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import httpx
import msgspec
from msgspec import Meta

from backend.sensing.deliveries import Arrived
from backend.sensing.event_stream import EventStream, boundary_of
from backend.sensing.intake import Full, Intake
from backend.shared import tasks
from backend.shared.clock import Clock
from backend.shared.listen import AWAY

log = logging.getLogger("jiean.cameras")

PATHS = {
    "hikvision": "/ISAPI/Event/notification/alertStream",
    "dahua": "/cgi-bin/eventManager.cgi?action=attach"
    "&codes=[SmokeDetection,FireDetection,FireWarning]&heartbeat=5",
}
BEATS = {
    "hikvision": b"<EventNotificationAlert><eventType>videoloss</eventType>"
    b"<eventState>inactive</eventState></EventNotificationAlert>",
    "dahua": b"Heartbeat",
}
"""A heartbeat as each maker's adapter reads it."""
MAX_CAMERAS = 500
QUIET_S = 0.5
"""▲ No byte for so long: what nothing marks the end of is whole."""
CONNECT_S = 10.0
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
REFUSED_S = 300.0
"""▲ Between two calls of a camera that refuses our password."""
LOOK_EVERY_S = 5.0
HEARTBEAT_EVERY = timedelta(seconds=30)
"""▲ Of a camera's heartbeats one in so long is stored as its sign of life."""


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera or recorder. ``name`` is its address in the register, behind the maker.

    ``ca`` is a PEM file with the certificate to trust, for ``https://``; empty: the system's.
    ``channels`` are those in the register (``hikvision/<name>/<channel>``): the stream's life is
    theirs, so that they do not count as silent for having seen no fire.
    """

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,60}$")]
    maker: Literal["hikvision", "dahua"]
    url: Annotated[str, Meta(pattern=r"^https?://[^/?#@]+$")]
    user: str = ""
    password: str = ""
    ca: str = ""
    channels: Annotated[tuple[str, ...], Meta(max_length=256)] = ()

    @property
    def topic(self) -> str:
        """Where its events stand, as if it had posted them."""
        return f"{self.maker}/{self.name}"


def read(path: Path) -> tuple[Camera, ...]:
    """The cameras of a JSON file: an array.

    Raises:
        OSError, ValueError: it cannot be read, or names a camera twice, or too many.
    """
    found = msgspec.json.decode(path.read_bytes(), type=tuple[Camera, ...])
    topics = [camera.topic for camera in found]
    twice = {topic for topic in topics if topics.count(topic) > 1}
    if twice:
        raise ValueError(f"named twice: {', '.join(sorted(twice))}")
    if len(found) > MAX_CAMERAS:
        raise ValueError(f"{len(found)} cameras, at most {MAX_CAMERAS}")
    return found


class Refused(Exception):
    """The camera answers, but not with its events; the reason is a ticket's."""


class _Line:
    """What is remembered of one camera."""

    def __init__(self, camera: Camera, now: datetime) -> None:
        self.camera = camera
        self.heard_at = now
        self.beat_at: datetime | None = None
        self.life_at: datetime | None = None
        self.why = "link-fault"
        self.told = False
        self.ever = self.back = False


class Cameras:
    """Calls every camera of the list while the platform runs."""

    def __init__(
        self, intake: Intake, clock: Clock, cameras: Sequence[Camera], silence_s: float
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._silence_s = silence_s
        self._lines = [_Line(camera, clock.now()) for camera in cameras]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Call them all."""
        for line in self._lines:
            line.heard_at = self._clock.now()
            self._tasks.append(tasks.spawn(self._run(line), name=f"camera {line.camera.name}"))
        self._tasks.append(tasks.spawn(self._watch(), name="silent cameras"))

    async def stop(self) -> None:
        """Hang up; a stream that is not closed counts against what a camera allows."""
        await tasks.stop(*self._tasks)
        self._tasks.clear()

    async def _run(self, line: _Line) -> None:
        tries = 0
        while True:
            before, wait = line.heard_at, 0.0
            try:
                await self._listen(line)
                why = "the stream ended"
            except Refused as refused:
                line.why = why = str(refused)
                wait = REFUSED_S if why == "password-refused" else BACK_OFF_S[-1]
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as lost:
                line.why, why = "link-fault", f"{type(lost).__name__}: {lost}"
            except Exception:
                log.exception("camera %s", line.camera.topic)
                why = "a mistake of ours"
            tries = 0 if line.heard_at > before else tries + 1
            wait = wait or BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)]
            log.info("camera %s: %s; called again in %s s", line.camera.topic, why[:200], wait)
            await asyncio.sleep(wait)

    async def _listen(self, line: _Line) -> None:
        """One call, until it ends.

        Raises:
            Refused: it answers something else than a stream of events.
            httpx.HTTPError, OSError: it cannot be reached, or fell silent.
        """
        camera = line.camera
        async with (
            httpx.AsyncClient(
                auth=httpx.DigestAuth(camera.user, camera.password) if camera.user else None,
                timeout=httpx.Timeout(CONNECT_S, read=self._silence_s),
                headers={"Accept-Encoding": "identity", "User-Agent": "jiean"},
                verify=_trusted(camera) if camera.url.startswith("https") else True,
                trust_env=False,
            ) as client,
            client.stream("GET", camera.url + PATHS[camera.maker]) as answer,
        ):
            if answer.status_code in (401, 403):
                raise Refused("password-refused")
            if answer.status_code != 200:
                raise Refused(f"http-{answer.status_code}")
            stream = EventStream(boundary_of(answer.headers.get("Content-Type", "")))
            chunks = answer.aiter_raw()
            coming = asyncio.ensure_future(anext(chunks, None))
            try:
                while True:
                    done, _ = await asyncio.wait({coming}, timeout=QUIET_S)
                    if not done:
                        if texts := stream.flush():
                            await self._store(line, texts)
                        continue
                    chunk = coming.result()
                    if chunk is None:
                        await self._store(line, stream.flush())
                        return
                    line.heard_at = self._clock.now()
                    if line.told or not line.ever:
                        line.told, line.ever, line.back = False, True, True
                    await self._store(line, stream.feed(chunk))
                    coming = asyncio.ensure_future(anext(chunks, None))
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _store(self, line: _Line, texts: Sequence[bytes]) -> None:
        """Store what a camera said, however long it takes: it says most things only once."""
        now = self._clock.now()
        messages = [
            Arrived(topic=line.camera.topic, payload=text, received_at=now)
            for text in texts
            if text and not self._only_beats(line, text, now)
        ]
        messages += self._signs_of_life(line, now)
        tries = 0
        while messages:
            try:
                await self._intake.take(messages)
            except (*AWAY, Full) as away:
                log.info("camera %s waits: %s", line.camera.topic, away)
                await asyncio.sleep(BACK_OFF_S[min(tries, 2)])
                tries += 1
            else:
                return

    def _only_beats(self, line: _Line, text: bytes, now: datetime) -> bool:
        """Whether this is a heartbeat that need not be stored."""
        beat = text == b"Heartbeat" or (b">videoloss<" in text and b">inactive<" in text)
        if not beat:
            return False
        if line.beat_at is not None and now - line.beat_at < HEARTBEAT_EVERY:
            return True
        line.beat_at = now
        return False

    def _signs_of_life(self, line: _Line, now: datetime) -> list[Arrived]:
        """A heartbeat for each channel of a stream that speaks, once in a while."""
        camera = line.camera
        if not camera.channels or (line.life_at and now - line.life_at < HEARTBEAT_EVERY):
            return []
        line.life_at = now
        return [
            Arrived(topic=f"{camera.topic}/{channel}", payload=BEATS[camera.maker], received_at=now)
            for channel in camera.channels
        ]

    async def look_for_silence(self) -> list[str]:
        """Ask a technician for each camera that was not heard for too long, once.

        For one that is heard again the question is taken back.
        """
        tell = self._intake.store.ask_technician
        for line in self._lines:
            if line.back:
                await tell("offline", line.camera.topic, "link-fault", over=True)
                line.back = False
        since = self._clock.now() - timedelta(seconds=self._silence_s)
        silent = [line for line in self._lines if line.heard_at < since and not line.told]
        for line in silent:
            await tell("offline", line.camera.topic, line.why)
            line.told = True
        return [line.camera.topic for line in silent]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look_for_silence()
            except AWAY as away:
                log.info("link faults of cameras wait, the database is away: %s", away)


def _trusted(camera: Camera) -> ssl.SSLContext:
    """Whose certificates are believed."""
    return ssl.create_default_context(cafile=camera.ca or None)
