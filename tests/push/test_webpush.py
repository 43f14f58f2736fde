import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime

import msgspec
import pytest
from yarl import URL

from push.answer import result_of
from push.message import Handling, Urgency
from push.port import Door, Outcome, Reach, Result
from push.vapid import VapidKey, from_base64url
from push.webpush import Keys, Subscription, WebPush
from tests.push.contract import DoorContract, Rig
from tests.push.provider import PushService, broken_service, elsewhere, push_service
from tests.push.world import NOON, a_message

KEY = VapidKey.generate()
SUBJECT = "mailto:duty@example.invalid"


@asynccontextmanager
async def a_door(reach: Reach = Reach.LOOPBACK, timeout_s: float = 10.0) -> AsyncIterator[WebPush]:
    door = WebPush(KEY, SUBJECT, reach=reach, timeout_s=timeout_s)
    try:
        yield door
    finally:
        await door.aclose()


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service(KEY.public) as running:
        yield running


@pytest.fixture
async def door() -> AsyncIterator[WebPush]:
    async with a_door() as opened:
        yield opened


class TestContract(DoorContract):
    @pytest.fixture
    async def rig(self, service: PushService, door: WebPush) -> Rig:
        address = service.browser.address
        sub = msgspec.json.decode(address, type=Subscription)
        dead = [
            msgspec.structs.replace(sub, keys=Keys(p256dh=p256dh, auth=auth))
            for p256dh, auth in [
                ("", ""),
                ("AAAA", sub.keys.auth),
                ("B" * 87, sub.keys.auth),
                ("不是钥匙", sub.keys.auth),
                (sub.keys.p256dh, "!!"),
            ]
        ]
        gone = [
            msgspec.structs.replace(sub, endpoint=endpoint)
            for endpoint in [
                "",
                "http://[::1",
                "http://127.0.0.1:99999/",
                "http://127.0.0.1:1/nobody-listens",
                "https://fcm.googleapis.com/x",
                "file:///etc/passwd",
                "http://127.0.0.1@example.com/",
                "https://10.0.0.1\\@fcm.googleapis.com/x",
                "http://127.0.0.1/x y",
                "http://127.0.0.1/x\r\nHost: example.com",
            ]
        ]
        addresses = tuple(msgspec.json.encode(s).decode() for s in (*dead, *gone))
        return Rig(door, address, addresses, lambda: service.shown)


def test_the_door_fits_the_port() -> None:
    door: Door = WebPush(KEY, SUBJECT)
    assert (door.name, door.reach) == ("webpush", Reach.INTERNET)


async def test_urgency_lifetime_and_topic_travel_as_headers(
    service: PushService, door: WebPush
) -> None:
    await door.send(service.browser.address, a_message(urgency=Urgency.NORMAL, collapse_key=""))
    await door.send(service.browser.address, a_message(ttl_s=25))
    quiet, alarm = service.headers
    assert (quiet["urgency"], "topic" in quiet) == ("normal", False)
    assert (alarm["urgency"], alarm["ttl"], alarm["content-encoding"]) == (
        "high",
        "25",
        "aes128gcm",
    )
    assert len(alarm["topic"]) == 32
    from_base64url(alarm["topic"])


async def test_nothing_readable_leaves_the_house(service: PushService, door: WebPush) -> None:
    heard: list[bytes] = []

    async def listen(endpoint: URL, sealed: bytes, headers: dict[str, str]) -> tuple[int, None]:
        heard.append(sealed + str(headers).encode())
        return 201, None

    door._ask = listen  # type: ignore[method-assign]
    await door.send(service.browser.address, a_message())
    assert "平江路".encode() not in heard[0]
    assert b"offer-7" not in heard[0]


async def test_another_key_than_the_browser_subscribed_with_is_rejected(
    service: PushService,
) -> None:
    stranger = WebPush(VapidKey.generate(), SUBJECT, reach=Reach.LOOPBACK)
    result = await stranger.send(service.browser.address, a_message())
    await stranger.aclose()
    assert (result.outcome, result.provider_code, service.shown) == (Outcome.REJECTED, "401", [])


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.SENT),
        (301, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (403, Outcome.REJECTED),
        (404, Outcome.FORGET_DEVICE),
        (410, Outcome.FORGET_DEVICE),
        (413, Outcome.REJECTED),
        (418, Outcome.REJECTED),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
async def test_each_answer_says_what_to_do_next(
    service: PushService, door: WebPush, status: int, outcome: Outcome
) -> None:
    service.answers(status, location="http://127.0.0.1:1/")
    result = await door.send(service.browser.address, a_message())
    assert result == Result(outcome, None, str(status))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(NOON.replace(minute=2), usegmt=True), 120.0),
        (format_datetime(NOON.replace(hour=1), usegmt=True), 0.0),
        ("9" * 400, 86_400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("٣", 3.0),
    ],
)
def test_the_service_s_own_wish_when_to_come_back_is_kept(said: str, seconds: float | None) -> None:
    assert result_of(429, said, NOON.timestamp).retry_after_s == seconds


async def test_the_wish_travels_from_the_wire(service: PushService, door: WebPush) -> None:
    service.answers(429, retry_after="30")
    assert (await door.send(service.browser.address, a_message())).retry_after_s == 30


