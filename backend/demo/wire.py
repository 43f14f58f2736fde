"""How the demonstration's people reach the server: HTTP and the live socket, as the apps do."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from backend.shared.ids import uuid7

Json = dict[str, Any]
Heard = Callable[[Json], Awaitable[None]]
AGAIN_S = 0.5
"""Before a lost socket is opened again."""


class Refused(Exception):
    """The server refused a command; the words say which and why."""


class Away(Exception):
    """The server answered with a problem where an answer was needed."""


def now_text() -> str:
    """This instant, UTC, as the wire has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Wire:
    """One person's connection: a session or a link, and a socket that reopens itself.

    Args:
        base: address of the server, ``http://host:port`` or ``https://…``.
        name: for lines that tell what happens.
        verify: whom it believes over HTTPS; None: the authorities of this machine.
    """

    def __init__(self, base: str, name: str, verify: ssl.SSLContext | None = None) -> None:
        self.name = name
        self._base, self._verify = base, verify
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"X-Jiean": "1", "Origin": base},
            timeout=15.0,
            verify=verify or True,
        )
        self._socket: ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._seq = 0
        self.me: Json = {}

    async def sign_in(self, login: str, password: str, device: str) -> Json:
        """Open a session; returns ``Me``."""
        body = {"login": login, "password": password, "deviceId": device}
        self.me = await self.call("POST", "/api/session", body)
        return self.me

    async def call(self, method: str, path: str, body: Any = None) -> Json:
        """One request; JSON in and out. An empty answer is an empty object.

        Raises:
            Away: anything but a 2xx.
        """
        answer = await self._http.request(
            method,
            path,
            content=None if body is None else msgspec.json.encode(body),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        if not answer.is_success:
            raise Away(f"{self.name}: {method} {path} → {answer.status_code} {answer.text[:300]}")
        found: Json = msgspec.json.decode(answer.content) if answer.content else {}
        return found

    async def raw(
        self, method: str, path: str, content: bytes | None = None, kind: str = ""
    ) -> bytes:
        """One request with bytes in and out; see ``call``."""
        answer = await self._http.request(
            method, path, content=content, headers={"Content-Type": kind} if kind else {}
        )
        if not answer.is_success:
            raise Away(f"{self.name}: {method} {path} → {answer.status_code} {answer.text[:300]}")
        return answer.content

    async def command(
        self,
        incident: str,
        name: str,
        *,
        door: str = "/api/commands",
        device: str | None = None,
        position: Json | None = None,
        seen: int | None = None,
        **args: Any,
    ) -> Json:
        """Send one command and return its answer.

        Raises:
            Refused: the server said no, with its words.
            Away: the request itself failed.
        """
        self._seq += 1
        envelope = {
            "commandId": uuid7(),
            "incidentId": UUID(incident),
            "occurredAt": now_text(),
            "seenVersion": seen,
            "deviceId": device,
            "seq": self._seq,
            "elapsedMs": None,
            "position": position,
            "command": {"name": name, **args},
        }
        body = await self.call("POST", door, {"commands": [envelope]})
        answer: Json = body["answers"][0]
        if answer["outcome"] == "refused":
            refusal = answer["refusal"]
            raise Refused(
                f"{self.name}: {name} → {refusal['code']} {refusal['zh']} {refusal.get('missing')}"
            )
        return answer

    async def listen(self, heard: Heard, *, path: str = "/ws") -> None:
        """Open the live socket and keep it open; every frame goes to ``heard``."""
        opened = asyncio.Event()
        self._listening = asyncio.create_task(self._keep(heard, path, opened))
        await asyncio.wait_for(opened.wait(), 15)

    async def say(self, frame: Json) -> None:
        """Send one frame on the socket; lost when it is closed, as on a phone."""
        if self._socket is not None:
            with contextlib.suppress(WebSocketException, OSError):
                await self._socket.send(msgspec.json.encode(frame).decode())

    async def close(self) -> None:
        """Close socket and session client."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._http.aclose()

    async def _keep(self, heard: Heard, path: str, opened: asyncio.Event) -> None:
        url = self._base.replace("http", "ws", 1) + path
        tls: dict[str, Any] = {"ssl": self._verify} if self._verify else {}
        while True:
            cookies = "; ".join(f"{k}={v}" for k, v in self._http.cookies.items())
            try:
                async with connect(
                    url,
                    additional_headers={"Cookie": cookies, "Origin": self._base},
                    proxy=None,
                    **tls,
                ) as socket:
                    self._socket = socket
                    async for frame in socket:
                        said = msgspec.json.decode(frame)
                        if said["t"] == "hello":
                            opened.set()
                        await heard(said)
            except (WebSocketException, OSError):
                pass
            self._socket = None
            await asyncio.sleep(AGAIN_S)
