import asyncio
import importlib
import json
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from push import apns
from push.apns import PRODUCTION, RENEW_S, Apns, payload
from push.message import Handling, Urgency
from push.port import Door, Outcome, Reach, Result
from tests.push.contract import DoorContract, Rig
from tests.push.provider import broken_service
from tests.push.serving import Provider, serving_http2
from tests.push.world import NOON, a_message

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
DEVICE = "0a" * 32
TOPIC = "cn.jiean.field"


class Apple(Provider):
    """Checks the ES256 token and the headers as Apple documents them, and keeps the payload."""

    def __init__(self) -> None:
        super().__init__()
        self.aps: list[dict[str, Any]] = []
        self.bearers: list[str] = []
        self.expired: set[str] = set()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        bearer = headers.get("authorization", "").removeprefix("bearer ")
        self.bearers.append(bearer)
        try:
            claims = jwt.decode(
                bearer, KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False}
            )
        except jwt.PyJWTError:
            return 403, b'{"reason": "InvalidProviderToken"}'
        if claims["iss"] != "TEAM" or jwt.get_unverified_header(bearer)["kid"] != "KEYID":
            return 403, b'{"reason": "InvalidProviderToken"}'
        if bearer in self.expired:
            return 403, b'{"reason": "ExpiredProviderToken"}'
        if headers["apns-topic"] != TOPIC or headers["apns-push-type"] != "alert":
            return 400, b'{"reason": "BadTopic"}'
        if len(headers.get("apns-collapse-id", "")) > 64:
            return 400, b'{"reason": "BadCollapseId"}'
        if path != f"/3/device/{DEVICE}":
            return 400, b'{"reason": "BadDeviceToken"}'
        if len(body) > 4096:
            return 413, b'{"reason": "PayloadTooLarge"}'
        got = json.loads(body)
        self.aps.append(got["aps"])
        self.shown.append(got["message"])
        return 200, b""


class World:
    def __init__(self, apple: Apple, trust: ssl.SSLContext) -> None:
        self.apple, self.trust = apple, trust

    @asynccontextmanager
    async def door(self, **words: Any) -> AsyncIterator[Apns]:
        opened = Apns(
            PEM,
            "KEYID",
            "TEAM",
            TOPIC,
            **{
                "reach": Reach.LOOPBACK,
                "origin": self.apple.origin,
                "trust": self.trust,
                **words,
            },
        )
        try:
            yield opened
        finally:
            await opened.aclose()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    apple = Apple()
    async with serving_http2(apple) as (_origin, trust):
        yield World(apple, trust)


@pytest.fixture
async def door(world: World) -> AsyncIterator[Apns]:
    async with world.door() as opened:
        yield opened


class TestContract(DoorContract):
    @pytest.fixture
    async def rig(self, world: World, door: Apns) -> Rig:
        return Rig(door, DEVICE, ("0b" * 32, "0a" * 5, "zz" * 32), lambda: world.apple.shown)


def test_the_door_fits_the_port() -> None:
    door: Door = Apns(PEM, "KEYID", "TEAM", TOPIC)
    assert (door.name, door.reach) == ("apns", Reach.INTERNET)


@pytest.mark.parametrize(
    ("reach", "origin"),
    [
        (Reach.LOOPBACK, PRODUCTION),
        (Reach.INTERNET, "https://127.0.0.1:1"),
        (Reach.INTERNET, "https://evil.example"),
    ],
)
def test_the_door_goes_to_apple_or_stays_on_this_machine(reach: Reach, origin: str) -> None:
    with pytest.raises(ValueError):
        Apns(PEM, "KEYID", "TEAM", TOPIC, reach=reach, origin=origin)


async def test_an_exercise_never_reaches_apple() -> None:
    door = Apns(PEM, "KEYID", "TEAM", TOPIC)
    result = await door.send(DEVICE, a_message(handling=Handling.EXERCISE))
    assert result == Result(Outcome.REJECTED, None, "exercise-stays-inside")


async def test_an_alarm_breaks_through_focus_and_with_the_entitlement_through_mute(
    world: World,
) -> None:
    async with world.door() as plain, world.door(critical=True) as entitled:
        await plain.send(DEVICE, a_message())
        await entitled.send(DEVICE, a_message())
        await entitled.send(DEVICE, a_message(urgency=Urgency.NORMAL))
    sensitive, critical, quiet = world.apple.aps
    assert (sensitive["interruption-level"], sensitive["sound"]) == ("time-sensitive", "default")
    assert critical["interruption-level"] == "critical"
    assert critical["sound"] == {"critical": 1, "name": "default", "volume": 1.0}
    assert (quiet["interruption-level"], "sound" in quiet) == ("active", False)
    assert sensitive["alert"] == {"title": "烟雾报警", "body": "请打开应答"}
    assert "content-available" not in sensitive  # iOS takes the right away after silent ones


async def test_id_priority_expiry_and_collapse_key_travel_as_headers(
    world: World, door: Apns
) -> None:
    await door.send(DEVICE, a_message(ttl_s=25))
    await door.send(DEVICE, a_message(urgency=Urgency.NORMAL, collapse_key=""))
    (_, alarm, _), (_, quiet, _) = world.apple.requests
    assert alarm["apns-id"] == str(a_message().id)
    assert alarm["apns-priority"] == "10"
    assert int(alarm["apns-expiration"]) == int(NOON.timestamp()) + 25
    assert len(alarm["apns-collapse-id"]) == 64
    assert (quiet["apns-priority"], "apns-collapse-id" in quiet) == ("5", False)


