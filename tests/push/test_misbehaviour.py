"""Every door against everything a provider may do: one table, over TLS, in the real protocols.

Each door stands before a provider that checks what the real one checks (tokens, signatures,
encryption) and then misbehaves. Whatever comes, a door answers within its time, the loop goes
on meanwhile, and the next message finds the door free.
"""

import asyncio
import gc
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest

from push.apns import Apns
from push.fcm import Fcm
from push.message import Message
from push.port import Door, Outcome, Reach, Result
from push.rooms import Rooms
from push.sms import sms
from push.voice import voice
from push.webpush import WebPush
from tests.push import test_apns as apple
from tests.push import test_fcm as google
from tests.push import test_rooms as robots
from tests.push import test_telephony as telephones
from tests.push import test_webpush as browsers
from tests.push.provider import Browser, PushService, elsewhere
from tests.push.serving import Provider, identity, serving_http2
from tests.push.wild import leaving, wild
from tests.push.world import a_message

SENT, RETRY, REJECTED, GONE = Outcome.SENT, Outcome.RETRY, Outcome.REJECTED, Outcome.FORGET_DEVICE
SHORT_S, LONG_S = 0.3, 20.0

# A limit that ends while a connection is just being made leaves its socket to the collector: that
# is asyncio's own, and on a busy machine the short limit below meets it now and then.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_next_module() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


BROWSER = Browser("https://127.0.0.1:1/push/abc")


class Pushing(Provider):
    """Mozilla's, Google's and Apple's push service for browsers, over TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.service = PushService(browsers.KEY.public)
        self.service.browser = BROWSER

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.service.origin = self.origin
        if not self.service.is_vapid(headers):
            return 401, b""
        self.shown.append(self.service.browser.read(body))
        return 201, b""


class Way(msgspec.Struct, frozen=True):
    """One door: its provider, the protocol, how it is made for an origin, an address for it."""

    provider: Callable[[], Provider]
    protocol: str
    make: Callable[[str, ssl.SSLContext, float], Door]
    address: Callable[[str], str]


def _webpush(_origin: str, trust: ssl.SSLContext, timeout_s: float) -> Door:
    return WebPush(
        browsers.KEY, browsers.SUBJECT, reach=Reach.LOOPBACK, trust=trust, timeout_s=timeout_s
    )


def _apns(origin: str, trust: ssl.SSLContext, timeout_s: float) -> Door:
    words: dict[str, Any] = {"origin": origin, "trust": trust, "timeout_s": timeout_s}
    return Apns(apple.PEM, "KEYID", "TEAM", apple.TOPIC, reach=Reach.LOOPBACK, **words)


def _fcm(origin: str, trust: ssl.SSLContext, timeout_s: float) -> Door:
    account = google.account(f"{SIGN_IN or origin}/token")
    return Fcm(account, reach=Reach.LOOPBACK, endpoint=origin, trust=trust, timeout_s=timeout_s)


def _phone(kind: str, make: Callable[..., Door]) -> Callable[[str, ssl.SSLContext, float], Door]:
    def made(origin: str, trust: ssl.SSLContext, timeout_s: float) -> Door:
        provider = telephones.provider_at(kind, origin)
        return make(provider, reach=Reach.LOOPBACK, trust=trust, timeout_s=timeout_s)

    return made


def _room(origin: str, trust: ssl.SSLContext, timeout_s: float) -> Door:
    origins = dict.fromkeys(robots.ROOMS, origin)
    words: dict[str, Any] = {"per_minute": 1000, "trust": trust, "timeout_s": timeout_s}
    return Rooms(robots.HOME, reach=Reach.LOOPBACK, origins=origins, **words)


SIGN_IN = ""
"""Where Google's tokens come from while its messages are behind something that misbehaves."""


def _subscription(origin: str) -> str:
    return elsewhere(BROWSER.address, origin)


def _as(address: str) -> Callable[[str], str]:
    return lambda _origin: address


