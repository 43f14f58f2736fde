"""What a receipt and a card on a desk's screen mean to the rest of the product."""

from datetime import datetime
from uuid import UUID

from backend.access.principal import Principal
from backend.incidents.flow.commands import PresentToDesk
from backend.messages.addresses import staff_id_of
from backend.messages.hooks import SocketHooks
from backend.screens.reachability import Reachability
from backend.screens.services import Parts
from backend.staff import service as staff
from push.port import ReceiptKind


def hooks_of(parts: Parts, reachability: Reachability) -> SocketHooks:
    """The product's own hooks."""

    async def on_presented(incident_id: UUID, who: Principal) -> None:
        await parts.incidents.say(incident_id, PresentToDesk(desk=who.name))

    async def staff_receipt(
        address: str, message_id: UUID, _kind: ReceiptKind, door: str | None, at: datetime
    ) -> None:
        """Any receipt of a member of staff is a sign of life; a test's also opens its door."""
        staff_id = staff_id_of(address)
        if staff_id is not None:
            await staff.receipt_came(staff_id, message_id, door=door, at=at)
            await reachability.heard(staff_id, message_id, door=door, at=at)

    return SocketHooks(on_presented=on_presented, on_receipt=staff_receipt)
