"""Doors for devices whose cloud or camera posts to us. Each has a secret of its own, or is closed.

What is posted is stored before it is answered, also when it cannot be understood: it is then kept
raw with its reason and a technician is asked. So 200 means "we have it", said within two seconds or
not at all; a sender that gets 503 sends again, and what a cloud gave up on is asked for
(``sensing.history``). A wrong or missing secret is 404: nobody learns which doors there are.
"""

import asyncio
import contextlib
import secrets
from typing import Any

from litestar import Request, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from backend.devices.service import Register
from backend.sensing import rulebook
from backend.sensing.deliveries import Arrived
from backend.sensing.gaps import Marks
from backend.sensing.intake import Full, Intake
from backend.sensing.mapping.live import Mappings
from backend.sensing.store import Store
from backend.shared.context import Context, Ctx
from backend.shared.listen import AWAY
from backend.shared.problems import NotFound, Unavailable

VENDORS = ("ctwing", "huawei", "hikvision", "dahua", "push")
"""``push`` is for any other maker: a mapping template reads what is posted, by its path."""
ANSWER_S = 2.0
"""▲ Longest wait for the database: clouds give up on a slow answer as on none."""
POST_MAX = 4 * 1024 * 1024
"""Bytes; a camera sends its pictures with the event."""


class Door:
    """Writes what is posted; made with the first post."""

    def __init__(self, ctx: Context) -> None:
        rules = rulebook.live(ctx)
        register = Register(ctx.operations_listener, clock=ctx.clock)
        mappings = Mappings(ctx.clock, ctx.telemetry_listener)
        self._intake = Intake(Store(register, rules, ctx.clock, "http-doors", mappings=mappings))
        self._clock = ctx.clock
        self._marks = {"ctwing": Marks("ctwing", ctx.clock, ctx.settings.ctwing.gap_s)}

    async def take(self, vendor: str, topic: str, payload: bytes) -> None:
        """Store one post; returns once it is stored.

        Raises:
            Unavailable: it is not stored, or not in time; the sender sends it again.
        """
        marks = self._marks.get(vendor)
        arrived = Arrived(topic=topic, payload=payload, received_at=self._clock.now())
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._intake.take([arrived])
        except (Full, *AWAY) as away:
            if marks is not None:
                marks.refused()
            raise Unavailable("not stored: send it again", retryAfterS=2) from away
        if marks is not None:
            with contextlib.suppress(*AWAY):  # only when the next question is asked hangs on it
                await marks.heard()


def knows_the_secret(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The path carries the secret of its vendor, and that vendor's door is open.

    Raises:
        NotFound: otherwise.
    """
    ctx: Context = connection.app.state["context"]
    vendor = str(connection.path_params["vendor"])
    wanted = getattr(ctx.settings.cloud, f"{vendor}_secret", "") if vendor in VENDORS else ""
    given = str(connection.path_params["secret"])
    if not wanted or not secrets.compare_digest(wanted.encode(), given.encode()):
        raise NotFound("no such door")


@post(
    ["/api/doors/{vendor:str}/{secret:str}", "/api/doors/{vendor:str}/{secret:str}/{camera:str}"],
    guards=[knows_the_secret],
    opt={"own_secret": True},
    status_code=200,
    request_max_body_size=POST_MAX,
)
async def take_push(
    vendor: FromPath[str], request: Request[Any, Any, Any], ctx: Ctx
) -> dict[str, str]:
    """One message of a cloud or a camera."""
    state = request.app.state
    door = state.get("door")
    if door is None:
        door = state["door"] = Door(ctx)
    camera = request.path_params.get("camera")
    topic = f"{vendor}/{camera}" if camera else vendor
    await door.take(vendor, topic, await request.body())
    return {"code": "0", "msg": "ok"}


ROUTES: list[ControllerRouterHandler] = [take_push]
