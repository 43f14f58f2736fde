"""Moving up: an area left empty by an incident is seen, the desk lead asked, the person told."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from backend.access import accounts
from backend.access.guards import requires
from backend.devices import service as devices
from backend.dispatch import service as moves
from backend.dispatch.flow.moving_up import COVERED, Area, End, Propose, Standing, review
from backend.dispatch.schemas import Move, MoveAnswer
from backend.finding import Finding
from backend.messages import addresses
from backend.messages import service as messages
from backend.screens.services import Services
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from push.message import Audience, Handling, Message, Urgency

NAMED_WITHIN_M = 200.0
MOVE_TTL_S = 1800
LEADS = ("desk_lead",)


class MovingUp:
    """Looks at the areas; holds nothing."""

    def __init__(self, ctx: Context, finding: Finding) -> None:
        self.ctx = ctx
        self.finding = finding

    async def look(self) -> bool:
        """Propose for every area left empty, end what is covered again; whether anything changed.

        Any number of nodes may look; one at a time does.
        """
        cover_m = self.ctx.settings.dispatch.cover_m
        at = self.ctx.clock.now()
        if not cover_m:
            return False
        async with OPERATIONS.transaction():
            if not await moves.alone():
                return False
            members = await self.finding.members(at)
            standing = await moves.standing()
            if not standing and all(one.on is None for one in members):
                return False
            posts = {one.area: one.person.post for one in members if one.area and one.person.post}
            steps = review(
                [Area(key=key, centre=post) for key, post in posts.items()],
                members,
                [_standing(one) for one in standing],
                now=at,
                policy=self.finding.policy(),
                cover_m=cover_m,
                streets=await self.finding.network(),
            )
            ended = [(step.id, step.how) for step in steps if isinstance(step, End)]
            hows = dict(ended)
            for gone in await moves.end(ended, at=at) if ended else ():
                if gone.state == "accepted":
                    await self._tell(_over(gone, hows[gone.id], at), gone.staff_id)
            for step in steps:
                if isinstance(step, Propose):
                    await self._propose(step, at)
        return bool(steps)

    async def _propose(self, step: Propose, at: datetime) -> None:
        near = await devices.buildings_near(
            step.area.centre, None, within_m=NAMED_WITHIN_M, at_most=1
        )
        move = await moves.propose(step, area_name=near[0] if near else "这个岗位", at=at)
        for account_id in await accounts.with_roles(LEADS):
            said = _proposed(move, uuid5(move.id, str(account_id)), at)
            await messages.enqueue(self._marked(said), f"account:{account_id}", incident_id=None)

    async def answer(self, move_id: UUID, said: MoveAnswer, who: Any) -> Move:
        """Take the desk lead's answer; who is to go is told at once."""
        at = self.ctx.clock.now()
        async with OPERATIONS.transaction():
            move, fresh = await moves.answer(
                move_id, yes=said.yes, reason=said.reason, actor=who.account_id, name=who.name,
                role=who.role, at=at,
            )  # fmt: skip
            if fresh and said.yes:
                await self._tell(_go(move, at), move.staff_id)
        return move

    async def _tell(self, said: Message, staff_id: UUID) -> None:
        await messages.enqueue(self._marked(said), addresses.staff(staff_id), incident_id=None)

    def _marked(self, said: Message) -> Message:
        if not self.ctx.settings.demo.exercise:
            return said
        return msgspec.structs.replace(said, handling=Handling.EXERCISE)


def _standing(one: Move) -> Standing:
    return Standing(id=one.id, area=one.area, staff_id=one.staff_id, state=one.state)


def why(move: Move) -> str:
    """The reason in words: who is away on what."""
    names = "、".join(f"{one.name}（警情 {one.no.split('-')[-1]}）" for one in move.because)
    return f"{names}正在处置，这一带没有人"


def _message(
    move: Move, message_id: UUID, at: datetime, audience: Audience, kind: str, title: str, body: str
) -> Message:
    return Message(
        id=message_id,
        audience=audience,
        handling=Handling.ACTUAL,
        urgency=Urgency.HIGH,
        title=title,
        body=body,
        lock_title="值守调整",
        lock_body="打开查看",
        ttl_s=MOVE_TTL_S,
        collapse_key=f"move-{move.id}",
        url="/field" if audience is Audience.STAFF else "/desk",
        data={"kind": kind, "moveId": str(move.id)},
        sent_at=at,
    )


def _proposed(move: Move, message_id: UUID, at: datetime) -> Message:
    title = f"{move.area_name}一带没有人"
    body = f"{why(move)}。建议{move.staff_name}过去，请决定。"
    return _message(move, message_id, at, Audience.DESK, "move_proposed", title, body)


def _go(move: Move, at: datetime) -> Message:
    title = f"请移动到：{move.area_name}"
    body = f"{why(move)}。到位后照常值守，有警情照常接。"
    return _message(move, uuid5(move.id, "go"), at, Audience.STAFF, "move_up", title, body)


def _over(move: Move, how: str, at: datetime) -> Message:
    title = f"{move.area_name}：可以回原岗位"
    body = "那里又有人了。" if how == COVERED else "那里的人已处置完。"
    return _message(move, uuid5(move.id, "over"), at, Audience.STAFF, "move_over", title, body)


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first."""

    moves: list[Move]


@get("/api/desk/moves", guards=[requires("desk", "desk_lead", "manager")], operation_id="Moves")
async def standing() -> Moves:
    """Moves that are proposed, under way or declined while their area is still empty."""
    return Moves(moves=await moves.standing())


@post("/api/desk/moves/{move_id:uuid}/answer", status_code=200, guards=[requires("desk_lead")],
      operation_id="AnswerMove")  # fmt: skip
async def answer(
    request: Request[Any, Any, Any], move_id: FromPath[UUID], data: JSONBody[MoveAnswer], ctx: Ctx,
    services: Services,
) -> Move:  # fmt: skip
    """The desk lead has somebody move, or leaves things as they are."""
    return await MovingUp(ctx, services.finding).answer(move_id, data, request.user)


ROUTES = [standing, answer]