EXCHANGES: dict[str, Callable[[], Provider]] = {
    "aliyun": telephones.AliyunExchange,
    "tencent": telephones.TencentExchange,
}
WAYS = {
    "webpush": Way(Pushing, "http/1.1", _webpush, _subscription),
    "fcm": Way(google.Google, "h2", _fcm, _as(google.TOKEN)),
    "apns": Way(apple.Apple, "h2", _apns, _as(apple.DEVICE)),
    **{
        f"{way}-{kind}": Way(exchange, "http/1.1", _phone(kind, make), _as("13800000000"))
        for way, make in (("sms", sms), ("voice", voice))
        for kind, exchange in EXCHANGES.items()
    },
    **{
        room: Way(robots.Robots, "http/1.1", _room, _as(address))
        for room, address in robots.ROOMS.items()
    },
}

LATER, LATER_30 = Result(RETRY), Result(RETRY, 30.0)
NO = Result(REJECTED)
DEAD = Result(GONE)

# What a provider says → what each door makes of it. "*" is every door that is not named. The
# words for the ledger are each door's own and stand in its own tests.
SAYS: dict[str, tuple[int, dict[str, Result]]] = {
    "bad request": (400, {"*": NO}),
    "unauthorized": (401, {"*": NO}),
    "forbidden": (403, {"*": NO}),
    "not found": (404, {"*": NO, "webpush": DEAD, **dict.fromkeys(robots.ROOMS, DEAD)}),
    "gone": (410, {"*": NO, "webpush": DEAD, "apns": DEAD, **dict.fromkeys(robots.ROOMS, DEAD)}),
    "too large": (413, {"*": NO}),
    "too many": (429, {"*": LATER_30}),
    "broken": (500, {"*": LATER_30}),
    "bad gateway": (502, {"*": LATER_30}),
    "away": (503, {"*": LATER_30}),
    "redirect": (307, {"*": NO}),
    "no content": (204, {"*": LATER, "apns": NO, "webpush": NO}),
    "what is that": (418, {"*": NO}),
}


@asynccontextmanager
async def standing(kind: str) -> AsyncIterator[tuple[Provider, str]]:
    """The provider of one door; yields it and its origin."""
    provider = WAYS[kind].provider()
    async with serving_http2(provider, WAYS[kind].protocol) as (origin, _trust):
        yield provider, origin


@asynccontextmanager
async def a_door(kind: str, origin: str, timeout_s: float = LONG_S) -> AsyncIterator[Door]:
    door = WAYS[kind].make(origin, identity().trust, timeout_s)
    try:
        yield door
    finally:
        await door.aclose()  # type: ignore[attr-defined]


async def send(kind: str, door: Door, origin: str, message: Message | None = None) -> Result:
    return await door.send(WAYS[kind].address(origin), message or a_message())


