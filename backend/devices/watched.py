"""The register as rules see it: what is in service, of which kind and group."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS


class InService(msgspec.Struct, frozen=True, kw_only=True):
    """A detector in service, as a rule is chosen for it."""

    detector_id: UUID
    kind: str
    group: str | None
    interval_s: int
    label: str


async def in_service(kinds: Sequence[str]) -> list[InService]:
    """Every detector of these kinds that is in service, by id."""
    rows = await OPERATIONS.fetch(
        'SELECT id AS detector_id, kind, rule_group AS "group", report_interval_s AS interval_s,'
        " label FROM detector WHERE kind = ANY($1::text[])"
        " AND state NOT IN ('planned', 'replaced', 'retired') ORDER BY id",
        list(kinds),
    )
    return [InService(**row) for row in rows]


async def of_home(household_id: UUID, kinds: Sequence[str]) -> list[InService]:
    """The detectors of these kinds that serve a home."""
    rows = await OPERATIONS.fetch(
        'SELECT id AS detector_id, kind, rule_group AS "group", report_interval_s AS interval_s,'
        " label FROM detector WHERE household_id = $1 AND kind = ANY($2::text[])"
        " AND state NOT IN ('planned', 'replaced', 'retired') ORDER BY id",
        household_id,
        list(kinds),
    )
    return [InService(**row) for row in rows]
