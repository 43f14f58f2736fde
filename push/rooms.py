"""The door to group rooms (WeCom, DingTalk, Feishu) and to e-mail, by apprise.

The address is an apprise URL: ``wecombot://key``, ``dingtalk://secret@token``,
``feishu://token`` or, with a robot that wants signatures, ``feishu://secret@token``,
``mailtos://user:password@host?to=…``. Only lock-screen lines and a link go out. A room is read by
whoever happens to look, so it is never the only rung of a ladder.

apprise says only whether a provider answered 200, and these three say "too fast" and "no such
robot" inside a 200. So ``_Listening`` stands where its plugins take ``requests`` from, keeps the
answer of each thread, and the door reads it (a test holds the names this needs). It asks by the
door's own asynchronous client, and mail goes by a connection that is cut at its time, so a thread
is never held longer than an attempt, also by an answer that drips. The plugins are loaded one by
one: asking apprise for a URL would load more than a hundred.
"""

import asyncio
import hashlib
import hmac
import importlib
import logging
import smtplib
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import requests

from push.answer import is_loopback, result_of
from push.message import Message
from push.port import Outcome, Reach, Result, kept_inside
from push.window import Left, take
from push.wire import FromThread, client

log = logging.getLogger(__name__)

PLUGINS = {
    "wecombot": ("wecombot", "NotifyWeComBot"),
    "dingtalk": ("dingtalk", "NotifyDingTalk"),
    "feishu": ("feishu", "NotifyFeishu"),
    "mailto": ("email.base", "NotifyEmail"),
    "mailtos": ("email.base", "NotifyEmail"),
}
PER_MINUTE = 20
"""WeCom's and DingTalk's limit for one robot; Feishu allows more. Of all nodes together: with two
nodes give each the half."""
BLOCKED_S = {"dingtalk": 600.0}
"""How long a robot that was too fast is deaf; of the others we know no time, so a minute."""

# Words of the three providers: WeCom, DingTalk, Feishu.
_LATER = {"45009", "-1", "130101", "11232"}
_GONE = {"93000", "300005", "19001"}
_LINE_MOST = 500
_ROOMS_MOST = 1000
_heard = threading.local()


class _Listening:
    """``requests`` as a plugin sees it; the thread's last answer stays in ``_heard``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def post(self, url: str, **words: Any) -> requests.Response:
        params = words.get("params") or {}
        if "sign" in params:
            # apprise 2.2 quotes DingTalk's signature, and httpx would quote it again.
            params = {**params, "sign": unquote(params["sign"])}
        data = words["data"]
        if _heard.secret:
            # apprise 2.2 does not sign for Feishu.
            told = msgspec.json.decode(data, type=dict[str, Any])
            data = msgspec.json.encode({**told, **feishu_signature(_heard.secret, time.time())})
        there = httpx.URL(url)
        try:
            told_us: httpx.Response = _heard.http.ask(
                _heard.loop,
                _heard.until_s,
                "POST",
                there.copy_merge_params(params) if params else there,
                content=data,
                headers=words["headers"],
            )
        except httpx.HTTPError as broken:
            raise requests.ConnectionError(type(broken).__name__) from None
        answer = requests.Response()
        answer.status_code, answer._content = told_us.status_code, told_us.content
        answer.headers.update(told_us.headers)
        _heard.answer = answer
        return answer


class _Timed(smtplib.SMTP):
    """A conversation with a mail server that ends with the attempt, however it drips."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        _cut_at_its_time(found)
        return found


class _TimedTls(smtplib.SMTP_SSL, _Timed):
    """The same with TLS from the first byte; its base in the middle makes the socket below it."""


class _Mailing:
    """``smtplib`` as the mail plugin sees it."""

    SMTP, SMTP_SSL = _Timed, _TimedTls

    def __getattr__(self, name: str) -> Any:
        return getattr(smtplib, name)


