"""A native app's token, from the API over the outbox and a provider's wire to the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest

from backend.messages import ledger
from backend.messages.carrier import Carrier
from push.port import Door
from tests.plugin.world import World
from tests.push import test_apns as apple
from tests.push import test_fcm as google
from tests.push.serving import Provider, identity, serving_http2
from tests.push.test_misbehaviour import WAYS
from tests.shell.test_messages_carrier import INCIDENT, idle, say
from tests.shell.test_messages_routes import a_person


class App(msgspec.Struct, frozen=True):
    """What a native app hands over, and how its provider says that it is gone."""

    door: str
    token: str
    goodbye: tuple[int, bytes]


APPS = [
    App("fcm", google.TOKEN, (404, google.error("NOT_FOUND", 404, "UNREGISTERED"))),
    App("apns", apple.DEVICE, (410, b'{"reason": "Unregistered"}')),
]


@asynccontextmanager
async def carrying(world: World, app: App) -> AsyncIterator[tuple[Provider, Carrier]]:
    way = WAYS[app.door]
    provider = way.provider()
    async with serving_http2(provider, way.protocol) as (origin, _):
        door: Door = way.make(origin, identity().trust, 20.0)
        yield provider, Carrier(world.ctx, (door,))
        await door.aclose()  # type: ignore[attr-defined]


async def registered(world: World, client: Any, app: App) -> None:
    wish = {"endpoint": app.token, "deviceId": "phone-1", "door": app.door}
    answer = await client.post("/api/push/subscriptions", json=wish)
    assert answer.status_code == 204, answer.text


async def tried() -> list[tuple[str, str | None, str]]:
    line = (await ledger.of_incident(INCIDENT))[-1]
    return [(each.door, each.outcome, each.code) for each in line.deliveries]


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.door)
async def test_a_token_is_registered_reached_and_its_receipt_stands_in_the_ledger(
    world: World, app: App
) -> None:
    person = await a_person(world)
    async with (
        carrying(world, app) as (provider, carrier),
        world.client("field", staff_id=person) as phone,
    ):
        await registered(world, phone, app)
        message = await say(world, f"staff:{person}", ttl_s=600)
        await idle(carrier)
        [shown] = provider.shown
        assert UUID(shown["id"]) == message.id
        assert shown["lockBody"] == message.lock_body
        assert (app.door, "sent", "200") in await tried()
        receipt = {
            "messageId": shown["id"],
            "kind": "seen",
            "at": world.clock.now().isoformat(),
        }
        answer = await phone.post("/api/receipts", json={"receipts": [receipt]})
        assert answer.status_code == 204, answer.text
    line = (await ledger.of_incident(INCIDENT))[-1]
    assert [(each.kind, each.door, each.source) for each in line.receipts] == [
        ("seen", "push", "device")
    ]
    assert line.ended == "received"


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.door)
async def test_a_token_that_its_provider_gives_up_is_not_asked_again_until_it_comes_back(
    world: World, app: App
) -> None:
    person = await a_person(world)
    async with (
        carrying(world, app) as (provider, carrier),
        world.client("field", staff_id=person) as phone,
    ):
        await registered(world, phone, app)
        provider.says(*app.goodbye)
        await say(world, f"staff:{person}", ttl_s=5)
        await idle(carrier)
        assert [(door, outcome) for door, outcome, _ in await tried() if door == app.door] == [
            (app.door, "forget_device")
        ]
        provider.said = None
        world.clock.forward(seconds=30)
        before = len(provider.requests)
        await say(world, f"staff:{person}", ttl_s=5)
        await idle(carrier)
        assert len(provider.requests) == before
        await registered(world, phone, app)
        world.clock.forward(seconds=30)
        await say(world, f"staff:{person}", ttl_s=5)
        await idle(carrier)
        assert len(provider.shown) == 1
