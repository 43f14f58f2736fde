"""Cards and equipment as the manager edits them: proposed by one, approved by another."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.incidents import card_sets
from backend.incidents.card_sets import CardSet
from backend.incidents.card_words import CardWords
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]
APPROVERS = ("manager", "desk_lead")


class Cards(msgspec.Struct, frozen=True, kw_only=True):
    """``current`` is the version in force, ``words`` its wording."""

    current: int
    words: CardWords
    sets: list[CardSet]


class Proposal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    based_on: int
    words: CardWords
    note: Annotated[str, Meta(min_length=1, max_length=300)]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    version: int


class Why(msgspec.Struct, frozen=True, kw_only=True):
    why: Annotated[str, Meta(min_length=1, max_length=300)]


@get("/api/cards", guards=[requires(*APPROVERS)], operation_id="Cards")
async def cards() -> Cards:
    """The wording in force and every version before and beside it."""
    current = await card_sets.in_force()
    return Cards(
        current=current, words=await card_sets.words_of(current), sets=await card_sets.sets()
    )


@get("/api/cards/{version:int}", guards=[requires(*APPROVERS)], operation_id="CardVersion")
async def one(version: FromPath[int]) -> CardWords:
    """The wording of one version, to be read before it is approved."""
    return await card_sets.words_of(version)


@post("/api/cards", status_code=201, guards=[requires("manager")], operation_id="ProposeCards")
async def propose(request: AnyRequest, data: JSONBody[Proposal], ctx: Ctx) -> Proposed:
    """A new wording, waiting for somebody else."""
    version = await card_sets.propose(
        data.words,
        based_on=data.based_on,
        note=data.note,
        by=request.user.account_id,
        name=request.user.name,
        role=request.user.role,
        at=ctx.clock.now(),
    )
    return Proposed(version=version)


@post("/api/cards/{version:int}/approve", status_code=204, guards=[requires(*APPROVERS)],
      operation_id="ApproveCards")  # fmt: skip
async def approve(request: AnyRequest, version: FromPath[int], ctx: Ctx) -> None:
    """In force from now on; what an open incident had is still served for it by name."""
    user = request.user
    await card_sets.approve(
        version, by=user.account_id, name=user.name, role=user.role, at=ctx.clock.now()
    )


@post("/api/cards/{version:int}/decline", status_code=204, guards=[requires(*APPROVERS)],
      operation_id="DeclineCards")  # fmt: skip
async def decline(
    request: AnyRequest, version: FromPath[int], data: JSONBody[Why], ctx: Ctx
) -> None:
    """Put away, with a reason."""
    user = request.user
    await card_sets.decline(
        version, data.why, by=user.account_id, name=user.name, role=user.role, at=ctx.clock.now()
    )


ROUTES = [cards, one, propose, approve, decline]
