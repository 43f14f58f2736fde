"""Asks China Telecom's platform for what it could not push, after a start and after every gap.

Product by product: its devices, of these the ones in our register, and of each the reports of the
missing time, page by page. Every report goes the way of a push. When to ask is decided in ``gaps``;
how, in ``adapters/ctwing_history``.
"""

import asyncio
import logging
from datetime import datetime, timedelta

import httpx

from backend.sensing.adapters import ctwing_history as wire
from backend.sensing.body import Refused
from backend.sensing.deliveries import Arrived
from backend.sensing.gaps import AFTER, Marks, begins
from backend.sensing.intake import Full, Intake
from backend.sensing.store import Register
from backend.settings import Ctwing
from backend.shared import tasks
from backend.shared.clock import Clock
from backend.shared.listen import AWAY

log = logging.getLogger("jiean.ctwing")

DOOR = "ctwing"
LOOK_EVERY_S = 15.0
PAUSE_S = 0.05
"""▲ Between two requests: the platform limits how often it is asked."""
TRIES = 3
"""In vain, after which a technician is asked."""
MAX_ANSWER = 4 * 1024 * 1024
MAX_PAGES = 200
"""Of one device's reports, and of one product's devices."""
TIMEOUT_S = 15.0


class NoAnswer(Exception):
    """The platform could not be asked, or said no; asked again later."""


class History:
    """The one who asks. Off without an App Key."""

    def __init__(self, intake: Intake, register: Register, clock: Clock, settings: Ctwing) -> None:
        self._intake = intake
        self._register = register
        self._clock = clock
        self._settings = settings
        self._gap = timedelta(seconds=settings.gap_s)
        self._lookback = timedelta(seconds=settings.lookback_s)
        self._marks = Marks(DOOR, clock, settings.gap_s)
        self._asked_at: datetime | None = None
        self._offset = timedelta()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; asks at once."""
        self._task = tasks.spawn(self._run(), name="ctwing history")

    async def stop(self) -> None:
        """End."""
        await tasks.stop(self._task)

    async def _run(self) -> None:
        failed, told = 0, True
        while True:
            try:
                asked = await self.look()
                failed = 0
                if told and asked is not None:
                    told = not await self._tell(over=True)
            except (NoAnswer, Full, *AWAY) as why:
                failed += 1
                log.warning("asking China Telecom failed: %s", why)
                if failed == TRIES:
                    told = await self._tell() or told
            except Exception:
                failed += 1
                log.exception("asking China Telecom failed")
            await asyncio.sleep(LOOK_EVERY_S * min(20, 1 + failed * failed))

    async def _tell(self, *, over: bool = False) -> bool:
        """Ask a technician, or take it back; whether that was written."""
        try:
            await self._intake.store.ask_technician(
                "bridge-offline", DOOR, "history-refused", over=over
            )
        except AWAY as away:
            log.info("the ticket waits, the database is away: %s", away)
            return False
        return True

    async def look(self) -> int | None:
        """Ask if it is time to; how many reports came, None when it was not.

        Raises:
            NoAnswer: the platform says no, or cannot be reached; nothing is given up.
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: the database is
                away; likewise.
        """
        now = self._clock.now()
        mark = await self._marks.read()
        since = begins(mark, now, self._asked_at, gap=self._gap, lookback=self._lookback)
        if since is None:
            return None
        if self._asked_at is None:
            # while we were down the platform may have paused us; it may still do
            await self._marks.missing(since, now + AFTER)
        found = await self._ask(since, now)
        self._asked_at = now
        await self._marks.filled(now)
        log.info("China Telecom was asked from %s on: %d reports", since.isoformat(), found)
        return found

    async def _ask(self, since: datetime, until: datetime) -> int:
        found = 0
        async with httpx.AsyncClient(
            base_url=self._settings.url, timeout=TIMEOUT_S, trust_env=False
        ) as client:
            await self._set_offset(client)
            for one in self._settings.products:
                product, _, master = one.partition(":")
                for device in await self._devices(client, product, master):
                    found += await self._reports(client, product, device, since, until)
        return found

    async def _set_offset(self, client: httpx.AsyncClient) -> None:
        """The platform's clock beside ours, where it tells it; its signatures expire by its own."""
        try:
            answer = await client.get(wire.ECHO)
            theirs = int(answer.headers["x-ag-timestamp"])
        except (httpx.HTTPError, KeyError, ValueError):
            return
        ours = self._clock.now()
        self._offset = timedelta(milliseconds=theirs - ours.timestamp() * 1000)

    async def _devices(self, client: httpx.AsyncClient, product: str, master: str) -> list[str]:
        """The product's devices that stand in our register."""
        ours: list[str] = []
        for number in range(1, MAX_PAGES + 1):
            params = {
                "productId": product,
                "searchValue": "",
                "pageNow": str(number),
                "pageSize": str(wire.PAGE_DEVICES),
            }
            headers = self._signed(wire.DEVICES_VERSION, {**params, "MasterKey": master})
            headers["MasterKey"] = master
            request = client.build_request("GET", wire.DEVICES, params=params, headers=headers)
            try:
                page = wire.devices_of(await _answered(client, request))
            except Refused as refused:
                raise NoAnswer(refused.rejected.detail) from refused
            known = await self._register.find({f"{DOOR}/{device}" for device in page})
            ours += [device for device in page if f"{DOOR}/{device}" in known]
            if len(page) < wire.PAGE_DEVICES:
                break
        return ours

    async def _reports(
        self,
        client: httpx.AsyncClient,
        product: str,
        device: str,
        since: datetime,
        until: datetime,
    ) -> int:
        """One device's reports of that time, stored; how many there were."""
        found, following = 0, None
        for _ in range(MAX_PAGES):
            body = wire.asks(product, device, since, until, following)
            headers = self._signed(wire.HISTORY_VERSION, {}, body)
            headers["Content-Type"] = "application/json; charset=UTF-8"
            request = client.build_request("POST", wire.HISTORY, content=body, headers=headers)
            try:
                page = wire.page_of(await _answered(client, request))
            except Refused as refused:
                raise NoAnswer(refused.rejected.detail) from refused
            now = self._clock.now()
            await self._intake.take(
                [
                    Arrived(topic=DOOR, payload=wire.push_of(product, device, row), received_at=now)
                    for row in sorted(page.rows, key=wire.by_time)
                ]
            )
            found += len(page.rows)
            if page.next is None or page.next == following or not page.rows:
                return found
            following = page.next
        log.warning("device %s has more reports than are asked for at once", device)
        return found

    def _signed(self, version: str, params: dict[str, str], body: str = "") -> dict[str, str]:
        ours, at = self._settings, self._clock.now() + self._offset
        return wire.signed(ours.app_key, ours.app_secret, version, at, params, body)


async def _answered(client: httpx.AsyncClient, request: httpx.Request) -> bytes:
    """The body of an answer, within bounds.

    Raises:
        NoAnswer: none came, or another than 200, or too long a one.
    """
    await asyncio.sleep(PAUSE_S)
    try:
        answer = await client.send(request, stream=True)
        try:
            raw = b""
            async for chunk in answer.aiter_bytes(64 * 1024):
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    raise NoAnswer(f"an answer of more than {MAX_ANSWER} bytes")
        finally:
            await answer.aclose()
    except httpx.HTTPError as lost:
        raise NoAnswer(f"{type(lost).__name__}: {lost}"[:200]) from lost
    if answer.status_code != 200:
        raise NoAnswer(f"HTTP {answer.status_code}: {raw[:200].decode(errors='replace')}")
    return raw
