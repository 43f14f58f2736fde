"""By which doors somebody can be reached now: devices with a token, and screens that are open."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.messages.claims import NODE_LOST_S
from backend.shared.db import OPERATIONS


async def doors_of(addresses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Each address's doors with at least one token that its provider has not given up."""
    rows = await OPERATIONS.fetch(
        "SELECT address, array_agg(DISTINCT door ORDER BY door) AS doors FROM subscription"
        " WHERE gone_at IS NULL AND address = ANY($1::text[]) GROUP BY address",
        list(addresses),
    )
    return {row["address"]: tuple(row["doors"]) for row in rows}


async def on_screen(addresses: Sequence[str], *, now: datetime) -> frozenset[str]:
    """Whose screen is open at any node that was heard of lately."""
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT s.address FROM live_screen s JOIN live_node n ON n.id = s.node"
        " WHERE n.seen_at > $2 AND s.address = ANY($1::text[])",
        list(addresses),
        now - timedelta(seconds=NODE_LOST_S),
    )
    return frozenset(row["address"] for row in rows)
