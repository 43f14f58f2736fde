"""The rules of alarms: seen by who keeps detectors, proposed by one person, in force by another."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.devices import service as devices
from backend.screens.services import Services
from backend.sensing import rulebook
from backend.sensing.changes import Change
from backend.sensing.rule import Form, Of, Rule, Stage
from backend.sensing.rule_faults import GAS_MOST, LIFE_DELAY_S, Fault, faults
from backend.sensing.rules import GROUPS, SCOPED
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]
SEE = ("manager", "desk_lead", "technician")
PROPOSE = ("manager", "technician")
APPROVE = ("manager", "desk_lead")


class RuleView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the program's own rules; what a version changes stands beside it."""

    code: str
    kind: str
    quantity: str
    form: Form
    of: Of
    stage: Stage
    unit: str | None
    raise_at: float
    clear_at: float
    on_delay_s: float
    night_on_delay_s: float | None
    off_delay_s: float
    normals: int
    times: int
    window_s: float
    least: float
    learn_s: float
    any_kind: bool
    off: bool
    ours: bool
    source: str


class RulesPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``rules`` are the program's own, ``given`` its own changes for groups, ``changes`` those of
    the version in force; ``names`` are the labels of detectors that have changes of their own."""

    version: int
    rules: list[RuleView]
    given: tuple[Change, ...]
    changes: tuple[Change, ...]
    groups: dict[str, str]
    sets: list[rulebook.RuleSet]
    names: dict[UUID, str]
    life_delay_s: float = LIFE_DELAY_S
    gas_most: float = GAS_MOST


class Proposal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All changes that shall hold against the program's own numbers, also those that held."""

    based_on: int
    changes: tuple[Change, ...]
    note: Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a draft; empty when it can be proposed."""

    faults: list[Fault]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class Why(msgspec.Struct, frozen=True, kw_only=True):
    why: Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]


@get("/api/rules", guards=[requires(*SEE)], operation_id="Rules")
async def page(services: Services) -> RulesPage:
    """Every rule, the version in force, and every version before and beside it."""
    every = await rulebook.sets()
    version, changes = await rulebook.in_force()
    named = {c.detector for one in every for c in one.changes}
    places = await devices.places_of([one for one in named if one is not None])
    return RulesPage(
        version=version,
        rules=[_view(rule) for rule in services.rules.rules],
        given=SCOPED,
        changes=changes,
        groups=GROUPS,
        sets=every,
        names={one: place.label for one, place in places.items()},
    )


def _view(rule: Rule) -> RuleView:
    return RuleView(**{name: getattr(rule, name) for name in RuleView.__struct_fields__})


@get("/api/rules/{version:int}", guards=[requires(*SEE)], operation_id="RulesThen")
async def then(version: FromPath[int]) -> list[dict[str, Any]]:
    """Every rule of the installation as it was in a version."""
    return await rulebook.rules_then(version)


@post("/api/rules/check", status_code=200, guards=[requires(*PROPOSE)], operation_id="CheckRules")
async def check(data: JSONBody[Proposal], services: Services) -> Checked:
    """What is wrong with a draft, before anybody else sees it. Changes nothing."""
    return Checked(faults=faults(services.rules.rules, data.changes))


@post("/api/rules", status_code=201, guards=[requires(*PROPOSE)], operation_id="ProposeRules")
async def propose(
    request: AnyRequest, data: JSONBody[Proposal], services: Services, ctx: Ctx
) -> Proposed:
    """A new version, waiting for somebody else."""
    user = request.user
    version = await rulebook.propose(
        services.rules.rules, data.changes, based_on=data.based_on, note=data.note.strip(),
        by=user.account_id, name=user.name, role=user.role, at=ctx.clock.now(),
    )  # fmt: skip
    return Proposed(version=version)


@post("/api/rules/{version:int}/approve", status_code=204, guards=[requires(*APPROVE)],
      operation_id="ApproveRules")  # fmt: skip
async def approve(request: AnyRequest, version: FromPath[int], ctx: Ctx) -> None:
    """In force from now on, for every reading that comes; alarms that are on stay on."""
    user = request.user
    await rulebook.approve(
        version, by=user.account_id, name=user.name, role=user.role, at=ctx.clock.now()
    )


@post("/api/rules/{version:int}/decline", status_code=204, guards=[requires(*APPROVE, *PROPOSE)],
      operation_id="DeclineRules")  # fmt: skip
async def decline(
    request: AnyRequest, version: FromPath[int], data: JSONBody[Why], ctx: Ctx
) -> None:
    """Put away, with a reason."""
    user = request.user
    await rulebook.decline(
        version, data.why.strip(), by=user.account_id, name=user.name, role=user.role,
        at=ctx.clock.now(),
    )  # fmt: skip


ROUTES = [page, then, check, propose, approve, decline]
