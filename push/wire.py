"""The one place where a door's HTTP leaves: how far it may go, and how much it reads.

Every HTTP client of every door is made or bound here. In a rehearsal (``Reach.LOOPBACK``) a
request leaves only for an address of this machine written in digits, whatever the settings, the
environment's proxies or a provider's redirect say; an address by name is refused before it is
looked up. An answer is read up to a limit and its end is dropped, so that one without end costs
neither memory nor time.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from push.answer import is_loopback
from push.port import Reach

READ_AT_MOST = 16_384
"""Bytes of an answer that are read; a provider's own have some hundreds."""


class OutsideError(ConnectionError):
    """A rehearsal's request would have left this machine."""


class _Bounded(httpx.AsyncByteStream):
    """The first ``READ_AT_MOST`` bytes of an answer."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = READ_AT_MOST
        async for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _cut(answer: httpx.Response) -> None:
    """Runs before anything of the body is read."""
    if isinstance(answer.stream, httpx.AsyncByteStream):
        answer.stream = _Bounded(answer.stream)


async def _keep_inside(request: httpx.Request) -> None:
    """Runs before each request, also one that a redirect asks for."""
    if not is_loopback(request.url.host):
        raise OutsideError("a rehearsal stays on this machine")


def hooks(reach: Reach) -> dict[str, list[Callable[..., Awaitable[None]]]]:
    """What binds a client of httpx; of a library's own client too."""
    return {"request": [_keep_inside] if reach is Reach.LOOPBACK else [], "response": [_cut]}


def client(
    reach: Reach, *, timeout_s: float, verify: ssl.SSLContext | bool = True, **words: Any
) -> httpx.AsyncClient:
    """A client that is bound; it follows no redirect.

    Args:
        reach: ``LOOPBACK`` asks the environment for no proxy.
        timeout_s: for each step on the wire; a door sets the limit for an attempt.
        verify: whose certificates are believed.
        words: others of ``httpx.AsyncClient``.
    """
    return httpx.AsyncClient(
        timeout=timeout_s,
        verify=verify,
        event_hooks=hooks(reach),
        follow_redirects=False,
        trust_env=reach is Reach.INTERNET,
        headers={"Accept-Encoding": "identity"},
        **words,
    )
