"""The ledger: what the first answer ends, what is gathered, what died, and what a provider is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.access import accounts
from backend.messages import ledger, service, tokens
from backend.messages.carrier import Carrier
from backend.messages.outbox import Letter
from backend.messages.schemas import BrowserKeys, Line, NewSubscription
from backend.shared.ids import uuid7
from backend.worker import Worker
from push.breaker import FAILURES
from push.message import Action, Handling, Message, Urgency
from push.port import Outcome, Reach, ReceiptKind, Result
from tests.plugin.world import World
from tests.push.world import a_message
from tests.shell.test_messages_carrier import (
    INCIDENT,
    LI,
    WANG,
    FakeDoor,
    browser_of,
    idle,
    receive,
    say,
)


def web() -> FakeDoor:
    return FakeDoor("webpush", Reach.INTERNET)


async def line_of(message: Message) -> Line:
    return (await ledger.of_messages([message.id]))[0]


async def a_device(world: World, endpoint: str, address: str = WANG) -> None:
    await tokens.subscribe(
        address,
        NewSubscription(
            endpoint=endpoint, keys=BrowserKeys(p256dh="B" * 87, auth="A" * 22), device_id=endpoint
        ),
        actor=uuid7(),
        role="field",
        now=world.clock.now(),
    )


async def shown_on(door: FakeDoor) -> list[tuple[str, str]]:
    """(where, what its lock screen says) of everything a door handed over."""
    return [(to, message.for_lock_screen().title) for to, message in door.sent]


# --- the first answer ends the other ways ----------------------------------------------------


async def test_an_answer_cuts_a_provider_short_that_is_just_being_asked(world: World) -> None:
    browsers = web()
    browsers.go_on.clear()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await browser_of(world, WANG)
    message = await say(world)
    await carrier.launch()
    await asyncio.wait_for(browsers.arrived.wait(), 10)
    await receive(world, message, ReceiptKind.ACTED)
    assert await carrier.cut_short() == 1
    await carrier.drain()
    line = await line_of(message)
    assert line.ended == "acknowledged"
    assert [(each.door, each.code) for each in line.deliveries][-1] == ("webpush", "called-off")
    assert carrier._lanes.taken() == {}


async def test_an_answer_wakes_the_carrier_that_is_asking_a_provider(world: World) -> None:
    browsers, stop = web(), asyncio.Event()
    browsers.go_on.clear()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await world.ctx.operations_listener.start()
    running = asyncio.create_task(carrier.run(stop))
    try:
        await browser_of(world, WANG)
        message = await say(world, collapse_key="offer-7")
        await asyncio.wait_for(browsers.arrived.wait(), 20)
        (asking,) = carrier._asking.values()
        await receive(world, message, ReceiptKind.ACTED)
        await asyncio.wait_for(asyncio.wait([asking]), 20)
        assert (await line_of(message)).deliveries[-1].code == "called-off"
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)
        await world.ctx.operations_listener.stop()


async def test_what_another_phone_shows_is_replaced_after_an_answer_but_not_on_apples(
    world: World,
) -> None:
    browsers = web()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await a_device(world, "https://fcm.googleapis.com/one")
    await a_device(world, "https://web.push.apple.com/two")
    message = await say(world, collapse_key="offer-7")
    await idle(carrier)
    assert len(browsers.sent) == 2
    await receive(world, message, ReceiptKind.ACTED)
    await idle(carrier)
    ((to, over),) = browsers.sent[2:]
    assert "fcm.googleapis.com/one" in to
    assert (over.collapse_key, over.actions, over.lock_title) == ("offer-7", (), "已结束")
    assert over.urgency is Urgency.NORMAL
    await receive(world, message, ReceiptKind.ACTED)
    await idle(carrier)
    assert len(browsers.sent) == 3, "said once"


async def test_the_only_phone_which_answered_itself_is_told_nothing_more(world: World) -> None:
    browsers = web()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await a_device(world, "https://fcm.googleapis.com/one")
    message = await say(world, collapse_key="offer-7")
    await idle(carrier)
    await receive(world, message, ReceiptKind.ACTED)
    await idle(carrier)
    assert len(browsers.sent) == 1


async def test_what_is_withdrawn_is_replaced_on_the_locked_phone_also_when_it_came(
    world: World,
) -> None:
    browsers = web()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await a_device(world, "https://fcm.googleapis.com/one")
    message = await say(world, collapse_key="offer-7")
    await idle(carrier)
    await receive(world, message, ReceiptKind.DELIVERED)
    await service.withdraw(ids=[message.id], now=world.clock.now())
    await idle(carrier)
    assert [title for _, title in await shown_on(browsers)] == ["烟雾报警", "已结束"]


async def test_what_a_provider_took_after_the_end_is_replaced_too(world: World) -> None:
    browsers = web()
    browsers.go_on.clear()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await a_device(world, "https://fcm.googleapis.com/one")
    message = await say(world, collapse_key="offer-7")
    await carrier.launch()
    await asyncio.wait_for(browsers.arrived.wait(), 10)
    await service.withdraw(ids=[message.id], now=world.clock.now())
    browsers.go_on.set()
    await carrier.drain()
    await idle(carrier)
    assert [title for _, title in await shown_on(browsers)] == ["烟雾报警", "已结束"]


async def test_sent_delivered_seen_and_acted_are_four_things_with_their_times(
    world: World,
) -> None:
    message = await say(world)
    await idle(Carrier(world.ctx, (FakeDoor(),)))
    for kind in ReceiptKind:
        world.clock.forward(seconds=1)
        await receive(world, message, kind)
    line = await line_of(message)
    assert [each.outcome for each in line.deliveries] == ["sent"]
    assert [(each.kind, each.source, each.door) for each in line.receipts] == [
        ("delivered", "device", "live"),
        ("seen", "device", "live"),
        ("acted", "device", "live"),
    ]
    times = [line.deliveries[0].ended_at, *(each.at for each in line.receipts)]
    assert times == [message.sent_at + timedelta(seconds=n) for n in range(4)]
    assert (line.ended, line.ended_at) == ("acknowledged", times[-1])
    assert line.ladder


# --- dead letters ----------------------------------------------------------------------------


async def dead(world: World, **changes: Any) -> Message:
    """A message that no door ever took."""
    refusing = web()
    refusing.result = Result(Outcome.REJECTED, None, "413")
    carrier = Carrier(world.ctx, (world.ctx.live, refusing))
    await browser_of(world, WANG)
    message = await say(world, **changes)
    await idle(carrier)
    world.clock.forward(seconds=message.ttl_s)
    await idle(carrier)
    return message


async def test_what_no_door_ever_took_is_a_dead_letter_with_its_last_error(world: World) -> None:
    message = await dead(world, actions=())
    (letter,) = await ledger.dead_letters()
    assert (letter.message_id, letter.address) == (message.id, WANG)
    assert letter.last_error in ("live: not-connected", "webpush: 413")
    assert letter.attempts >= 2
    assert letter.may_requeue


async def test_what_was_handed_over_and_not_answered_is_no_dead_letter(world: World) -> None:
    message = await say(world)
    carrier = Carrier(world.ctx, (FakeDoor(),))
    await idle(carrier)
    world.clock.forward(seconds=25)
    await idle(carrier)
    assert (await line_of(message)).ended == "expired"
    assert await ledger.dead_letters() == []


async def test_a_dead_letter_goes_again_once_however_often_it_is_asked_for(world: World) -> None:
    message = await dead(world, actions=())
    who = uuid7()
    asked = [
        await ledger.requeue(
            message.id, actor=who, role="technician", reason="修好了", now=world.clock.now()
        )
        for _ in range(2)
    ]
    assert asked[0] is not None
    assert asked[0] == asked[1]
    live = FakeDoor()
    await idle(Carrier(world.ctx, (live,)))
    assert live.ids == [asked[0]]
    (letter,) = await ledger.dead_letters()
    assert (letter.requeued_as, letter.may_requeue) == (asked[0], False)
    again = (await ledger.of_messages([asked[0]]))[0]
    assert again.expires_at > world.clock.now()


async def test_a_question_is_not_asked_again_from_the_dead_letters(world: World) -> None:
    message = await dead(world, actions=(Action(id="accept", label="我去"),))
    (letter,) = await ledger.dead_letters()
    assert not letter.may_requeue
    again = await ledger.requeue(
        message.id, actor=uuid7(), role="technician", reason="再试", now=world.clock.now()
    )
    assert again is None


# --- a storm becomes one list ----------------------------------------------------------------


async def storm(world: World, count: int, **changes: Any) -> list[Message]:
    fields: dict[str, Any] = {"urgency": Urgency.NORMAL, "actions": (), "ttl_s": 600, "data": {}}
    return [await say(world, title=f"{n} 号楼已回报", **(fields | changes)) for n in range(count)]


async def test_a_storm_to_one_person_becomes_one_list_and_each_item_keeps_its_line(
    world: World,
) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    news = await storm(world, 16)
    await idle(carrier)
    assert len(live.sent) == 4
    world.clock.forward(seconds=20)
    await idle(carrier)
    (told,) = [message for _, message in live.sent[4:]]
    assert told.title == "另有 12 条消息"
    assert told.body.splitlines() == [f"{n} 号楼已回报" for n in range(4, 16)]
    await receive(world, told, ReceiptKind.SEEN)
    lines = await ledger.of_messages([each.id for each in news])
    assert [line.ended for line in lines][4:] == ["bundled"] * 12
    assert {line.digest_id for line in lines[4:]} == {told.id}
    assert [(r.kind, r.source) for r in lines[-1].receipts] == [("seen", "digest")]


@pytest.mark.parametrize(
    "changes",
    [
        {"urgency": Urgency.EMERGENCY},
        {"urgency": Urgency.HIGH, "actions": (Action(id="accept", label="我去"),)},
        {"handling": Handling.TEST},
    ],
)
async def test_alarms_offers_and_checks_are_never_gathered(
    world: World, changes: dict[str, Any]
) -> None:
    live = FakeDoor()
    await storm(world, 20, **changes)
    await idle(Carrier(world.ctx, (live,)))
    assert len(live.sent) == 20


async def test_many_people_told_at_once_are_told_one_by_one(world: World) -> None:
    live = FakeDoor()
    now = world.clock.now()
    letters = [
        Letter(
            message=a_message(id=uuid7(), sent_at=now, actions=(), urgency=Urgency.NORMAL),
            address=f"household:{n % 30}",
            incident_id=INCIDENT,
        )
        for n in range(90)
    ]
    assert await service.enqueue_all(letters) == 90
    assert await service.enqueue_all(letters) == 0, "the same ids again"
    await idle(Carrier(world.ctx, (live,)))
    assert len(live.sent) == 90


async def test_what_is_withdrawn_before_the_list_leaves_is_not_in_it(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    news = await storm(world, 6)
    await service.withdraw(ids=[news[4].id])
    assert (await line_of(news[4])).ended == "withdrawn"
    world.clock.forward(seconds=20)
    await idle(carrier)
    assert live.sent[-1][1].body == "5 号楼已回报"
    more = await storm(world, 1)
    old, new = live.sent[-1][1].id, (await line_of(more[0])).digest_id
    assert new not in (None, old), "a list that has left takes nothing more in"


# --- providers and tokens --------------------------------------------------------------------


async def test_a_provider_that_fails_is_seen_by_everybody_and_another_one_is_not_blamed(
    world: World,
) -> None:
    browsers = web()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    browsers.result = Result(Outcome.RETRY, 90.0, "503")
    await a_device(world, "https://fcm.googleapis.com/one")
    await say(world)
    await idle(carrier)
    (state,) = await ledger.providers(now=world.clock.now())
    assert (state.name, state.last_code) == ("webpush:fcm.googleapis.com", "503")
    assert state.open_until == world.clock.now() + timedelta(seconds=90)
    browsers.result = Result(Outcome.SENT, None, "201")
    await a_device(world, "https://updates.push.services.mozilla.com/two", LI)
    await say(world, LI)
    asked = len(browsers.sent)
    await idle(carrier)
    assert len(browsers.sent) == asked + 1


async def test_after_its_pause_one_message_tries_a_provider_and_the_rest_waits(
    world: World,
) -> None:
    browsers = web()
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    browsers.result = Result(Outcome.RETRY, None, "500")
    people = [f"household:{n}" for n in range(FAILURES + 2)]
    for person in people:
        await a_device(world, f"https://fcm.googleapis.com/{person}", person)
        await say(world, person, ttl_s=600)
    await idle(carrier)
    failed = len(browsers.sent)
    browsers.go_on.clear()
    world.clock.forward(seconds=15)
    while await carrier.launch():
        await asyncio.sleep(0)
    await asyncio.wait_for(browsers.arrived.wait(), 10)
    assert len(browsers.sent) == failed + 1
    browsers.go_on.set()
    await carrier.drain()


async def test_a_lost_phone_is_pushed_to_no_more_and_the_others_are(world: World) -> None:
    await a_device(world, "https://fcm.googleapis.com/lost")
    await a_device(world, "https://fcm.googleapis.com/kept")
    closed = await tokens.close(
        WANG,
        why="phone-lost",
        actor=uuid7(),
        role="technician",
        now=world.clock.now(),
        device_id="https://fcm.googleapis.com/lost",
    )
    assert closed == 1
    browsers = web()
    await say(world)
    await idle(Carrier(world.ctx, (world.ctx.live, browsers)))
    ((to, _),) = browsers.sent
    assert "kept" in to
    told = {token.device_id[-4:]: token for token in await tokens.of_address(WANG)}
    assert (told["lost"].gone_why, told["kept"].gone_why) == ("phone-lost", None)
    assert told["kept"].accepted_at == world.clock.now()


async def test_a_token_its_provider_gave_up_says_so_and_lives_again_when_it_comes_again(
    world: World,
) -> None:
    browsers = web()
    browsers.result = Result(Outcome.FORGET_DEVICE, None, "410")
    carrier = Carrier(world.ctx, (browsers,))
    await a_device(world, "https://fcm.googleapis.com/one")
    await say(world)
    await idle(carrier)
    (token,) = await tokens.of_address(WANG)
    assert token.gone_why == "provider"
    await a_device(world, "https://fcm.googleapis.com/one")
    (token,) = await tokens.of_address(WANG)
    assert (token.gone_at, token.gone_why) == (None, None)


async def test_a_closed_account_is_pushed_to_no_more_unless_its_person_has_another(
    world: World,
) -> None:
    gone, kept = uuid7(), uuid7()
    await world.account("field", login="gone", staff_id=gone)
    await world.account("field", login="old", staff_id=kept)
    await world.account("field", login="new", staff_id=kept)
    for person in (gone, kept):
        await a_device(world, f"https://fcm.googleapis.com/{person}", f"staff:{person}")
    for login in ("gone", "old"):
        await accounts.disable(login, actor="test", at=world.clock.now())
    await Worker(world.ctx).step_closed()
    (closed,) = await tokens.of_address(f"staff:{gone}")
    (open_still,) = await tokens.of_address(f"staff:{kept}")
    assert (closed.gone_why, open_still.gone_why) == ("account-closed", None)
