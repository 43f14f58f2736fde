"""Whether a phone can be reached: a test message, and the receipts that come back."""

from uuid import UUID

from backend.messages import addresses
from backend.messages import service as messages
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.staff import service as staff
from push.message import Audience, Handling, Message, Urgency

CHECK_TTL_S = 60


class Reachability:
    """Starts checks. A test is no actual message, so it never leaves by a door of the internet."""

    def __init__(self, ctx: Context) -> None:
        self._clock = ctx.clock

    async def check(self, staff_id: UUID, /) -> None:
        """Send a test message; until its receipt the phone counts as not reached."""
        now = self._clock.now()
        test = Message(
            id=uuid7(),
            audience=Audience.STAFF,
            handling=Handling.TEST,
            urgency=Urgency.HIGH,
            title="通信测试",
            body="收到即表示可以通知到您",
            lock_title="通信测试",
            lock_body="",
            ttl_s=CHECK_TTL_S,
            collapse_key=f"reach-{staff_id}",
            url="/field",
            data={"kind": "test"},
            sent_at=now,
        )
        async with OPERATIONS.transaction():
            await messages.withdraw(collapse_key=test.collapse_key)
            await messages.enqueue(test, addresses.staff(staff_id), incident_id=None)
            await staff.test_sent(staff_id, test.id, at=now)
