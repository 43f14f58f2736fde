"""死信与通道: messages that no door took, and the providers behind the doors, for a technician."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from backend.access.guards import requires
from backend.messages import ledger, upkeep
from backend.messages.doors import doors as doors_of
from backend.reach import service as reach
from backend.reach.flow.door_words import answer
from backend.reach.flow.score import Said
from backend.screens.reach import DESKS
from backend.screens.why import OVERSEERS, Reason, names_of
from backend.shared.context import Ctx
from backend.shared.problems import NotFound
from push.port import Outcome

AnyRequest = Request[Any, Any, Any]
ANSWERS = timedelta(hours=24)
MOST = 100


class Letter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A dead letter: what (as a locked screen shows it), to whom (masked), and the last answer."""

    message_id: UUID
    to: str
    title: str
    urgency: str | None
    created_at: datetime
    dead_at: datetime
    last_error: Said
    attempts: int
    told_person: bool
    sent_again_as: UUID | None
    may_send_again: bool


class Breaker(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider as its nodes find it: the worst of them where there are several.

    ``state``: closed (in use), open (left alone until ``open_until``) or half_open (the next
    message is its test). Times in s, of the last 24 hours; None where nothing was sent.
    """

    provider: str
    state: str
    failures: int
    since: datetime | None
    open_until: datetime | None
    last_error: Said | None
    last_error_at: datetime | None
    attempts: int
    taken: int
    p50_s: float | None
    p99_s: float | None


class Providers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``opened``: the doors of this installation; in an exercise only the open screen."""

    now: datetime
    opened: list[str]
    providers: list[Breaker]


class Counts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the desk shows at its foot."""

    unreachable: int
    dead_letters: int
    open_breakers: int


@get("/api/dead-letters", guards=[requires(*OVERSEERS)], operation_id="DeadLetters")
async def letters() -> list[Letter]:
    """Messages that never left by any door, newest first."""
    found = await ledger.dead_letters(limit=MOST)
    names = await names_of(list({one.address for one in found}), masked=True)
    more = await upkeep.extras([one.message_id for one in found])
    return [
        Letter(
            message_id=one.message_id,
            to=names.get(one.address, ""),
            title=more[one.message_id].lock_title if one.message_id in more else "",
            urgency=one.urgency,
            created_at=one.created_at,
            dead_at=one.dead_at,
            last_error=_last_error(one.last_error),
            attempts=one.attempts,
            told_person=one.told_person,
            sent_again_as=one.requeued_as,
            may_send_again=one.may_requeue,
        )
        for one in found
    ]


LAST = {
    "nobody-tried": Said("没有发送过：后台没有运行", "never tried: the worker was not running"),
    "no-address": Said("没有可用的推送地址或号码", "no token or number"),
    "unreadable": Said("读不出这条消息", "the message cannot be read"),
}


def _last_error(text: str) -> Said:
    """``door: code`` or one of ``LAST``, in words."""
    if text in LAST:
        return LAST[text]
    door, _, code = text.partition(": ")
    found = answer(Outcome.RETRY, code)
    return Said(f"{door}：{found.zh}", f"{door}: {found.en}")


@post("/api/dead-letters/{message_id:uuid}/again", status_code=202,
      guards=[requires("technician", "desk_lead")], operation_id="SendAgain")  # fmt: skip
async def send_again(
    request: AnyRequest, message_id: FromPath[UUID], data: JSONBody[Reason], ctx: Ctx
) -> UUID:
    """Send it once more as a new message, once however often this is asked."""
    new = await ledger.requeue(
        message_id,
        actor=request.user.account_id,
        role=request.user.role,
        reason=data.reason,
        now=ctx.clock.now(),
    )
    if new is None:
        raise NotFound("没有可以重发的消息 No dead letter that may be sent again")
    return new


@post("/api/dead-letters/{message_id:uuid}/give-up", status_code=204,
      guards=[requires("technician", "desk_lead")], operation_id="GiveUp")  # fmt: skip
async def give_up(
    request: AnyRequest, message_id: FromPath[UUID], data: JSONBody[Reason], ctx: Ctx
) -> None:
    """Nobody sends it again; the reason is kept."""
    done = await upkeep.give_up(
        message_id,
        actor=request.user.account_id,
        role=request.user.role,
        reason=data.reason,
        at=ctx.clock.now(),
    )
    if not done:
        raise NotFound("没有这封死信 No such dead letter")


@get("/api/providers", guards=[requires(*OVERSEERS)], operation_id="Providers")
async def providers(ctx: Ctx) -> Providers:
    """Each provider's breaker and how it answered in the last 24 hours, those in trouble first."""
    now = ctx.clock.now()
    speeds = await upkeep.speeds(since=now - ANSWERS)
    states = {each.name: each for each in reversed(await ledger.providers(now=now))}
    found = []
    for name in speeds.keys() | states.keys():
        speed, kept = speeds.get(name), states.get(name)
        shut = kept is not None and kept.open_until is not None
        waits = kept is not None and kept.open_until is not None and kept.open_until > now
        code = kept.last_code if shut and kept else speed.last_error if speed else None
        found.append(
            Breaker(
                provider=name,
                state="open" if waits else "half_open" if shut else "closed",
                failures=kept.failures if kept else 0,
                since=kept.changed_at if kept and shut else None,
                open_until=kept.open_until if kept and waits else None,
                last_error=answer(Outcome.RETRY, code) if code else None,
                last_error_at=speed.last_error_at if speed else None,
                attempts=speed.attempts if speed else 0,
                taken=speed.taken if speed else 0,
                p50_s=speed.p50_s if speed else None,
                p99_s=speed.p99_s if speed else None,
            )
        )
    order = ("open", "half_open", "closed")
    return Providers(
        now=now,
        opened=[door.name for door in doors_of(ctx)],
        providers=sorted(found, key=lambda one: (order.index(one.state), one.provider)),
    )


@post("/api/providers/{provider:str}/try", status_code=204,
      guards=[requires("technician", "desk_lead")], operation_id="TryProvider")  # fmt: skip
async def try_provider(request: AnyRequest, provider: FromPath[str], ctx: Ctx) -> None:
    """The next message goes to it at once, as its test, instead of when its pause is over."""
    now = ctx.clock.now()
    if provider not in {each.name for each in await ledger.providers(now=now)}:
        raise NotFound("没有这个通道 No such provider")
    await upkeep.try_again(provider, actor=request.user.account_id, role=request.user.role, at=now)


@get("/api/reach/counts", guards=[requires(*DESKS)], operation_id="ReachCounts")
async def counts(ctx: Ctx) -> Counts:
    """How many people cannot be reached, letters are dead, providers are left alone."""
    now = ctx.clock.now()
    states = await ledger.providers(now=now)
    return Counts(
        unreachable=len(await reach.unreachable()),
        dead_letters=await upkeep.waiting_letters(),
        open_breakers=len({one.name for one in states if one.open_until and one.open_until > now}),
    )


ROUTES = [letters, send_again, give_up, providers, try_provider, counts]
