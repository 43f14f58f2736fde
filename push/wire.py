"""The one place where a door's HTTP leaves: how far it may go, and how much it reads.

Every HTTP client of every door is made or bound here: httpx for the doors whose providers want
HTTP/2 or a library's own client, aiohttp for browsers' push services, to which ten thousand
requests go at once (it costs a third of the processor time; ``jiean bench push``). In a
rehearsal (``Reach.LOOPBACK``) a request leaves only for an address of this machine written in
digits, whatever the settings, the environment's proxies or a provider's redirect say; an address
by name is refused before it is looked up. An answer is read up to a limit and its end is dropped,
so that one without end costs neither memory nor time.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import httpx
from yarl import URL

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


async def _keep_session_inside(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    if not is_loopback(request.url.host or ""):
        raise OutsideError("a rehearsal stays on this machine")
    return await handler(request)


def session(
    reach: Reach, *, timeout_s: float, trust: ssl.SSLContext, most_at_once: int
) -> aiohttp.ClientSession:
    """A session for many small posts, bound like ``client``. Made inside the running loop.

    Args:
        reach: ``LOOPBACK`` asks the environment for no proxy.
        timeout_s: for one request, waiting for a connection included.
        trust: whose certificates are believed.
        most_at_once: connections; more requests wait.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most_at_once, ssl=trust),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        middlewares=(_keep_session_inside,) if reach is Reach.LOOPBACK else (),
        trust_env=reach is Reach.INTERNET,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
    )


async def post(
    http: aiohttp.ClientSession, url: URL, body: bytes, headers: dict[str, str]
) -> tuple[int, str | None]:
    """The status and ``Retry-After`` of one post; no redirect is followed.

    Of the answer's body so much is read that the connection can be used again.

    Raises:
        TimeoutError: its time is over.
        aiohttp.ClientError: whatever the wire does.
    """
    async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        left = READ_AT_MOST
        while left > 0 and (chunk := await answer.content.read(left)):
            left -= len(chunk)
        return answer.status, answer.headers.get("Retry-After")


class FromThread:
    """Lets a library that blocks ask by an asynchronous client, from a thread of the door's own.

    The thread is held no longer than it is told; what it asked for ends with the door.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._asking: set[asyncio.Task[httpx.Response] | None] = set()

    def ask(
        self,
        loop: asyncio.AbstractEventLoop,
        until_s: float,
        method: str,
        url: httpx.URL | str,
        **words: Any,
    ) -> httpx.Response:
        """One request, in a thread.

        Args:
            loop: where the client lives.
            until_s: of ``time.monotonic``, when the thread must be free.
            method, url, words: as of ``httpx.AsyncClient.request``.

        Raises:
            TimeoutError: the time is over.
            httpx.HTTPError: whatever the wire does.
        """
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        waiting = asyncio.run_coroutine_threadsafe(self._request(method, url, words), loop)
        try:
            return waiting.result(left_s)
        finally:
            waiting.cancel()

    async def _request(
        self, method: str, url: httpx.URL | str, words: dict[str, Any]
    ) -> httpx.Response:
        task = asyncio.current_task()
        self._asking.add(task)
        try:
            return await self._http.request(method, url, **words)
        finally:
            self._asking.discard(task)

    async def aclose(self) -> None:
        """Give up what is being asked, and close the client."""
        asking = [task for task in self._asking if task is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._http.aclose()
