"""The fire services' habit of 1, 3 and 5 minutes, read from a journal. ▲ Not in this standard.

The first person at the scene within 1 minute, the small station nearby within 3, joint forces
within 5; reported, never enforced.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backend.incidents.flow import events as e


class Mark(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the three; ``after_s`` from emission, None where nobody came."""

    code: str
    limit_s: float
    after_s: float | None

    @property
    def kept(self) -> bool:
        return self.after_s is not None and self.after_s <= self.limit_s


def marks(emitted_at: datetime | None, journal: Sequence[e.Event]) -> tuple[Mark, ...]:
    """first: anybody of ours; station: a second person or the first vehicle; joint: a vehicle
    under fire command, or the second vehicle.

    Args:
        emitted_at: when the alert was emitted, UTC.
        journal: oldest first, any part of it.
    """
    came = [ev.occurred_at for ev in journal if isinstance(ev.fact, e.ArrivedOnScene)]
    vehicles = [ev.occurred_at for ev in journal if isinstance(ev.fact, e.VehicleCame)]
    command = [ev.occurred_at for ev in journal if isinstance(ev.fact, e.CommandHeld)]
    times = {
        ("first", 60.0): came[:1],
        ("station", 180.0): [*sorted(came)[1:2], *vehicles[:1]],
        ("joint", 300.0): [*sorted(vehicles)[1:2], *command[:1]],
    }
    return tuple(
        Mark(
            code=code,
            limit_s=limit_s,
            after_s=(min(at) - emitted_at).total_seconds() if at and emitted_at else None,
        )
        for (code, limit_s), at in times.items()
    )
