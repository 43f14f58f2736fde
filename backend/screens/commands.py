"""The one way in for everything that people do: a batch of commands, an answer for each."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.params import FromPath, JSONBody

from backend.access import links
from backend.access.guards import signed_in
from backend.access.principal import Principal
from backend.access.problems import SomebodyElse
from backend.incidents import journal
from backend.incidents.flow.commands import name_of
from backend.incidents.flow.facts import refuse
from backend.incidents.flow.vocabulary import Actor, Role
from backend.incidents.schemas import Answer, Answers, Batch, Envelope, Named
from backend.incidents.service import refused
from backend.offices import service as offices
from backend.screens.actors import actor_of, household_actor, office_actor
from backend.screens.services import Services
from backend.shared.context import Context, Ctx
from backend.shared.problems import Malformed
from backend.staff import phones
from backend.staff.signing import signed_by

WHOSE = "X-Jiean-Account"


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
    for sent in data.commands:
        envelope = _read(sent)
        if isinstance(envelope, Answer):
            at_once.append(envelope)
            continue
        actor = actor_of(principal, envelope.command)
        key = keys.get(envelope.device_id or "") if actor.role is Role.FIELD else None
        if key is not None and not signed_by(key, sent):
            at_once.append(await _unsigned(envelope, actor, ctx))
            continue
        heard.append((envelope, actor))
    return _in_order(data, at_once, await services.incidents.submit_all(heard, source="app"))


def _in_order(data: Batch, *found: Sequence[Answer]) -> Answers:
    """The answers as their commands came."""
    place = {str(sent["commandId"]).lower(): n for n, sent in enumerate(data.commands)}
    answers = [answer for some in found for answer in some]
    return Answers(answers=sorted(answers, key=lambda a: place.get(str(a.command_id), 0)))


async def _unsigned(envelope: Envelope, actor: Actor, ctx: Context) -> Answer:
    """The refusal of a command that its phone did not sign; not kept as that command's answer."""
    await phones.refused(
        envelope.incident_id,
        device_id=envelope.device_id,
        command=name_of(envelope.command),
        actor=actor.id,
        role=actor.role,
        at=ctx.clock.now(),
    )
    return refused(envelope.command_id, refuse("signature"), 0)


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


ROUTES = [send, send_by_link]
