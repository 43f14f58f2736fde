"""The register as a table in the columns of the import."""

from collections.abc import Sequence
from uuid import UUID

from backend.devices.columns import COLUMNS, DATUMS
from backend.devices.looking import FROM_PLACES, SORTED
from backend.shared.db import OPERATIONS, Row

EXPORT_MAX = 20_000
"""▲ Rows of one file; whoever has more exports by street."""
WORDS = {
    column.key: {value: word for word, value in column.words.items()}
    for column in COLUMNS
    if column.words is not None and column.words is not DATUMS
}


async def table_of(ids: Sequence[UUID]) -> list[list[object]]:
    """These detectors by place, each as one row; a position in the datum that it was entered in."""
    rows = await OPERATIONS.fetch(
        "SELECT d.*, m.maker, b.area, b.street, b.number AS door_number,"
        f" coalesce(b.court, b.name) AS court, h.door, h.floor, h.room{FROM_PLACES}"
        f" LEFT JOIN model m ON m.id = d.model_id WHERE d.id = ANY($1){SORTED}",
        list(ids),
    )
    return [_row(row) for row in rows]


def _row(row: Row) -> list[object]:
    protocol, _, device = row["address"].partition("/")
    entered = row["entered_lat"] is not None
    facts = {
        **dict(row),
        "group": row["rule_group"],
        "protocol": protocol,
        "address": device,
        "lat": row["entered_lat"] if entered else row["lat"],
        "lon": row["entered_lon"] if entered else row["lon"],
        "model": row["model"] or None,
        "label": row["label"] or None,
    }
    return [WORDS[c.key].get(facts[c.key]) if c.key in WORDS else facts[c.key] for c in COLUMNS]
