import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from push.fcm import Fcm, _own_ways
from push.message import Urgency
from push.port import Door, Outcome, Reach, Result
from push.wire import client
from tests.push.contract import DoorContract, Rig
from tests.push.provider import broken_service
from tests.push.serving import Provider, serving
from tests.push.world import a_message

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TOKEN = "dQw4w9WgXcQ:APA91b" + "x" * 120
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


def account(token_uri: str) -> dict[str, str]:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "type": "service_account",
        "project_id": "jiean-test",
        "private_key_id": "k1",
        "private_key": pem,
        "client_email": "duty@jiean-test.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


class Google(Provider):
    """Checks the assertion's signature, hands out tokens, and takes messages for them."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.expired: set[str] = set()

    def is_said(self, path: str) -> bool:
        return path != "/token"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if path == "/token":
            [assertion] = parse_qs(body.decode())["assertion"]
            try:
                jwt.decode(
                    assertion,
                    KEY.public_key(),
                    algorithms=["RS256"],
                    audience="https://oauth2.googleapis.com/token",
                )
            except jwt.PyJWTError:
                return 401, b'{"error": "invalid_grant"}'
            self.tokens.append(f"t{len(self.tokens)}")
            given = {"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"}
            return 200, json.dumps(given).encode()
        if path != "/v1/projects/jiean-test/messages:send":
            return 404, b"{}"
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self.tokens or bearer in self.expired:
            return 401, error("UNAUTHENTICATED", 401)
        sent = json.loads(body)["message"]
        self.shown.append({**json.loads(sent["data"]["message"]), "android": sent["android"]})
        return 200, json.dumps({"name": f"projects/jiean-test/messages/{len(self.shown)}"}).encode()


def error(status: str, code: int, fcm: str = "", words: str = "") -> bytes:
    told: dict[str, Any] = {"code": code, "status": status, "message": words or status}
    if fcm:
        told["details"] = [{"@type": FCM_ERROR, "errorCode": fcm}]
    return json.dumps({"error": told}).encode()


def gone(code: str) -> Result:
    return Result(Outcome.FORGET_DEVICE, None, code)


NO_TOKEN = "The registration token is not a valid FCM registration token"
QUOTA = error("RESOURCE_EXHAUSTED", 429, "QUOTA_EXCEEDED")


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    provider = Google()
    async with serving(provider):
        yield provider


@asynccontextmanager
async def a_door(origin: str, timeout_s: float = 10.0, token_uri: str = "") -> AsyncIterator[Fcm]:
    door = Fcm(
        account(token_uri or f"{origin}/token"),
        reach=Reach.LOOPBACK,
        endpoint=origin,
        timeout_s=timeout_s,
    )
    try:
        yield door
    finally:
        await door.aclose()


@pytest.fixture
async def door(google: Google) -> AsyncIterator[Fcm]:
    async with a_door(google.origin) as opened:
        yield opened


class TestContract(DoorContract):
    @pytest.fixture
    async def rig(self, google: Google, door: Fcm) -> Rig:
        return Rig(door, TOKEN, ("short", "with space" * 4, "不" * 40), lambda: google.shown)


async def test_the_door_fits_the_port_and_keeps_exercises_inside() -> None:
    real = Fcm(account("https://oauth2.googleapis.com/token"))
    door: Door = real
    assert (door.name, door.reach) == ("fcm", Reach.INTERNET)
    await real.aclose()


@pytest.mark.parametrize(
    ("reach", "endpoint", "token_uri"),
    [
        (Reach.LOOPBACK, "", "http://127.0.0.1:1/token"),
        (Reach.INTERNET, "http://127.0.0.1:1", "http://127.0.0.1:1/token"),
        (Reach.LOOPBACK, "https://fcm.googleapis.com", "http://127.0.0.1:1/token"),
        (Reach.LOOPBACK, "http://127.0.0.1:1", "https://oauth2.googleapis.com/token"),
    ],
)
def test_a_rehearsal_cannot_be_pointed_at_google(
    reach: Reach, endpoint: str, token_uri: str
) -> None:
    with pytest.raises(ValueError):
        Fcm(account(token_uri), reach=reach, endpoint=endpoint)


async def test_the_private_names_of_firebase_admin_that_we_set_are_still_there(door: Fcm) -> None:
    from firebase_admin import messaging

    fresh = messaging._MessagingService(door._app)
    assert fresh._fcm_url == "https://fcm.googleapis.com/v1/projects/jiean-test/messages:send"
    for name in ("_async_client", "_fcm_headers", "_credential"):
        assert hasattr(fresh, name)
    http = client(Reach.LOOPBACK, timeout_s=1.0)
    ours = _own_ways(door._app, "http://127.0.0.1:9", http, 1.0)
    assert ours._fcm_url == "http://127.0.0.1:9/v1/projects/jiean-test/messages:send"
    assert ours._async_client.async_client is http
    await http.aclose()


async def test_an_alarm_goes_with_high_priority_and_its_lifetime(google: Google, door: Fcm) -> None:
    await door.send(TOKEN, a_message(ttl_s=25))
    await door.send(TOKEN, a_message(urgency=Urgency.NORMAL, collapse_key=""))
    alarm, quiet = (shown["android"] for shown in google.shown)
    assert (alarm["priority"], alarm["ttl"], alarm["collapse_key"]) == ("high", "25s", "offer-7")
    assert (quiet["priority"], "collapse_key" in quiet) == ("normal", False)


async def test_it_signs_in_once_for_many_messages(google: Google, door: Fcm) -> None:
    await asyncio.gather(*(door.send(TOKEN, a_message()) for _ in range(10)))
    assert len(google.tokens) == 1


async def test_a_token_that_ended_early_is_made_anew_once(google: Google, door: Fcm) -> None:
    await door.send(TOKEN, a_message())
    google.expired.update(google.tokens)
    assert (await door.send(TOKEN, a_message())).outcome is Outcome.SENT
    assert len(google.tokens) == 2
    google.says(401, error("UNAUTHENTICATED", 401))
    assert await door.send(TOKEN, a_message()) == Result(Outcome.REJECTED, None, "UNAUTHENTICATED")
    assert len(google.tokens) == 3


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, error("NOT_FOUND", 404, "UNREGISTERED"), gone("UNREGISTERED")),
        (403, error("PERMISSION_DENIED", 403, "SENDER_ID_MISMATCH"), gone("SENDER_ID_MISMATCH")),
        (400, error("INVALID_ARGUMENT", 400, words=NO_TOKEN), gone("not-a-token")),
        (400, error("INVALID_ARGUMENT", 400), Result(Outcome.REJECTED, None, "INVALID_ARGUMENT")),
        (403, error("PERMISSION_DENIED", 403), Result(Outcome.REJECTED, None, "PERMISSION_DENIED")),
        (429, QUOTA, Result(Outcome.RETRY, 30, "QUOTA_EXCEEDED")),
        (500, error("INTERNAL", 500), Result(Outcome.RETRY, 30, "INTERNAL")),
        (503, error("UNAVAILABLE", 503), Result(Outcome.RETRY, 30, "UNAVAILABLE")),
        (502, b"<html>bad gateway", Result(Outcome.RETRY, 30, "UNKNOWN")),
        (200, b"\xff not json", Result(Outcome.RETRY, None, "UnknownError")),
    ],
)  # fmt: skip
async def test_each_answer_says_what_to_do_next_and_is_asked_for_once(
    google: Google, door: Fcm, status: int, body: bytes, expected: Result
) -> None:
    google.says(status, body, retry_after="30")
    assert await door.send(TOKEN, a_message()) == expected
    assert sum(path.startswith("/v1") for path, _, _ in google.requests) == 1


@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed"])
async def test_a_broken_service_is_tried_again_later(google: Google, fault: str) -> None:
    async with (
        broken_service(fault) as origin,
        a_door(origin, token_uri=f"{google.origin}/token") as door,
    ):
        assert (await door.send(TOKEN, a_message())).outcome is Outcome.RETRY


@pytest.mark.parametrize("hangs", ["token", "messages"])
async def test_a_hanging_service_is_given_up_and_the_loop_goes_on(
    google: Google, hangs: str
) -> None:
    async with broken_service("hanging") as origin:
        token_uri = f"{origin if hangs == 'token' else google.origin}/token"
        async with a_door(origin, timeout_s=0.3, token_uri=token_uri) as door:
            ticks = 0

            async def beat() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0)
                    ticks += 1

            beating = asyncio.create_task(beat())
            result = await door.send(TOKEN, a_message())
            beating.cancel()
    assert result.outcome is Outcome.RETRY
    assert ticks > 100


async def test_a_refused_sign_in_is_no_reason_to_forget_the_phone(google: Google) -> None:
    bad = account(f"{google.origin}/token")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bad["private_key"] = stranger.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
    door = Fcm(bad, reach=Reach.LOOPBACK, endpoint=google.origin)
    result = await door.send(TOKEN, a_message())
    await door.aclose()
    assert (result.outcome, result.provider_code) == (Outcome.REJECTED, "sign-in-refused")
