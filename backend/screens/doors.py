"""Doors for devices whose cloud or camera posts to us. Each has a secret of its own, or is closed.

What is posted is stored before it is answered, also when it cannot be understood: it is then kept
raw with its reason and a technician is asked. So 200 means "we have it", and a sender that gets no
200 sends again. A wrong or missing secret is 404: nobody learns which doors there are.
"""

import secrets
from typing import Any

from litestar import Request, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from backend.devices.service import Register
from backend.sensing.deliveries import Arrived
from backend.sensing import rulebook
from backend.sensing.store import Store
from backend.shared.context import Context, Ctx
from backend.shared.problems import NotFound

VENDORS = ("ctwing", "huawei", "hikvision", "dahua")
POST_MAX = 4 * 1024 * 1024
"""Bytes; a camera sends its pictures with the event."""


class Door:
    """Writes what is posted; made with the first post."""

    def __init__(self, ctx: Context) -> None:
        rules = rulebook.live(ctx)
        register = Register(ctx.operations_listener, clock=ctx.clock)
        self._store = Store(register, rules, ctx.clock, "http-doors")
        self._clock = ctx.clock

    async def take(self, topic: str, payload: bytes) -> None:
        """Store one post; returns once it is stored."""
        arrived = Arrived(topic=topic, payload=payload, received_at=self._clock.now())
        await self._store.write([arrived])


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
    await door.take(f"{vendor}/{camera}" if camera else vendor, await request.body())
    return {"code": "0", "msg": "ok"}


ROUTES: list[ControllerRouterHandler] = [take_push]
