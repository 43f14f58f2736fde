"""Where a detector's changes are counted from: learned by itself, or set by a technician."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.sensing.derived import NOTHING
from backend.sensing.flow import DetectorState, due_at
from backend.sensing.rules import RuleBook
from backend.shared.db import TELEMETRY
from backend.shared.problems import NotFound, Problem


class NoBaseline(Problem):
    """No rule compares this quantity of this detector with a baseline."""

    slug, status, title = "no-baseline", 409, "Nothing is compared with a baseline here"


class Baseline(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``value`` is None while nothing was learned yet: changes count from zero."""

    quantity: str
    unit: str | None
    heard: float | None
    value: float | None
    learn_until: datetime | None


async def baselines(detector_id: UUID, rules: RuleBook) -> list[Baseline]:
    """Of every quantity that this detector was heard in and that a rule compares."""
    await rules.refresh()
    row = await TELEMETRY.fetch_one(
        "SELECT kind, state FROM detector_state WHERE detector_id = $1", detector_id
    )
    if row is None:
        return []
    state = msgspec.json.decode(row["state"], type=DetectorState)
    held = rules.of(row["kind"], state.group, detector_id)
    found = []
    for quantity in sorted(q for q, those in held.items() if any(r.learn_s for r in those)):
        if (watch := state.watches.get(quantity)) is not None:
            memory = watch.memory or NOTHING
            found.append(
                Baseline(
                    quantity=quantity,
                    unit=watch.unit,
                    heard=watch.value,
                    value=memory.baseline,
                    learn_until=memory.learn_until,
                )
            )
    return found


async def set_baseline(
    detector_id: UUID,
    quantity: str,
    value: float | None,
    reason: str,
    *,
    rules: RuleBook,
    by: UUID,
    role: str,
    at: datetime,
) -> None:
    """Count changes from a value, or, with None, from what is heard now while it learns anew.

    The history goes with the old baseline: after a repair nothing before it is compared.

    Raises:
        NotFound: nothing was heard of this detector yet.
        NoBaseline: see there.
    """
    await rules.refresh()
    async with TELEMETRY.transaction():
        row = await TELEMETRY.fetch_one(
            "SELECT kind, state FROM detector_state WHERE detector_id = $1 FOR UPDATE", detector_id
        )
        if row is None:
            raise NotFound("还没有读数 nothing was heard of this detector yet")
        state = msgspec.json.decode(row["state"], type=DetectorState)
        held = rules.of(row["kind"], state.group, detector_id)
        watch = state.watches.get(quantity)
        learn_s = max((rule.learn_s for rule in held.get(quantity, ())), default=0.0)
        if watch is None or not learn_s:
            raise NoBaseline("这个量不用基线 this quantity has no baseline")
        before = (watch.memory or NOTHING).baseline
        until = at + timedelta(seconds=learn_s) if value is None else None
        after = watch.value if value is None else value
        memory = msgspec.structs.replace(
            watch.memory or NOTHING, baseline=after, learn_until=until, past=()
        )
        watches = {**state.watches, quantity: msgspec.structs.replace(watch, memory=memory)}
        state = msgspec.structs.replace(state, watches=watches)
        await TELEMETRY.execute(
            "UPDATE detector_state SET state = $2, due_at = $3, version = version + 1"
            " WHERE detector_id = $1",
            detector_id,
            msgspec.json.encode(state).decode(),
            due_at(state, held),
        )
        await audit.record(
            TELEMETRY, actor=by, role=role, action="baseline.set", subject=detector_id,
            before={"quantity": quantity, "baseline": before},
            after={"quantity": quantity, "baseline": after, "learns": value is None},
            reason=reason, at=at,
        )  # fmt: skip
