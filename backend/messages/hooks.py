"""What others do about receipts and about cards that came on the screen; wired in ``app``."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from backend.access.principal import Principal
from backend.messages.schemas import OnReceipt
from push.port import ReceiptKind

OnPresented = Callable[[UUID, Principal], Awaitable[None]]
"""``on_presented(incident_id, principal)``: a desk's screen shows this incident now."""


async def _nothing_presented(_incident_id: UUID, _principal: Principal) -> None:
    """The default: a card on the screen starts nothing."""


async def _nothing_received(
    _address: str, _message_id: UUID, _kind: ReceiptKind, _door: str | None, _at: datetime
) -> None:
    """The default: a receipt is kept and nothing more."""


class SocketHooks(msgspec.Struct, frozen=True, kw_only=True):
    """Both may be called more than once for the same thing."""

    on_presented: OnPresented = _nothing_presented
    on_receipt: OnReceipt = _nothing_received


Hooks = NamedDependency[SkipValidation[SocketHooks]]
"""How a route asks for them: ``hooks: Hooks``."""
