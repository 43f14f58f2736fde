"""Texts and calls from the outbox to a provider on the loopback, and its reports back."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from backend.messages import ledger
from backend.messages.carrier import Carrier
from push.message import Audience
from push.port import Reach
from push.sms import sms
from push.voice import voice
from tests.plugin.world import World
from tests.push.serving import serving
from tests.push.test_telephony import TencentExchange, provider_at
from tests.shell.test_messages_carrier import INCIDENT, idle, say

SECRET = "a-secret-of-the-console"
NUMBER = "13800000000"
HOME = f"household:{UUID(int=12)}"


async def directory(addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    return {each: {"sms": NUMBER, "voice": NUMBER} for each in addresses}


class Numbered(TencentExchange):
    """Each text and call gets a name of its own."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        status, _ = super().answer(path, headers, body)
        name = f"r{len(self.shown)}"
        if headers["x-tc-action"] == "SendSms":
            taken: dict[str, Any] = {"SendStatusSet": [{"Code": "Ok", "SerialNo": name}]}
        else:
            taken = {"SendStatus": {"CallId": name}}
        return status, json.dumps({"Response": taken}).encode()


@pytest.fixture
async def carrier(world: World) -> AsyncIterator[Carrier]:
    push = msgspec.structs.replace(
        world.ctx.settings.push, telephony="tencent", telephony_secret=SECRET
    )
    world.ctx.settings = msgspec.structs.replace(world.ctx.settings, push=push)
    there = Numbered()
    async with serving(there) as origin:
        provider = provider_at("tencent", origin)
        doors = (sms(provider, reach=Reach.LOOPBACK), voice(provider, reach=Reach.LOOPBACK))
        yield Carrier(world.ctx, doors, directory=directory)
        for door in doors:
            await door.aclose()


def path(provider: str = "tencent", secret: str = SECRET) -> str:
    return f"/api/push/reports/{provider}/{secret}"


def of_text(name: str, status: str = "SUCCESS") -> list[dict[str, Any]]:
    return [{"sid": name, "report_status": status, "errmsg": "x", "mobile": NUMBER}]


def of_key(name: str, key: str) -> dict[str, Any]:
    return {"voicekey_callback": {"callid": name, "keypress": key, "mobile": NUMBER}}


async def told(world: World, body: Any, where: str = "") -> httpx.Response:
    async with world.client() as provider:
        return await provider.post(where or path(), content=json.dumps(body))


async def line() -> Any:
    return (await ledger.of_incident(INCIDENT))[-1]


async def test_a_text_that_arrived_is_a_receipt_and_no_call_follows(
    world: World, carrier: Carrier
) -> None:
    await say(world, HOME, audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    for _ in range(2):  # the same report again changes nothing
        answer = await told(world, of_text("r1"))
        assert (answer.status_code, answer.json()) == (200, {"result": 0, "errmsg": "OK"})
    world.clock.forward(seconds=60)
    await idle(carrier)
    kept = await line()
    assert [(each.kind, each.door, each.source) for each in kept.receipts] == [
        ("delivered", "sms", "provider")
    ]
    assert next(each.door for each in kept.deliveries if each.outcome == "sent") == "sms"
    assert kept.ended == "received"


async def test_a_call_that_nobody_answers_is_over_at_once_and_somebody_is_told(
    world: World, carrier: Carrier
) -> None:
    unreached: list[str] = []

    async def tell(found: Any) -> None:
        unreached.append(found.address)

    carrier._on_unreached = tell
    await say(world, HOME, audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    world.clock.forward(seconds=6)
    await idle(carrier)
    call = next(each for each in (await line()).deliveries if each.door == "voice")
    assert (call.outcome, unreached) == ("sent", [])
    report = {"voiceprompt_callback": {"result": "1", "callid": "r2", "mobile": NUMBER}}
    assert (await told(world, report)).status_code == 200
    await idle(carrier)
    call = next(each for each in (await line()).deliveries if each.door == "voice")
    assert (call.outcome, call.code) == ("rejected", "failed result-1")
    assert unreached == [HOME]


@pytest.mark.parametrize(
    ("key", "kind", "ended"), [("1", "acted", "acknowledged"), ("5", "seen", "received")]
)
async def test_the_key_1_confirms_and_another_only_says_that_somebody_listened(
    world: World, carrier: Carrier, key: str, kind: str, ended: str
) -> None:
    await say(world, HOME, audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    world.clock.forward(seconds=6)
    await idle(carrier)
    assert (await told(world, of_key("r2", key))).status_code == 200
    kept = await line()
    assert [(each.kind, each.door) for each in kept.receipts] == [(kind, "voice")]
    assert kept.ended == ended


async def test_who_does_not_know_the_secret_or_posts_garbage_changes_nothing(
    world: World, carrier: Carrier
) -> None:
    await say(world, HOME, audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    for where in (path(secret="guess"), path("aliyun"), path("twilio"), path(secret="x" * 20)):
        assert (await told(world, of_text("r1"), where)).status_code == 404
    for garbage in ("x", [7], {"voicekey_callback": 7}, [{"sid": "r1"}]):
        answer = await told(world, garbage)
        assert answer.status_code == 400, garbage
        assert answer.json()["type"] == "urn:jiean:problem:malformed"
    assert (await told(world, of_text("never"))).status_code == 503
    # A name of a text says nothing about a call.
    assert (await told(world, of_key("r1", "1"))).status_code == 503
    assert (await line()).receipts == []


async def test_without_a_secret_there_is_no_door(world: World, carrier: Carrier) -> None:
    push = msgspec.structs.replace(world.ctx.settings.push, telephony_secret="")
    world.ctx.settings = msgspec.structs.replace(world.ctx.settings, push=push)
    for secret in ("", "x", SECRET):
        assert (await told(world, of_text("r1"), path(secret=secret))).status_code == 404


async def test_a_report_of_last_week_is_no_news(world: World, carrier: Carrier) -> None:
    await say(world, HOME, audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    world.clock.forward(seconds=timedelta(days=7).total_seconds())
    assert (await told(world, of_text("r1"))).status_code == 200
    assert (await line()).receipts == []
