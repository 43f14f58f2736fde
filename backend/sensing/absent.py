"""Detectors of a home that nobody is in: hours without water or an opened gate do not count."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from backend.sensing.derived import Spell
from backend.sensing.flow import DetectorState, due_at
from backend.sensing.rules import RuleBook
from backend.shared.db import TELEMETRY

KINDS = ("door", "water")


async def away(detectors: Mapping[UUID, str], spells: Sequence[Spell], rules: RuleBook) -> None:
    """Let these detectors know when nobody is at home; again with the same is the same.

    Args:
        detectors: the home's water meters and gates, by id, with their kind.
        spells: all that run or are ahead, from and to (UTC), in place of those known before.
    """
    await rules.refresh()
    ids = sorted(detectors)
    async with TELEMETRY.transaction():
        await TELEMETRY.execute(
            "INSERT INTO detector_state (detector_id, kind)"
            " SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
            ids,
            [detectors[each] for each in ids],
        )
        rows = await TELEMETRY.fetch(
            "SELECT detector_id, kind, state FROM detector_state WHERE detector_id = ANY($1)"
            " ORDER BY detector_id FOR UPDATE",
            ids,
        )
        for row in rows:
            state = msgspec.json.decode(row["state"], type=DetectorState)
            state = msgspec.structs.replace(state, away=_kept(state, spells))
            held = rules.of(row["kind"], state.group, row["detector_id"])
            await TELEMETRY.execute(
                "UPDATE detector_state SET state = $2, due_at = $3, version = version + 1"
                " WHERE detector_id = $1",
                row["detector_id"],
                msgspec.json.encode(state).decode(),
                due_at(state, held),
            )


def _kept(state: DetectorState, spells: Sequence[Spell]) -> tuple[Spell, ...]:
    """The new spells, and the last that is over: the hours before it must not come back."""
    first = min((start for start, _ in spells), default=None)
    over = [one for one in state.away if first is None or one[1] <= first]
    heard = [watch.last_at for watch in state.watches.values() if watch.last_at is not None]
    now = max(heard, default=None)
    past = [one for one in over if now is not None and one[1] <= now][-1:]
    return (*past, *sorted(spells))
