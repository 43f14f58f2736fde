"""The one way in for everything that people do: a batch of commands, an answer for each."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.params import FromPath, JSONBody

from backend.access import accounts, links
from backend.access.guards import signed_in
from backend.access.principal import Principal
from backend.access.problems import NotSignedIn, SomebodyElse
from backend.incidents import journal
from backend.incidents.flow.commands import name_of
from backend.incidents.flow.facts import refuse
from backend.incidents.flow.vocabulary import Actor, Role
from backend.incidents.schemas import Answer, Answers, Batch, Envelope, Named
from backend.incidents.service import refused, said_at
from backend.offices import service as offices
from backend.screens import inspection_steps
from backend.screens.actors import actor_of, household_actor, office_actor
from backend.screens.services import Services
from backend.shared.context import Context, Ctx
from backend.shared.problems import Malformed
from backend.staff import phones
from backend.staff.schemas import PublicKey
from backend.staff.signing import signed_by

WHOSE = "X-Jiean-Account"
DISABLED = "disabled"
"""The journal's mark on what somebody said before their account was closed, heard after it."""


@post("/api/commands", status_code=200, guards=[signed_in], operation_id="SendCommands")
async def send(
    request: Request[Any, Any, Any], data: JSONBody[Batch], ctx: Ctx, services: Services
) -> Answers:
    """Handle commands in the order given. A refusal is an answer, not an error.

    ``X-Jiean-Account`` says who said them, where a phone kept them: should somebody else have
    signed in on it meanwhile, they wait for their own.
    """
    principal: Principal = request.user
    if request.headers.get(WHOSE, str(principal.account_id)) != str(principal.account_id):
        raise SomebodyElse("这些是另一个人说的 These were said by somebody else")
    keys = await phones.keys_of(principal.staff_id)
    at_once: list[Answer] = []
    heard: list[tuple[Envelope, Actor]] = []
    steps: list[dict[str, Any]] = []
    for sent in data.commands:
        if inspection_steps.is_step(sent):
            steps.append(sent)
            continue
        envelope = _read(sent)
        if isinstance(envelope, Answer):
            at_once.append(envelope)
            continue
        actor = actor_of(principal, envelope.command)
        key = keys.get(envelope.device_id or "") if actor.role is Role.FIELD else None
        if key is not None and not signed_by(key, sent):
            at_once.append(await _turned_away(envelope, actor, ctx, "signature"))
            continue
        heard.append((envelope, actor))
    answers = await services.incidents.submit_all(heard, source="app")
    return _in_order(data, at_once, answers, await inspection_steps.take_all(steps, principal, ctx))


def _in_order(data: Batch, *found: Sequence[Answer]) -> Answers:
    """The answers as their commands came."""
    place = {str(sent["commandId"]).lower(): n for n, sent in enumerate(data.commands)}
    answers = [answer for some in found for answer in some]
    return Answers(answers=sorted(answers, key=lambda a: place.get(str(a.command_id), 0)))


async def _turned_away(envelope: Envelope, actor: Actor, ctx: Context, why: str) -> Answer:
    """The refusal of a command that is not looked at; not kept as that command's answer."""
    await phones.refused(
        envelope.incident_id,
        device_id=envelope.device_id,
        command=name_of(envelope.command),
        actor=actor.id,
        role=actor.role,
        at=ctx.clock.now(),
        why=why,
    )
    return refused(envelope.command_id, refuse(why), 0)


@post("/api/phone/commands", status_code=200, operation_id="SendCommandsOfClosedAccount")
async def send_last(data: JSONBody[Batch], ctx: Ctx, services: Services) -> Answers:
    """What a phone still keeps of somebody whose account was closed meanwhile (lifecycle 8.10).

    There is no session any more: the phone's signature says who it was. What was said before the
    closing counts as it would have, and is marked; what was said later is refused.

    Raises:
        NotSignedIn: it is not such a phone; people with an open account sign in.
    """
    closed, key = await _closed_holder(data)
    at_once: list[Answer] = []
    heard: list[tuple[Envelope, Actor]] = []
    for sent in data.commands:
        envelope = _read(sent)
        if isinstance(envelope, Answer):
            at_once.append(envelope)
            continue
        actor = actor_of(closed.who, envelope.command)
        if not signed_by(key, sent):
            at_once.append(await _turned_away(envelope, actor, ctx, "signature"))
        elif said_at(envelope, ctx.clock.now()) >= closed.disabled_at:
            at_once.append(await _turned_away(envelope, actor, ctx, "disabled"))
        else:
            heard.append((envelope, actor))
    return _in_order(data, at_once, await services.incidents.submit_all(heard, source=DISABLED))


async def _closed_holder(data: Batch) -> tuple[accounts.Closed, PublicKey]:
    """Whose phone sent this: the holder who signed the first of the commands."""
    for sent in data.commands[:1]:
        for person_id, key in (await phones.holders_of(str(sent.get("deviceId")))).items():
            closed = await accounts.closed_of(person_id) if signed_by(key, sent) else None
            if closed is not None:
                return closed, key
    raise NotSignedIn("请先登录 Sign in first")


@post("/api/link/{token:str}/commands", status_code=200, operation_id="SendCommandsByLink")
async def send_by_link(
    token: FromPath[str], data: JSONBody[Batch], ctx: Ctx, services: Services
) -> Answers:
    """The same for a household or a one-report link: only about their own incidents."""
    link = await links.resolve(token, at=ctx.clock.now())
    at_once: list[Answer] = []
    heard: list[tuple[Envelope, Actor]] = []
    for sent in data.commands:
        envelope = _read(sent)
        if isinstance(envelope, Answer):
            at_once.append(envelope)
            continue
        actor = await _actor(link, envelope)
        if actor is None:
            at_once.append(refused(envelope.command_id, refuse("not_your_role"), 0))
            continue
        heard.append((envelope, actor))
    return _in_order(data, at_once, await services.incidents.submit_all(heard, source="link"))


def _read(sent: dict[str, Any]) -> Envelope | Answer:
    """One envelope, or the refusal that tells its sender what is wrong with it.

    Raises:
        Malformed: not even its ``commandId`` can be read, so no answer could name it.
    """
    try:
        return msgspec.convert(sent, Envelope)
    except msgspec.ValidationError as wrong:
        try:
            command_id = msgspec.convert(sent, Named).command_id
        except msgspec.ValidationError as unnamed:
            raise Malformed(str(unnamed)) from unnamed
        return refused(command_id, refuse("malformed", str(wrong)), 0)


async def _actor(link: links.Link, envelope: Envelope) -> Actor | None:
    """Who the link's holder is in this incident; None when it is not theirs."""
    if link.purpose == "household":
        own = await _is_home(envelope.incident_id, link.subject_id)
        return household_actor(link.subject_id) if own else None
    report = await offices.report_view(link.subject_id)
    if report is None or report.incident_id != envelope.incident_id:
        return None
    named = getattr(envelope.command, "report_id", link.subject_id)
    if named != link.subject_id:
        return None
    return office_actor(report.office.id, report.office.name)


async def _is_home(incident_id: UUID, household_id: UUID) -> bool:
    now = await journal.load(incident_id)
    return now.place.household_id == household_id


ROUTES = [send, send_by_link, send_last]
