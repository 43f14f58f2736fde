"""A rehearsal stays on this machine: settings, proxies and redirects all try to lead it off."""

import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import httpx
import msgspec
import pytest
from yarl import URL

from backend.messages.doors import Later, doors
from backend.settings import Settings
from push.live import LiveSockets
from push.message import Handling
from push.port import Door, Outcome, Reach, Result
from push.wire import READ_AT_MOST, OutsideError, client, post, session
from tests.push.serving import Provider, serving
from tests.push.test_misbehaviour import DOORS, a_door, send, standing
from tests.push.world import a_message

OUTSIDE = "198.51.100.7"  # of the documentation's own network: nothing answers there


class Watch:
    """Every address that this process looks up while it is on; a connection to one that is not
    this machine's raises in any test (``conftest``), and a door says so as ``RuntimeError``."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and event == "socket.getaddrinfo":
            self.seen.append(str(args[0]))

    @property
    def outside(self) -> set[str]:
        return {each for each in self.seen if each not in ("127.0.0.1", "::1", "None")}


WATCH = Watch()
sys.addaudithook(WATCH)  # cannot be taken off again; it sleeps unless a test wakes it


@pytest.fixture
def watched() -> Iterator[Watch]:
    WATCH.seen, WATCH.on = [], True
    yield WATCH
    WATCH.on = False


class Spy(Provider):
    """A proxy that would carry everything away, if it were asked."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, b"{}"


@pytest.fixture
async def spy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spy]:
    there = Spy()
    async with serving(there) as origin:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, origin)
            monkeypatch.setenv(name.upper(), origin)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        yield there


@pytest.mark.parametrize("kind", DOORS)
async def test_neither_a_redirect_nor_a_proxy_leads_a_rehearsal_off_this_machine(
    kind: str, spy: Spy, watched: Watch
) -> None:
    async with AsyncExitStack() as stack:
        provider, origin = await stack.enter_async_context(standing(kind))
        door = await stack.enter_async_context(a_door(kind, origin))
        for status in (301, 302, 303, 307, 308):
            provider.says(status, b"{}", location=f"http://{OUTSIDE}/")
            result = await send(kind, door, origin, a_message(handling=Handling.EXERCISE))
            assert result.outcome is not Outcome.SENT
            assert result.provider_code != "RuntimeError"
        provider.said = None
        exercise = a_message(handling=Handling.EXERCISE)
        assert (await send(kind, door, origin, exercise)).outcome is Outcome.SENT
    assert watched.outside == set()
    assert spy.requests == []


@pytest.mark.parametrize(
    "place",
    [
        f"http://{OUTSIDE}/",
        "http://localhost/",
        "http://127.0.0.1.example.com/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:8.8.8.8]/",
        f"http://127.0.0.1@{OUTSIDE}/",
        "https://fcm.googleapis.com/",
    ],
)
async def test_what_is_not_this_machine_in_digits_is_refused_before_it_is_looked_up(
    place: str, watched: Watch
) -> None:
    async with client(Reach.LOOPBACK, timeout_s=5) as http:
        with pytest.raises((OutsideError, httpx.InvalidURL)):
            await http.post(place, content=b"x")
    assert watched.seen == []


@pytest.mark.parametrize(
    "place", [f"http://{OUTSIDE}/", "http://localhost/", "http://127.1/", "http://0x7f.1/"]
)
async def test_nor_does_the_session_for_many_posts_look_anything_up(
    place: str, watched: Watch
) -> None:
    trust = ssl.create_default_context()
    async with session(Reach.LOOPBACK, timeout_s=5, trust=trust, most_at_once=2) as http:
        with pytest.raises(aiohttp.ClientOSError, match="stays on this machine"):
            await post(http, URL(place), b"x", {})
    assert watched.seen == []


async def test_also_a_client_that_would_follow_a_redirect_is_stopped_at_the_second_step(
    watched: Watch,
) -> None:
    there = Spy()
    async with serving(there) as origin, client(Reach.LOOPBACK, timeout_s=5) as http:
        there.says(307, b"", location=f"http://{OUTSIDE}/")
        with pytest.raises(OutsideError):
            await http.post(origin, content=b"x", follow_redirects=True)
    assert watched.outside == set()


async def test_an_answer_is_read_so_far_and_no_further() -> None:
    there = Spy()
    async with serving(there) as origin, client(Reach.LOOPBACK, timeout_s=5) as http:
        there.says(200, b"x" * 200_000)
        assert len((await http.post(origin, content=b"")).content) == READ_AT_MOST
        there.says(200, b"short")
        assert (await http.post(origin, content=b"")).content == b"short"


EVERYTHING: dict[str, Any] = {
    "fcm_service_account": "/account.json",
    "apns_key": "/key.p8",
    "telephony": "aliyun",
    "sms_template": "SMS_1",
    "voice_template": "TTS_1",
    "room": "feishu://abc",
}


def _doors(*, exercise: bool) -> tuple[Door, ...]:
    plain = Settings()
    settings = msgspec.structs.replace(
        plain,
        push=msgspec.structs.replace(plain.push, **EVERYTHING),
        demo=msgspec.structs.replace(plain.demo, exercise=exercise),
    )
    return doors(cast(Any, SimpleNamespace(settings=settings, live=LiveSockets(), data=None)))


def test_where_everything_is_an_exercise_no_setting_opens_a_door_to_a_provider() -> None:
    assert [door.reach for door in _doors(exercise=True)] == [Reach.LOOPBACK]
    assert len(_doors(exercise=False)) == 8


async def test_a_drill_of_a_real_installation_is_refused_before_a_provider_s_client_is_made(
    watched: Watch,
) -> None:
    for door in _doors(exercise=False):
        if door.reach is Reach.LOOPBACK:
            continue
        assert isinstance(door, Later)
        for handling in (Handling.EXERCISE, Handling.TEST):
            result = await door.send("13800000000", a_message(handling=handling))
            assert result == Result(Outcome.REJECTED, None, f"{handling}-stays-inside")
        assert door._door is None
    assert watched.seen == []


def test_the_watch_sees_what_it_is_for(watched: Watch) -> None:
    socket.getaddrinfo(OUTSIDE, 9)
    assert watched.outside == {OUTSIDE}
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        pytest.raises(RuntimeError, match="never leave this machine"),
    ):
        there.connect((OUTSIDE, 9))