@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed"])
async def test_a_broken_service_is_tried_again_later(
    service: PushService, door: WebPush, fault: str
) -> None:
    async with broken_service(fault) as origin:
        result = await door.send(elsewhere(service.browser.address, origin), a_message())
    assert result.outcome is Outcome.RETRY
    # and it spoils nothing for the others
    assert (await door.send(service.browser.address, a_message())).outcome is Outcome.SENT


async def test_a_hanging_service_is_given_up_and_holds_nobody_else(service: PushService) -> None:
    async with broken_service("hanging") as origin, a_door(timeout_s=0.3) as door:
        hanging = asyncio.create_task(
            door.send(elsewhere(service.browser.address, origin), a_message())
        )
        assert (await door.send(service.browser.address, a_message())).outcome is Outcome.SENT
        assert await hanging == Result(Outcome.RETRY, None, "timeout")


async def test_an_endless_answer_is_not_read_to_its_end(
    service: PushService, door: WebPush
) -> None:
    service.endless_body = True
    assert (await door.send(service.browser.address, a_message())).outcome is Outcome.SENT
    service.endless_body = False


async def test_a_slow_service_is_waited_for_while_the_loop_goes_on(
    service: PushService, door: WebPush
) -> None:
    service.go_on.clear()
    sending = asyncio.create_task(door.send(service.browser.address, a_message()))
    await service.arrived.wait()
    assert not sending.done()
    service.go_on.set()
    assert (await sending).outcome is Outcome.SENT


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://169.254.169.254/latest",
        "https://evilfcm.googleapis.com.example/x",
        "https://notpush.apple.com.cn/x",
        "https://fcm.googleapis.com@10.0.0.1/x",
        "https://fcm.googleapis.com:8080/x",
    ],
)
async def test_a_phone_cannot_make_the_server_write_to_anything_but_a_push_service(
    service: PushService, endpoint: str
) -> None:
    sub = msgspec.json.decode(service.browser.address, type=Subscription)
    address = msgspec.json.encode(msgspec.structs.replace(sub, endpoint=endpoint)).decode()
    async with _without_network(Reach.INTERNET) as (door, asked):
        result = await door.send(address, a_message())
    assert result == Result(Outcome.REJECTED, None, "not-a-push-service")
    assert asked == []


async def test_the_push_services_of_the_four_browsers_are_written_to(service: PushService) -> None:
    sub = msgspec.json.decode(service.browser.address, type=Subscription)
    for endpoint in (
        "https://fcm.googleapis.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/x",
        "https://wns2-by3p.notify.windows.com/w/?token=x",
    ):
        address = msgspec.json.encode(msgspec.structs.replace(sub, endpoint=endpoint)).decode()
        async with _without_network(Reach.INTERNET) as (door, asked):
            assert (await door.send(address, a_message())).outcome is Outcome.SENT
        assert asked == [endpoint]


@pytest.mark.parametrize("handling", [Handling.EXERCISE, Handling.TEST])
async def test_an_exercise_never_reaches_a_real_push_service(
    service: PushService, handling: Handling
) -> None:
    sub = msgspec.json.decode(service.browser.address, type=Subscription)
    real = msgspec.structs.replace(sub, endpoint="https://fcm.googleapis.com/x")
    address = msgspec.json.encode(real).decode()
    for reach in Reach:
        async with _without_network(reach) as (door, asked):
            result = await door.send(address, a_message(handling=handling))
        assert result.outcome is Outcome.REJECTED
        assert asked == []


@asynccontextmanager
async def _without_network(reach: Reach) -> AsyncIterator[tuple[WebPush, list[str]]]:
    """A door whose requests end before the network; and where they would have gone."""
    asked: list[str] = []

    async def answer(endpoint: URL, sealed: bytes, headers: dict[str, str]) -> tuple[int, None]:
        asked.append(str(endpoint))
        return 201, None

    async with a_door(reach) as door:
        door._ask = answer  # type: ignore[method-assign]
        yield door, asked


def test_a_key_survives_being_written_down() -> None:
    assert VapidKey.load(KEY.private).public == KEY.public
    assert len(from_base64url(KEY.public)) == 65


@pytest.mark.parametrize("text", ["", "AAAA", "钥匙", "A" * 43, "=", "A" * 44])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        VapidKey.load(text)


def test_a_token_is_signed_once_and_again_before_it_expires() -> None:
    def header(now_s: int, origin: str = "https://a.example") -> str:
        return KEY.authorization(origin, SUBJECT, now_s=now_s)

    first = header(0)
    assert header(10 * 3600) == first
    assert header(11 * 3600 + 1) != first
    assert header(0, "https://b.example") != first


async def test_the_loop_keeps_its_beat_while_many_are_encrypted(
    service: PushService, door: WebPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Encryption that takes long must not run on the loop's own thread.
    from threading import get_ident

    from push import webpush

    threads: set[int] = set()
    real = webpush.seal

    def watched(plain: bytes, keys: Keys) -> bytes:
        threads.add(get_ident())
        return real(plain, keys)

    monkeypatch.setattr(webpush, "seal", watched)
    await door.send(service.browser.address, a_message())
    assert threads
    assert get_ident() not in threads
