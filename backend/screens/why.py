"""为什么没收到: what became of each message, rung by rung, with the cause in one sentence.

Everybody may look at what was said to themselves; the lead, the manager and the technician at
all, with titles and names masked until they say why they need them.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from backend.access.guards import requires, signed_in
from backend.audit import service as audit
from backend.messages import addresses, ledger, upkeep
from backend.messages import person as devices
from backend.messages.doors import doors as doors_of
from backend.messages.jobs import Quiet
from backend.messages.schemas import Line
from backend.messages.upkeep import Extra
from backend.offices import service as offices
from backend.reach.flow import why
from backend.reach.flow.why import Attempt, Cause, Rung
from backend.residents import service as residents
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound
from backend.staff import service as staff
from push.message import Handling, Urgency
from push.port import Outcome, ReceiptKind

AnyRequest = Request[Any, Any, Any]
OVERSEERS = ("desk_lead", "technician", "manager")
BACK = timedelta(days=2)
MOST = 60


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt, at the server's time."""

    kind: str
    at: datetime
    door: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message: why it did not come, or that it did, and every way that it had.

    ``to`` and ``title`` are the person and the words, or what of them a locked screen shows.
    """

    message_id: UUID
    to: str
    title: str
    masked: bool
    urgency: Urgency | None
    handling: Handling | None
    sent_at: datetime
    expires_at: datetime
    ended: str | None
    cause: Cause
    rungs: tuple[Rung, ...]
    receipts: list[Came]


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody looks, tries again or gives up."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


@get("/api/my/messages", guards=[signed_in], operation_id="MyMessages")
async def mine(request: AnyRequest, ctx: Ctx) -> list[Told]:
    """What was said to me in the last two days, newest first, and what became of it."""
    address = addresses.address_of(request.user)
    lines = await ledger.of_address(address, since=ctx.clock.now() - BACK, limit=MOST)
    return await told(lines, ctx, names={address: request.user.name})


@get("/api/messages", guards=[requires(*OVERSEERS)], operation_id="Messages")
async def all_messages(
    ctx: Ctx,
    staff_id: Annotated[UUID | None, QueryParameter(name="staff")] = None,
    failed: Annotated[bool, QueryParameter(name="failed")] = False,
) -> list[Told]:
    """What was said to one member of staff, or to everybody; ``failed``: what did not come."""
    since = ctx.clock.now() - BACK
    if staff_id is not None:
        lines = await ledger.of_address(addresses.staff(staff_id), since=since, limit=MOST)
    else:
        ids = await upkeep.recent(since=since, failed=failed, at_most=MOST)
        lines = (await ledger.of_messages(ids))[::-1]
    return await told(lines, ctx, names=None)


@post("/api/messages/{message_id:uuid}/look", status_code=200, guards=[requires(*OVERSEERS)],
      operation_id="LookAtMessage")  # fmt: skip
async def look(
    request: AnyRequest, message_id: FromPath[UUID], data: JSONBody[Reason], ctx: Ctx
) -> Told:
    """One message in its own words. Who looks, and why, is written down."""
    lines = await ledger.of_messages([message_id])
    if not lines:
        raise NotFound("没有这条消息 No such message")
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS,
            actor=request.user.account_id,
            role=request.user.role,
            action="messages.looked_at",
            subject=message_id,
            reason=data.reason,
            at=ctx.clock.now(),
        )
    names = await names_of([lines[0].address], masked=False)
    return (await told(lines, ctx, names=names))[0]


async def names_of(given: list[str], *, masked: bool) -> dict[str, str]:
    """Whom each address is, as a person says it; staff by badge while masked."""
    ids = {found: each for each in given if (found := addresses.staff_id_of(each)) is not None}
    people = await staff.people(list(ids))
    names = {ids[who]: badge if masked else name for who, (name, badge) in people.items()}
    kinds = {"household": "住户", "office": "单位", "account": "账户", "report": "报告链接"}
    for each in given:
        kind, _, key = each.partition(":")
        names.setdefault(each, f"{kinds.get(kind, kind)} …{key[-4:]}")
    return names


async def told(lines: list[Line], ctx: Context, *, names: dict[str, str] | None) -> list[Told]:
    """Lines of the ledger with their causes; ``names`` None: masked."""
    more = await upkeep.extras([line.message_id for line in lines])
    people = list({line.address for line in lines})
    has = await _doors(people)
    shown = names or await names_of(people, masked=True)
    opened = frozenset(door.name for door in doors_of(ctx))
    off = await _on_duty_since(people, ctx.clock.now())
    found = []
    for line in lines:
        extra = more.get(line.message_id)
        if extra is None or extra.kind == "over":
            continue  # what only replaces another on a screen is no news to anybody
        facts = _facts(line, extra, ctx, has=has.get(line.address, frozenset()), opened=opened)
        since = off.get(line.address, line.created_at)
        facts = msgspec.structs.replace(facts, off_duty=since is None or since > line.created_at)
        found.append(
            Told(
                message_id=line.message_id,
                to=shown.get(line.address, ""),
                title=line.title if names else extra.lock_title,
                masked=names is None,
                urgency=line.urgency,
                handling=line.handling,
                sent_at=line.created_at,
                expires_at=line.expires_at,
                ended=line.ended,
                cause=why.cause(facts),
                rungs=why.rungs(facts),
                receipts=[
                    Came(kind=each.kind, at=each.received_at, door=each.door)
                    for each in line.receipts
                ],
            )
        )
    return found


def _facts(
    line: Line, extra: Extra, ctx: Context, *, has: frozenset[str], opened: frozenset[str]
) -> why.Facts:
    settings = ctx.settings
    quiet = Quiet(
        zone=ZoneInfo(settings.service.timezone),
        from_hour=settings.push.quiet_from,
        to_hour=settings.push.quiet_to,
    )
    return why.Facts(
        audience=extra.audience,
        urgency=line.urgency or Urgency.NORMAL,
        handling=line.handling or Handling.ACTUAL,
        sent_at=line.created_at,
        expires_at=line.expires_at,
        ended=line.ended,
        ended_at=line.ended_at,
        attempts=[
            Attempt(
                door=each.door,
                at=each.at,
                ended_at=each.ended_at,
                outcome=None if each.outcome is None else Outcome(each.outcome),
                code=each.code,
            )
            for each in line.deliveries
        ],
        receipts=[
            why.Receipt(kind=ReceiptKind(each.kind), received_at=each.received_at, door=each.door)
            for each in line.receipts
        ],
        only=extra.only,
        has=has,
        opened=opened,
        quiet_until=quiet.until(extra.audience, line.created_at),
        now=ctx.clock.now(),
    )


async def _on_duty_since(people: list[str], now: datetime) -> dict[str, datetime | None]:
    """Of staff: since when they are on duty, None off duty; others are not in it."""
    ids = [found for each in people if (found := addresses.staff_id_of(each)) is not None]
    duty = {one.person_id: one.on_since for one in await staff.on_duty_people(now)}
    return {addresses.staff(each): duty.get(each) for each in ids}


async def _doors(people: list[str]) -> dict[str, frozenset[str]]:
    """Each address's doors with a token or a number now."""
    tokens = await devices.doors_of(people)
    found = {each: set(tokens.get(each, ())) for each in people}
    for kind, ask in (
        ("staff", _numbers),
        ("household", residents.ways),
        ("office", offices.ways),
    ):
        ids = {UUID(key): each for each in people if (key := each.removeprefix(f"{kind}:")) != each}
        for who, ways in (await ask(list(ids))).items() if ids else ():
            found[ids[who]] |= set(ways)
    return {each: frozenset(doors) for each, doors in found.items()}


async def _numbers(ids: list[UUID]) -> dict[UUID, dict[str, str]]:
    found = await staff.telephones(ids)
    return {each: {"sms": number, "voice": number} for each, number in found.items() if number}


ROUTES = [mine, all_messages, look]
