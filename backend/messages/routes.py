"""Receipts, and the browsers that want to be pushed to."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.params import JSONBody

from backend.access.guards import signed_in
from backend.access.principal import Principal
from backend.messages import service, tokens
from backend.messages.addresses import address_of
from backend.messages.doors import vapid_key
from backend.messages.hooks import Hooks
from backend.messages.schemas import NewSubscription, OldSubscription, PushKey, Receipts
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]


@post("/api/receipts", status_code=204, guards=[signed_in], operation_id="SendReceipts")
async def send_receipts(
    request: AnyRequest, data: JSONBody[Receipts], ctx: Ctx, hooks: Hooks
) -> None:
    """How far messages got on this phone; what was told before changes nothing."""
    await service.take_receipts(
        address_of(request.user),
        [(each.message_id, each.kind, each.at) for each in data.receipts],
        door=None,
        now=ctx.clock.now(),
        on_receipt=hooks.on_receipt,
    )


@get("/api/push/key", guards=[signed_in], operation_id="PushKey", sync_to_thread=False)
def push_key(ctx: Ctx) -> PushKey:
    """The key with which a browser subscribes; null in an exercise, where nothing is pushed."""
    if ctx.settings.demo.exercise:
        return PushKey(key=None)
    return PushKey(key=vapid_key(ctx.settings, ctx.data).public)


@post("/api/push/subscriptions", status_code=204, guards=[signed_in], operation_id="Subscribe")
async def subscribe(request: AnyRequest, data: JSONBody[NewSubscription], ctx: Ctx) -> None:
    """Let this browser be pushed to."""
    who: Principal = request.user
    await tokens.subscribe(
        address_of(who), data, actor=who.account_id, role=who.role, now=ctx.clock.now()
    )


@delete("/api/push/subscriptions", status_code=204, guards=[signed_in], operation_id="Unsubscribe")
async def unsubscribe(request: AnyRequest, data: JSONBody[OldSubscription], ctx: Ctx) -> None:
    """Push to this browser no more; harmless when it was not this account's."""
    who: Principal = request.user
    await tokens.unsubscribe(
        address_of(who), data.endpoint, actor=who.account_id, role=who.role, now=ctx.clock.now()
    )


ROUTES = [send_receipts, push_key, subscribe, unsubscribe]
