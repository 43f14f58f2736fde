"""The HTTP port behind texts and automatic calls, so that the provider can be changed.

A provider turns a number and a message into one signed request, and an answer into a ``Result``:
``push.aliyun`` and ``push.tencent`` are two. To add one, write a class with the members of
``Telephony``; nothing else changes. What the wire needs beyond that (time limit, connections,
what a loopback may reach) is ``PhoneDoor``'s, and ``push.sms`` and ``push.voice`` are its two
doors.

Carriers in China send only words that were approved before, so what travels is the lock-screen
lines as parameters of an approved template: no name, no health, no full address.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable
from typing import Protocol

import httpx
import msgspec

from push.answer import is_loopback, retry_after_s
from push.message import Message
from push.port import Outcome, Reach, Result, kept_inside
from push.reports import Report
from push.wire import client

log = logging.getLogger(__name__)

WORDS_MOST = 35
"""Characters of one template parameter; Aliyun's limit for most kinds, and below Tencent's."""

_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_LANDLINE = re.compile(r"0\d{9,11}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One signed request. ``url`` with its query, ``body`` as it was signed."""

    url: str
    headers: dict[str, str]
    body: bytes = b""


class Telephony(Protocol):
    """A provider of texts and calls."""

    def text(self, number: str, message: Message, at_s: float) -> Asked:
        """The request that texts ``message`` to ``number``; ``at_s`` is Unix time."""

    def call(self, number: str, message: Message, at_s: float) -> Asked:
        """The request that calls ``number`` and says ``message``."""

    def read(self, status: int, body: bytes) -> Result:
        """What an answer means; an answer in no known form goes by its status."""

    def reports(self, body: bytes) -> list[Report]:
        """What it posts later about messages that it took; what we do not know is left out.

        Raises:
            GarbageError: it would not post that.
        """

    @property
    def thanks(self) -> bytes:
        """The JSON with which it wants its reports answered; without it, it posts them again."""


class PhoneDoor:
    """Send by a provider's HTTP interface; see ``push.sms`` and ``push.voice``.

    Args:
        name: of the door.
        ask: makes the request.
        read: reads the answer.
        landlines: whether a landline can be reached this way.
        reach: ``LOOPBACK`` only writes to addresses of this machine.
        trust: whose certificates are believed; the system's when None.
        timeout_s: the longest one attempt may take.
        now_s: Unix time.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[str, Message, float], Asked],
        read: Callable[[int, bytes], Result],
        *,
        landlines: bool,
        reach: Reach = Reach.INTERNET,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.name, self.reach = name, reach
        self._ask, self._read, self._landlines = ask, read, landlines
        self._timeout_s, self._now_s = timeout_s, now_s
        self._http = client(reach, timeout_s=timeout_s, verify=trust or True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to the provider; see ``push.port.Door``.

        Args:
            address: a telephone number of mainland China; spaces and hyphens do not matter.
        """
        if refused := kept_inside(self.reach, message):
            return refused
        number = number_of(address, landlines=self._landlines)
        if number is None:
            return Result(Outcome.FORGET_DEVICE, None, "not-a-number")
        asked = self._ask(number, message, self._now_s())
        inside = is_loopback(httpx.URL(asked.url).host)
        if inside != (self.reach is Reach.LOOPBACK):
            return Result(Outcome.REJECTED, None, "not-a-provider")
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.post(asked.url, headers=asked.headers, content=asked.body)
            result = self._read(answer.status_code, answer.content)
        except (TimeoutError, httpx.TimeoutException):
            return Result(Outcome.RETRY, None, "timeout")
        except Exception as broken:
            # The layers below raise what they like for a strange peer. The name goes to the
            # ledger; the number and the key stay out of the log.
            log.info("%s: %s", self.name, type(broken).__name__)
            return Result(Outcome.RETRY, None, type(broken).__name__)
        wish = retry_after_s(answer.headers.get("Retry-After"), self._now_s)
        if result.outcome is Outcome.RETRY and wish is not None:
            return msgspec.structs.replace(result, retry_after_s=wish)
        return result


def number_of(text: str, *, landlines: bool) -> str | None:
    """A number as both providers' national form, such as ``13800000000`` or ``051265000000``.

    Returns:
        None when it is not a number of mainland China that this way can reach.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not digits.isascii():
        return None
    if mobile := _MOBILE.fullmatch(digits):
        return mobile[1]
    return digits if landlines and _LANDLINE.fullmatch(digits) else None


def words(message: Message) -> tuple[str, str]:
    """Title and body for a template, cut to what it takes; an exercise is marked as one."""
    lock = message.for_lock_screen()
    return _cut(lock.title), _cut(lock.body)


def _cut(line: str) -> str:
    return line if len(line) <= WORDS_MOST else line[: WORDS_MOST - 1] + "…"


def by_status(status: int) -> Result:
    """What an answer means whose body says nothing."""
    later = status in (408, 425, 429) or status >= 500 or status < 300
    return Result(Outcome.RETRY if later else Outcome.REJECTED, None, str(status))
