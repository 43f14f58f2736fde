"""Telephones, rooms, apps' tokens, a provider that is down, and the night, in the carrier."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from backend.directory import Directory
from backend.messages import ledger, tokens
from backend.messages.carrier import Carrier
from backend.messages.doors import Later, doors
from backend.messages.jobs import Quiet
from backend.messages.schemas import NewSubscription
from backend.shared.ids import uuid7
from push.message import Audience, Handling, Urgency
from push.port import Outcome, Reach, Result
from tests.plugin.world import World
from tests.shell.test_messages_carrier import INCIDENT, LI, WANG, FakeDoor, idle, say

NUMBER = "13800000000"
WAYS = {WANG: {"sms": NUMBER, "voice": NUMBER}}


async def directory(addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    return {each: WAYS[each] for each in addresses if each in WAYS}


def outside(name: str) -> FakeDoor:
    return FakeDoor(name, Reach.INTERNET)


async def token_of(world: World, door: str, token: str, device: str = "phone") -> None:
    wish = msgspec.convert({"endpoint": token, "deviceId": device, "door": door}, NewSubscription)
    await tokens.subscribe(WANG, wish, actor=uuid7(), role="field", now=world.clock.now())


async def codes() -> list[tuple[str, str | None, str]]:
    line = (await ledger.of_incident(INCIDENT))[-1]
    return [(each.door, each.outcome, each.code) for each in line.deliveries]


async def test_who_has_a_telephone_is_texted_and_called_and_who_has_none_is_not(
    world: World,
) -> None:
    text, call = outside("sms"), outside("voice")
    carrier = Carrier(world.ctx, (FakeDoor(), text, call), directory=directory)
    await say(world, WANG)
    await say(world, LI)
    await idle(carrier)
    world.clock.forward(seconds=4)
    await idle(carrier)
    assert [address for address, _ in text.sent] == [NUMBER]
    assert [address for address, _ in call.sent] == [NUMBER]


async def test_an_app_is_reached_by_its_latest_token(world: World) -> None:
    app = outside("fcm")
    carrier = Carrier(world.ctx, (app,))
    await token_of(world, "fcm", "first-token-" + "x" * 30)
    await token_of(world, "fcm", "second-token-" + "x" * 30)
    await token_of(world, "apns", "0a" * 32)
    await say(world)
    await idle(carrier)
    assert [address for address, _ in app.sent] == ["second-token-" + "x" * 30]


async def test_a_dead_token_is_forgotten_unless_it_registered_again_since(world: World) -> None:
    app, token = outside("apns"), "0a" * 32
    carrier = Carrier(world.ctx, (app,))
    await token_of(world, "apns", token)
    long_ago = world.clock.now() - timedelta(hours=1)
    app.result = Result(Outcome.FORGET_DEVICE, None, "Unregistered", long_ago)
    await say(world)
    await idle(carrier)
    await say(world)
    await idle(carrier)
    assert len(app.sent) == 2
    app.result = Result(Outcome.FORGET_DEVICE, None, "Unregistered", world.clock.now())
    for _ in range(2):
        await say(world)
        await idle(carrier)
    assert len(app.sent) == 3


async def test_a_provider_that_fails_is_left_alone_and_the_next_rung_waits_for_nothing(
    world: World,
) -> None:
    text, call = outside("sms"), outside("voice")
    text.result = Result(Outcome.RETRY, None, "timeout")
    carrier = Carrier(world.ctx, (text, call), directory=directory)
    for _ in range(7):
        await say(world, ttl_s=1)
        await idle(carrier)
    assert len(text.sent) == 5
    assert len(call.sent) == 7
    assert ("sms", "retry", "breaker-open") in await codes()
    world.clock.forward(seconds=11)
    text.result = Result(Outcome.SENT, None, "ok")
    await say(world)
    await idle(carrier)
    assert len(text.sent) == 6


async def test_the_wish_of_a_provider_to_be_left_alone_counts_for_everybody(world: World) -> None:
    text = outside("sms")
    text.result = Result(Outcome.RETRY, 45.0, "429")
    carrier = Carrier(world.ctx, (text,), directory=directory)
    await say(world, ttl_s=300)
    await idle(carrier)
    text.result = Result(Outcome.SENT, None, "ok")
    await say(world, ttl_s=300)
    await idle(carrier)
    assert len(text.sent) == 1
    world.clock.forward(seconds=50)
    await idle(carrier)
    assert len(text.sent) == 3


async def test_while_telephones_cannot_be_looked_up_screens_still_get_their_alarm(
    world: World,
) -> None:
    async def away(_addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        raise ConnectionRefusedError

    live = FakeDoor()
    carrier = Carrier(world.ctx, (live, outside("sms")), directory=away)
    message = await say(world)
    await idle(carrier)
    assert live.ids == [message.id]


async def test_residents_sleep_through_what_is_not_urgent_and_wake_for_an_alarm(
    world: World,
) -> None:
    world.clock.forward(hours=7)  # 23:00 in Suzhou
    text = outside("sms")
    carrier = Carrier(world.ctx, (text,), directory=directory)
    quiet = await say(world, audience=Audience.RESIDENT, urgency=Urgency.NORMAL, ttl_s=86_400)
    alarm = await say(world, audience=Audience.RESIDENT)
    await idle(carrier)
    assert text.ids == [alarm.id]
    world.clock.forward(hours=8)
    await idle(carrier)
    assert text.ids == [alarm.id, quiet.id]


@pytest.mark.parametrize(
    ("hours", "ends_in"), [(13.9, None), (14, 9), (22, 1), (22.99, 0.01), (23, None)]
)
def test_quiet_hours_begin_and_end_by_the_neighbourhood_s_clock(
    world: World, hours: float, ends_in: float | None
) -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    quiet = Quiet(zone=ZoneInfo("Asia/Shanghai"), from_hour=22, to_hour=7)
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours)
    until = quiet.until(Audience.RESIDENT, now)
    if ends_in is None:
        assert until is None
    else:
        assert until is not None
        assert (until - now).total_seconds() == pytest.approx(ends_in * 3600, abs=1)
    assert quiet.until(Audience.STAFF, now) is None
    never = Quiet(zone=ZoneInfo("Asia/Shanghai"), from_hour=7, to_hour=7)
    assert never.until(Audience.RESIDENT, now) is None


async def test_the_directory_has_the_first_number_of_each_kind(world: World) -> None:
    person, office, home = uuid7(), uuid7(), uuid7()
    await world.operations.execute(
        "INSERT INTO person (id, name, badge, post, phone, exercise)"
        " VALUES ($1, '王', 'b1', 'field', '13800000001', false)",
        person,
    )
    await world.operations.execute(
        "INSERT INTO office (id, name, kind, phone, area, exercise)"
        " VALUES ($1, '街道', 'street', '0512-65000000', '', false)",
        office,
    )
    for position, number in ((2, "13800000003"), (1, ""), (1, "13800000002")):
        await world.identity.execute(
            "INSERT INTO contact (id, household_id, name, relation, phone, position)"
            " VALUES ($1, $2, '李', '本人', $3, $4)",
            uuid7(),
            home,
            number,
            position,
        )
    settings = msgspec.structs.replace(
        world.ctx.settings,
        push=msgspec.structs.replace(world.ctx.settings.push, room="feishu://abc"),
    )
    names = [f"staff:{person}", f"office:{office}", f"household:{home}", f"staff:{UUID(int=0)}"]
    found = await Directory(settings)([*names, "account:x", "nonsense"])
    assert {name: dict(ways) for name, ways in found.items()} == {
        names[0]: {"sms": "13800000001", "voice": "13800000001"},
        names[1]: {"sms": "0512-65000000", "voice": "0512-65000000", "rooms": "feishu://abc"},
        names[2]: {"sms": "13800000002", "voice": "13800000002", "family": "13800000003"},
    }


def configured(world: World, **push: object) -> tuple[str, ...]:
    settings = world.ctx.settings
    changed = msgspec.structs.replace(settings, push=msgspec.structs.replace(settings.push, **push))
    world.ctx.settings = changed
    return tuple(door.name for door in doors(world.ctx))


async def test_a_door_is_there_when_its_settings_are(world: World) -> None:
    assert configured(world) == ("live", "webpush", "rooms")
    names = configured(world, fcm_service_account="/a.json")
    assert names == ("live", "webpush", "fcm", "rooms")
    names = configured(
        world,
        apns_key="/k.p8",
        telephony="aliyun",
        sms_template="SMS_1",
        voice_template="TTS_1",
        room="feishu://abc",
    )
    assert names == ("live", "webpush", "fcm", "apns", "sms", "voice", "family", "rooms")


async def test_a_door_whose_file_is_missing_says_so_and_holds_nobody(world: World) -> None:
    configured(world, fcm_service_account="/nowhere/account.json")
    door = next(each for each in doors(world.ctx) if each.name == "fcm")
    assert isinstance(door, Later)
    from tests.push.world import a_message

    result = await door.send("x" * 40, a_message())
    assert result == Result(Outcome.RETRY, None, "door-not-configured")
    await door.aclose()


@pytest.mark.parametrize("handling", [Handling.EXERCISE, Handling.TEST])
async def test_no_telephone_rings_in_an_exercise(world: World, handling: Handling) -> None:
    text, call, room = outside("sms"), outside("voice"), outside("rooms")
    carrier = Carrier(world.ctx, (FakeDoor(), text, call, room), directory=directory)
    await say(world, handling=handling)
    for _ in range(30):
        await idle(carrier)
        world.clock.forward(seconds=1)
    assert text.sent == call.sent == room.sent == []