@pytest.fixture(params=sorted(WAYS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


DOORS = ("webpush", "fcm", "apns", "sms-aliyun", "voice-tencent", "dingtalk")
"""Each door once: on the wire itself its providers do not differ."""


@pytest.fixture(params=DOORS)
def once(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_every_door_meets_every_answer_of_its_provider_with_the_table_s_outcome(
    kind: str,
) -> None:
    async with AsyncExitStack() as stack:
        provider, origin = await stack.enter_async_context(standing(kind))
        door = await stack.enter_async_context(a_door(kind, origin))
        found, expected = {}, {}
        for fault, (status, table) in SAYS.items():
            provider.says(status, b"{}", retry_after="30", location="http://192.0.2.1/")
            result = await send(kind, door, origin)
            found[fault] = (result.outcome, result.retry_after_s)
            wanted = table.get(kind, table["*"])
            expected[fault] = (wanted.outcome, wanted.retry_after_s)
            if fault == "no content":  # a success that none of them documents may keep its wish
                expected[fault] = (wanted.outcome, result.retry_after_s)
        provider.said = None
        assert found == expected
        assert (await send(kind, door, origin)).outcome is SENT


@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed", "goaway"])
async def test_a_provider_that_breaks_the_protocol_is_tried_again_later(
    once: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        await _signed_in_elsewhere(once, stack, monkeypatch)
        origin = await stack.enter_async_context(wild(fault))
        door = await stack.enter_async_context(a_door(once, origin))
        assert (await send(once, door, origin)).outcome is RETRY


async def test_while_a_provider_hangs_the_loop_goes_on(
    once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = asyncio.Event()
    async with AsyncExitStack() as stack:
        await _signed_in_elsewhere(once, stack, monkeypatch)
        origin = await stack.enter_async_context(wild("hanging", arrived=arrived))
        door = await stack.enter_async_context(a_door(once, origin))
        waiting = asyncio.create_task(send(once, door, origin))
        # The provider runs in this loop: it could hear nothing from a door that blocks it.
        await arrived.wait()
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("fault", ["hanging", "dripping"])
async def test_a_provider_without_end_is_given_up_and_no_slot_stays_held(
    once: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        await _signed_in_elsewhere(once, stack, monkeypatch)
        # Where it can be, without TLS: a handshake cut by the short limit is not what is meant.
        tls = once == "apns"
        origin = await stack.enter_async_context(wild(fault, tls=tls))
        door = await stack.enter_async_context(
            a_door(once, origin, 4 * SHORT_S if tls else SHORT_S)
        )
        # More than a door has threads; then as many again, which would find them all taken.
        for _ in range(2 if once in robots.ROOMS else 1):
            results = await asyncio.gather(*(send(once, door, origin) for _ in range(10)))
            assert {result.outcome for result in results} == {RETRY}


async def test_a_slow_answer_counts_and_one_without_end_is_cut(once: str) -> None:
    async with AsyncExitStack() as stack:
        provider, origin = await stack.enter_async_context(standing(once))
        door = await stack.enter_async_context(a_door(once, origin))
        provider.go_on.clear()
        slow = asyncio.create_task(send(once, door, origin))
        await provider.arrived.wait()
        assert not slow.done()
        provider.go_on.set()
        assert (await slow).outcome is SENT
        provider.says(500, b"", retry_after="30")
        provider.endless = True
        assert (await send(once, door, origin)).outcome is RETRY
        provider.endless, provider.said = False, None
        assert (await send(once, door, origin)).outcome is SENT


async def test_a_stranger_s_certificate_gets_nothing(once: str) -> None:
    async with standing(once) as (provider, origin):
        door = WAYS[once].make(origin, ssl.create_default_context(), LONG_S)
        result = await send(once, door, origin)
        await door.aclose()  # type: ignore[attr-defined]
    assert result.outcome in (RETRY, REJECTED)
    assert provider.shown == []


@pytest.mark.parametrize("fault", ["hanging", "dripping", "half-closed", "garbage", "slammed"])
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
async def test_a_mail_server_that_misbehaves_is_given_up_and_no_thread_stays_held(
    fault: str,
) -> None:
    async with (
        wild(fault, tls=False, first=b"220 ") as origin,
        a_door("feishu", origin, SHORT_S) as door,
    ):
        address = f"mailto://{origin.removeprefix('http://')}/{robots.TO}"
        for _ in range(2):
            results = await asyncio.gather(*(door.send(address, a_message()) for _ in range(10)))
            assert {result.outcome for result in results} == {RETRY}
        threads = door._threads  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            # Eight things of our own get their turn only when no conversation holds a thread.
            await asyncio.gather(
                *(asyncio.get_running_loop().run_in_executor(threads, int) for _ in range(8))
            )


async def test_after_a_goodbye_the_next_message_takes_a_new_line() -> None:
    async with leaving() as (there, origin, _), a_door("apns", origin) as door:
        for _ in range(3):
            assert (await send("apns", door, origin)).outcome is SENT
    assert (there.lines, there.answered) == (3, 3)


async def _signed_in_elsewhere(
    kind: str, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google's sign-in works; what misbehaves is where the messages go."""
    if kind == "fcm":
        _provider, origin = await stack.enter_async_context(standing("fcm"))
        monkeypatch.setattr("tests.push.test_misbehaviour.SIGN_IN", origin)