def _cut_at_its_time(found: socket.socket) -> None:
    # A descriptor of its own: TLS later takes the first one over.
    own = found.dup()
    _heard.cut = own

    def cut() -> None:
        try:
            own.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("a mail server had gone")

    timer = threading.Timer(max(0.0, _heard.until_s - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    _heard.timer = timer


def feishu_signature(secret: str, at_s: float) -> dict[str, str]:
    """What a Feishu robot that wants signatures takes beside the text."""
    stamp = str(int(at_s))
    told = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": stamp, "sign": b64encode(told).decode()}


class Rooms:
    """Send to group rooms and mailboxes.

    Args:
        public_url: where people reach the product; put before ``Message.url``.
        reach: ``LOOPBACK`` only writes to ``origins`` and to mail servers of this machine.
        origins: with ``LOOPBACK``: instead of each provider's own, by scheme.
        per_minute: the most that one room gets in any minute.
        trust: whose certificates are believed; the system's when None. Not for mail.
        timeout_s: the longest one attempt may take.
        now_s: seconds of a clock that only goes on.
    """

    name = "rooms"

    def __init__(
        self,
        public_url: str,
        *,
        reach: Reach = Reach.INTERNET,
        origins: Mapping[str, str] | None = None,
        per_minute: int = PER_MINUTE,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origins = origins or {}
        inside = all(is_loopback(urlsplit(o).hostname or "") for o in self._origins.values())
        if (reach is Reach.INTERNET and self._origins) or not inside:
            raise ValueError("origins of rooms belong to a rehearsal on this machine")
        self.reach = reach
        self._public_url = public_url
        self._per_minute, self._timeout_s, self._now_s = per_minute, timeout_s, now_s
        self._left: dict[str, Left] = {}
        self._http = FromThread(client(reach, timeout_s=timeout_s, verify=trust or True))
        # Its own threads: a room that hangs takes none from anybody else.
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="rooms")

    async def aclose(self) -> None:
        """Give the threads up; one that still waits for a room ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.aclose()

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to a room or a mailbox; see ``push.port.Door``."""
        if refused := kept_inside(self.reach, message):
            return refused
        scheme = address.partition("://")[0]
        if scheme not in PLUGINS or not address.isascii() or len(address) > 1000:
            return Result(Outcome.FORGET_DEVICE, None, "not-a-room")
        if wait_s := self._full_for_s(address):
            return Result(Outcome.RETRY, wait_s, "room-limit")
        try:
            async with asyncio.timeout(self._timeout_s):
                loop = asyncio.get_running_loop()
                until_s = time.monotonic() + self._timeout_s
                return await loop.run_in_executor(
                    self._threads, self._notify, scheme, address, message, loop, until_s
                )
        except TimeoutError:
            return Result(Outcome.RETRY, None, "timeout")
        except Exception as broken:
            # apprise and the layers below raise what they like; the address is a secret and
            # stays out of the log.
            log.info("rooms: %s", type(broken).__name__)
            return Result(Outcome.RETRY, None, type(broken).__name__)

    def _full_for_s(self, address: str) -> float:
        now_s = self._now_s()
        if len(self._left) > _ROOMS_MOST:
            recent = {room: left for room, left in self._left.items() if now_s - left[-1] < 60.0}
            self._left = recent
        left = self._left.get(address, ())
        self._left[address], wait_s = take(left, now_s, most=self._per_minute, per_s=60.0)
        return wait_s

    def _notify(
        self,
        scheme: str,
        address: str,
        message: Message,
        loop: asyncio.AbstractEventLoop,
        until_s: float,
    ) -> Result:
        """In a thread of ours: apprise waits while it writes."""
        module_name, class_name = PLUGINS[scheme]
        module = importlib.import_module(f"apprise.plugins.{module_name}")
        plugin_class = getattr(module, class_name)
        try:
            plugin = plugin_class(**plugin_class.parse_url(address))
        except (TypeError, ValueError):
            return Result(Outcome.FORGET_DEVICE, None, "not-a-room")
        if not self._keeps_inside(scheme, plugin):
            return Result(Outcome.REJECTED, None, "not-a-provider")
        if scheme in _HTTP:
            vars(module)["requests"] = _LISTENING
        else:
            vars(importlib.import_module("apprise.plugins.email.smtp"))["smtplib"] = _MAILING
        plugin.notify_format = "text"  # mail would be HTML and lose its line breaks
        plugin.request_rate_per_sec = 0  # the window's work, and it would sleep
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self._timeout_s
        _heard.answer, _heard.http, _heard.loop, _heard.until_s = None, self._http, loop, until_s
        _heard.secret = urlsplit(address).username if scheme == "feishu" else None
        _heard.timer = _heard.cut = None
        lock = message.for_lock_screen()
        link = self._public_url + message.url
        try:
            taken = plugin.notify(body=f"{lock.body[:_LINE_MOST]}\n{link}", title=lock.title)
        finally:
            if _heard.timer is not None:
                _heard.timer.cancel()
                _heard.cut.close()
        if scheme not in _HTTP:
            return Result(Outcome.SENT if taken else Outcome.RETRY, None, f"mail-{bool(taken)}")
        return _result_of(_heard.answer, BLOCKED_S.get(scheme, 60.0))

    def _keeps_inside(self, scheme: str, plugin: Any) -> bool:
        """Point the plugin at the rehearsal's place; False when it would go to the other side."""
        if scheme not in _HTTP:
            return is_loopback(plugin.smtp_host or "") == (self.reach is Reach.LOOPBACK)
        if self.reach is Reach.INTERNET:
            return True
        if scheme not in self._origins:
            return False
        url = plugin.api_url if scheme == "wecombot" else plugin.notify_url
        parts = urlsplit(url)
        moved = self._origins[scheme] + parts.path + (f"?{parts.query}" if parts.query else "")
        setattr(plugin, "api_url" if scheme == "wecombot" else "notify_url", moved)
        return True


_HTTP = frozenset(PLUGINS) - {"mailto", "mailtos"}
_LISTENING, _MAILING = _Listening(), _Mailing()


class _Said(msgspec.Struct, frozen=True):
    """The word of a robot's answer, whichever of the three it is."""

    errcode: int | None = None
    code: int | None = None
    status_code: int | None = msgspec.field(default=None, name="StatusCode")

    unknown: ClassVar[str] = "no-code"

    def word(self) -> str:
        found = [each for each in (self.errcode, self.code, self.status_code) if each is not None]
        return str(found[0]) if found else self.unknown


def _result_of(answer: requests.Response | None, blocked_s: float) -> Result:
    """What a robot's answer means, by its status and by the word inside."""
    if answer is None:
        return Result(Outcome.RETRY, None, "no-answer")
    if 200 < answer.status_code < 300:
        return Result(Outcome.RETRY, None, str(answer.status_code))  # none of the three says so
    if answer.status_code != 200:
        return result_of(answer.status_code, answer.headers.get("Retry-After"), time.time)
    try:
        word = msgspec.json.decode(answer.content, type=_Said).word()
    except msgspec.MsgspecError:
        return Result(Outcome.RETRY, None, "garbage")
    if word == "0":
        return Result(Outcome.SENT, None, "0")
    if word in _GONE:
        return Result(Outcome.FORGET_DEVICE, None, word)
    return (
        Result(Outcome.RETRY, blocked_s, word)
        if word in _LATER
        else Result(Outcome.REJECTED, None, word)
    )
