"""What devices last said of themselves, as stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.sensing.flow import DetectorState
from backend.shared.db import TELEMETRY


class Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Facts in the device's own names: battery %, rssi dBm, linkquality, mains_fault, version …"""

    facts: dict[str, Any]
    heard_at: datetime | None
    """UTC of the newest trusted reading."""


async def health_of(detector_ids: Sequence[UUID]) -> dict[UUID, Health]:
    """By detector; those never heard are missing."""
    rows = await TELEMETRY.fetch(
        "SELECT detector_id, state FROM detector_state WHERE detector_id = ANY($1)",
        list(detector_ids),
    )
    found = {}
    for row in rows:
        state = msgspec.json.decode(row["state"], type=DetectorState)
        heard = [watch.received_at for watch in state.watches.values() if watch.received_at]
        facts = {name: fact for name, fact in state.health.items() if _plain(fact)}
        found[row["detector_id"]] = Health(facts=facts, heard_at=max(heard, default=None))
    return found


def _plain(fact: object) -> bool:
    return fact is None or isinstance(fact, str | int | float | bool)