async def test_the_token_is_signed_once_and_again_before_apple_refuses_it(world: World) -> None:
    clock = [1_000_000.0]
    async with world.door(now_s=lambda: clock[0]) as door:
        for wait_s in (0, RENEW_S - 1, 2):
            clock[0] += wait_s
            await door.send(DEVICE, a_message())
    first, same, renewed = world.apple.bearers
    assert first == same != renewed


async def test_a_token_that_apple_calls_expired_is_signed_anew_and_the_message_passes(
    world: World,
) -> None:
    clock = [1_000_000.0]
    async with world.door(now_s=lambda: clock[0]) as door:
        await door.send(DEVICE, a_message())
        world.apple.expired.update(world.apple.bearers)
        clock[0] += 60
        assert (await door.send(DEVICE, a_message())).outcome is Outcome.SENT
        world.apple.says(403, b'{"reason": "ExpiredProviderToken"}')
        before = len(world.apple.requests)
        result = await door.send(DEVICE, a_message())
    assert result == Result(Outcome.REJECTED, None, "ExpiredProviderToken")
    assert len(world.apple.requests) - before == 2


async def test_a_phone_that_is_gone_is_gone_since_apple_knows(world: World, door: Apns) -> None:
    world.apple.says(410, b'{"reason": "Unregistered", "timestamp": 1748779200000}')
    since = datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert await door.send(DEVICE, a_message()) == Result(
        Outcome.FORGET_DEVICE, None, "Unregistered", since
    )
    world.apple.says(410, b'{"reason": "Unregistered", "timestamp": "soon"}')
    assert (await door.send(DEVICE, a_message())).gone_since is None


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "BadDeviceToken", Outcome.FORGET_DEVICE),
        (400, "DeviceTokenNotForTopic", Outcome.FORGET_DEVICE),
        (400, "BadTopic", Outcome.REJECTED),
        (403, "InvalidProviderToken", Outcome.REJECTED),
        (413, "PayloadTooLarge", Outcome.REJECTED),
        (429, "TooManyRequests", Outcome.RETRY),
        (429, "TooManyProviderTokenUpdates", Outcome.RETRY),
        (500, "InternalServerError", Outcome.RETRY),
        (503, "ServiceUnavailable", Outcome.RETRY),
        (503, "Shutdown", Outcome.RETRY),
    ],
)
async def test_each_reason_of_apple_says_what_to_do_next(
    world: World, door: Apns, status: int, reason: str, expected: Outcome
) -> None:
    world.apple.says(status, json.dumps({"reason": reason}).encode(), retry_after="30")
    wish = 30.0 if expected is Outcome.RETRY else None
    assert await door.send(DEVICE, a_message()) == Result(expected, wish, reason)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (418, b'{"reason": "NeverHeardOf"}', Result(Outcome.REJECTED, None, "418")),
        (502, b"<html>", Result(Outcome.RETRY, None, "502")),
        (410, b"[]", Result(Outcome.FORGET_DEVICE, None, "410")),
    ],
)
async def test_an_answer_that_nobody_documented_goes_by_its_status(
    world: World, door: Apns, status: int, body: bytes, expected: Result
) -> None:
    world.apple.says(status, body)
    assert await door.send(DEVICE, a_message()) == expected


@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed"])
async def test_a_broken_service_is_tried_again_later(world: World, fault: str) -> None:
    async with broken_service(fault) as origin, world.door(origin=origin) as door:
        assert (await door.send(DEVICE, a_message())).outcome is Outcome.RETRY


async def test_a_hanging_service_is_given_up(world: World) -> None:
    async with (
        broken_service("hanging") as origin,
        world.door(origin=origin, timeout_s=0.3) as door,
    ):
        assert await door.send(DEVICE, a_message()) == Result(Outcome.RETRY, None, "timeout")


async def test_a_slow_answer_holds_no_other_message_on_the_same_connection(
    world: World, door: Apns
) -> None:
    world.apple.go_on.clear()
    slow = asyncio.create_task(door.send(DEVICE, a_message()))
    await world.apple.arrived.wait()
    world.apple.go_on.set()
    assert (await door.send(DEVICE, a_message())).outcome is Outcome.SENT
    assert (await slow).outcome is Outcome.SENT


async def test_a_certificate_that_nobody_trusts_is_no_apple(world: World) -> None:
    async with world.door(trust=ssl.create_default_context()) as door:
        assert (await door.send(DEVICE, a_message())).outcome is Outcome.RETRY
    assert world.apple.requests == []


def test_a_long_message_is_cut_to_what_apple_takes() -> None:
    long = payload(a_message(body="长" * 4000, lock_body="锁" * 300), critical=True)
    assert len(long) <= 4096
    assert json.loads(long)["message"]["body"].endswith("…")


def test_without_apns2_the_door_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apns2", None)
    monkeypatch.delitem(sys.modules, "apns2.payload", raising=False)
    monkeypatch.delitem(sys.modules, "apns2.errors", raising=False)
    with pytest.raises(ModuleNotFoundError, match="apns2 is not installed: Apple's phones"):
        importlib.reload(apns)
