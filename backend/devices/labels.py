"""QR labels for detectors: what stands on each, and its code as a drawing."""

import io
from collections.abc import Sequence
from uuid import UUID

import msgspec
import segno

from backend.devices.looking import FROM_PLACES, SORTED
from backend.devices.service import spoken
from backend.shared.db import OPERATIONS

KINDS = {"electric": "电气火灾", "gas": "可燃气体", "smoke": "感烟", "structure": "建筑结构",
         "hydrant": "消火栓", "water": "用水", "door": "门磁"}  # fmt: skip


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """``code`` is an SVG drawing; ``place`` is street and number only, never whose home it is."""

    id: UUID
    number: str
    kind: str
    place: str
    code: bytes


async def labels_for(ids: Sequence[UUID], public_url: str) -> list[Label]:
    """Labels of these detectors by place; each opens ``<public_url>/d/<its tag>``."""
    rows = await OPERATIONS.fetch(
        "SELECT d.id, d.number, d.tag, d.kind, d.address, b.street, b.number AS door_number,"
        f" h.door, coalesce(b.court, b.name) AS court{FROM_PLACES} WHERE d.id = ANY($1){SORTED}",
        list(ids),
    )
    return [
        Label(
            id=row["id"],
            number=row["number"] or row["address"].rpartition("/")[2][-12:],
            kind=KINDS[row["kind"]],
            place=spoken(row["street"] or "", row["door_number"] or "", row["court"] or "", ""),
            code=_code(f"{public_url}/d/{row['tag']}"),
        )
        for row in rows
    ]


def _code(address: str) -> bytes:
    """Medium error correction: a fifth of the label may be dirty."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False, boost_error=False).save(
        out, kind="svg", border=2, omitsize=True
    )
    return out.getvalue()
