"""Mapping templates on the technician's screen: written against real messages, put in force, ended.

Technicians change them; managers and desk leads see them. The messages themselves are only for
who writes templates, and reading them is put on record.
"""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from backend.access.guards import requires
from backend.sensing.adapters import topics
from backend.sensing.adapters.paths import FUNCTIONS
from backend.sensing.adapters.templates import BUILT_IN, Template
from backend.sensing.adapters.units import INTO
from backend.sensing.mapping import service
from backend.sensing.mapping.preview import Preview, fits, preview
from backend.sensing.mapping.service import Family, Listening, Raw, Summary, Version, Who
from backend.sensing.quantities import QUANTITIES
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]
SEE = ("manager", "desk_lead", "technician")
EDIT = ("technician",)
Why = Annotated[str, Meta(min_length=1, max_length=300)]
Topic = Annotated[str, Meta(max_length=200)]


class QuantityWords(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity: its kind, our unit, whether it is yes or no, and the makers' units we know."""

    kind: str
    unit: str | None
    boolean: bool
    units: list[str]


class Mappings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The list, what nobody reads, and what expressions and quantities there are."""

    templates: list[Summary]
    unread: list[Family]
    listening: list[Listening]
    quantities: dict[str, QuantityWords]
    functions: list[str]
    built_in: list[str]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    template: Template
    note: Annotated[str, Meta(max_length=300)] = ""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class OfVersion(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    why: Why


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    why: Why


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """``topic``: whose kept messages are tried; empty for the template's own."""

    template: Template
    topic: Topic = ""


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Zero minutes ends it."""

    topic: Topic
    minutes: Annotated[int, Meta(ge=0, le=30)]


VOCABULARY = {
    name: QuantityWords(
        kind=rule.kind,
        unit=rule.unit,
        boolean=rule.boolean,
        units=list(INTO.get(rule.unit or "", {})),
    )
    for name, rule in QUANTITIES.items()
}


def _who(request: AnyRequest, ctx: Any) -> Who:
    user = request.user
    return Who(account_id=user.account_id, name=user.name, role=user.role, at=ctx.clock.now())


@get("/api/mappings", guards=[requires(*SEE)], operation_id="Mappings")
async def mappings(ctx: Ctx) -> Mappings:
    """Every template with its day, and the topics whose messages nobody reads."""
    now = ctx.clock.now()
    return Mappings(
        templates=await service.templates(now),
        unread=await service.unread(now),
        listening=await service.listening(now),
        quantities=VOCABULARY,
        functions=sorted(FUNCTIONS),
        built_in=sorted(BUILT_IN),
    )


@get("/api/mappings/messages", guards=[requires(*EDIT)], operation_id="MappingMessages")
async def messages(request: AnyRequest, topic: FromQuery[Topic], ctx: Ctx) -> list[Raw]:
    """The newest kept messages on a topic or filter; looking at them is put on record."""
    return await service.messages(topic, _who(request, ctx))


@get("/api/mappings/{name:str}", guards=[requires(*SEE)], operation_id="MappingHistory")
async def history(name: FromPath[str]) -> list[Version]:
    """Every version of one template, newest first."""
    return await service.history(name)


@post("/api/mappings/preview", status_code=200, guards=[requires(*EDIT)],
      operation_id="PreviewMapping")  # fmt: skip
async def try_it(data: JSONBody[Try]) -> Preview:
    """What a template would say of the kept messages; nothing is changed."""
    topic = data.topic or data.template.topic
    if topics.faulty(topic):
        return preview(data.template, [])
    found = [sample for sample, _ in await service.samples(topic)]
    return await asyncio.to_thread(preview, data.template, fits(data.template, found))


@put("/api/mappings/draft", guards=[requires(*EDIT)], operation_id="SaveMapping")
async def save(request: AnyRequest, data: JSONBody[Draft], ctx: Ctx) -> Saved:
    """Keep a draft, finished or not."""
    return Saved(version=await service.save(data.template, data.note, _who(request, ctx)))


@post("/api/mappings/{name:str}/discard", status_code=204, guards=[requires(*EDIT)],
      operation_id="DiscardMapping")  # fmt: skip
async def discard(request: AnyRequest, name: FromPath[str], ctx: Ctx) -> None:
    """Put the draft away."""
    await service.discard(name, _who(request, ctx))


@post("/api/mappings/{name:str}/begin", status_code=204, guards=[requires(*EDIT)],
      operation_id="BeginMapping")  # fmt: skip
async def begin(
    request: AnyRequest, name: FromPath[str], data: JSONBody[OfVersion], ctx: Ctx
) -> None:
    """Put the draft in force, at once in every process that reads messages."""
    await service.begin(name, data.version, data.why, _who(request, ctx))


@post("/api/mappings/{name:str}/back", status_code=200, guards=[requires(*EDIT)],
      operation_id="RestoreMapping")  # fmt: skip
async def back(
    request: AnyRequest, name: FromPath[str], data: JSONBody[OfVersion], ctx: Ctx
) -> Saved:
    """Put a former version in force again, as a new one."""
    who = _who(request, ctx)
    return Saved(version=await service.go_back(name, data.version, data.why, who))


@post("/api/mappings/{name:str}/withdraw", status_code=204, guards=[requires(*EDIT)],
      operation_id="WithdrawMapping")  # fmt: skip
async def withdraw(
    request: AnyRequest, name: FromPath[str], data: JSONBody[Reason], ctx: Ctx
) -> None:
    """End what is in force."""
    await service.withdraw(name, data.why, _who(request, ctx))


@post("/api/mappings/listen", status_code=204, guards=[requires(*EDIT)],
      operation_id="ListenToTopic")  # fmt: skip
async def listen(request: AnyRequest, data: JSONBody[Listen], ctx: Ctx) -> None:
    """Listen to a topic for some minutes: its messages are shown and do nothing else."""
    await service.listen(
        data.topic,
        timedelta(minutes=data.minutes),
        _who(request, ctx),
        ctx.settings.mqtt.topics,
    )


ROUTES: list[ControllerRouterHandler] = [
    mappings, messages, history, try_it, save, discard, begin, back, withdraw, listen,
]  # fmt: skip
