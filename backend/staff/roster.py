"""The roster: read it, change it, and keep what was changed.

Changes are few and each is judged against all others, so they take turns behind one lock; every
one of them goes through ``change``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.staff.flow.coverage import Area, Gap, gaps, opened
from backend.staff.flow.planning import Line, Pattern, plan
from backend.staff.flow.shifts import Fault, Limits, Shift, Worker
from backend.staff.problems import NoSuchShift, RosterRefused, RosterWarned

ZONE = ZoneInfo("Asia/Shanghai")
NEARBY = timedelta(days=3)
"""Shifts so far around a changed one can speak against it."""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes the roster."""

    account_id: UUID | str
    name: str
    role: str


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time: every shift that touches it, by start."""

    areas: tuple[Area, ...]
    workers: dict[UUID, Worker]
    shifts: tuple[Shift, ...]

    def gaps(self, from_at: datetime, until_at: datetime) -> list[Gap]:
        return gaps(
            self.areas, self.shifts, self.workers, from_at=from_at, until_at=until_at, zone=ZONE
        )


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the roster's history."""

    batch: UUID
    at: datetime
    actor_name: str
    what: str
    person_id: UUID | None
    shift_id: UUID | None
    body: dict[str, Any]


async def lock() -> None:
    """Nobody else changes the roster until the present transaction ends."""
    await OPERATIONS.execute("SELECT pg_advisory_xact_lock(hashtext('roster'))")


async def read(from_at: datetime, until_at: datetime) -> Roster:
    """The roster between two instants."""
    areas = await OPERATIONS.fetch(
        "SELECT id, name, streets, desk_min, field_min FROM roster_area ORDER BY name"
    )
    people = await OPERATIONS.fetch(
        "SELECT id, name, badge, post, qualified_from, qualified_until FROM person ORDER BY badge"
    )
    shifts = await OPERATIONS.fetch(
        "SELECT id, person_id, role, area_id, from_at, until_at FROM shift"
        " WHERE until_at > $1 AND from_at < $2 ORDER BY from_at, id",
        from_at,
        until_at,
    )
    return Roster(
        areas=tuple(Area(**{**dict(row), "streets": tuple(row["streets"])}) for row in areas),
        workers={row["id"]: Worker(**dict(row)) for row in people},
        shifts=tuple(Shift(**dict(row)) for row in shifts),
    )


async def change(
    *,
    add: Sequence[Shift] = (),
    remove: Sequence[UUID] = (),
    what: str,
    who: Who,
    at: datetime,
    limits: Limits,
    ahead: timedelta,
    insist: bool = False,
    reason: str = "",
    dry: bool = False,
    skip_refused: bool = False,
) -> list[Line]:
    """Write shifts and strike others, all or nothing; a shift in both is altered.

    Args:
        what: the word under which it stands in the history.
        ahead: within so long from now a gap that opens is warned of.
        insist: write in spite of warnings.
        dry: only say what would happen.
        skip_refused: leave out what is refused; else one refusal stops all.

    Returns:
        What each shift of ``add`` came to.

    Raises:
        NoSuchShift: one to be struck or altered is gone.
        RosterRefused: and nothing is written.
        RosterWarned: something speaks against it, and nobody insisted.
    """
    async with OPERATIONS.transaction():
        await lock()
        gone = await _standing(remove)
        touched = [*add, *gone.values()]
        if not touched:
            return []
        first = min(at, *(one.from_at for one in touched)) - NEARBY
        last = max(at + ahead, *(one.until_at for one in touched)) + NEARBY
        before = await read(first, last)
        kept = [one for one in before.shifts if one.id not in gone]
        lines = plan(add, kept, before.workers, now=at, limits=limits, zone=ZONE)
        written = [line.shift for line in lines if line.outcome in ("new", "warned")]
        after = msgspec.structs.replace(before, shifts=(*kept, *written))
        if any(line.outcome == "there" and line.shift.id in gone for line in lines):
            raise RosterRefused("已有同样的班 The same shift is there", faults=_wire([_SAME]))
        begun = _begun(gone, {one.id: one for one in add}, at)
        gaps_opened = opened(before.gaps(at, at + ahead), after.gaps(at, at + ahead))
        faults = [*begun, *(fault for line in lines for fault in line.faults)]
        warned = [*(f for f in faults if not f.refused), *(_gap(gap) for gap in gaps_opened)]
        refused = [fault for fault in faults if fault.refused]
        if dry:
            return lines
        if refused and (begun or not skip_refused):
            raise RosterRefused("这样排班不允许 Not allowed", faults=_wire(refused))
        if warned and not insist:
            raise RosterWarned("请确认 Please confirm", faults=_wire(warned))
        await OPERATIONS.execute("DELETE FROM shift WHERE id = ANY($1::uuid[])", list(gone))
        await OPERATIONS.execute_many(
            "INSERT INTO shift (id, person_id, role, area_id, from_at, until_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [(s.id, s.person_id, s.role, s.area_id, s.from_at, s.until_at) for s in written],
        )
        now_by_id = {one.id: one for one in written}
        await note(
            what,
            [
                (shift_id, gone.get(shift_id), now_by_id.get(shift_id))
                for shift_id in dict.fromkeys([*gone, *now_by_id])
            ],
            who=who,
            at=at,
            reason=reason,
            in_spite_of=[fault.code for fault in warned],
        )
    return lines


async def note(
    what: str,
    changed: Iterable[tuple[UUID, Shift | None, Shift | None]],
    *,
    who: Who,
    at: datetime,
    reason: str = "",
    in_spite_of: Sequence[str] = (),
) -> None:
    """History and audit of shifts that changed: id, before, after. Inside the transaction."""
    batch = uuid7()
    rows, entries = [], []
    for shift_id, before, after in changed:
        person = next(one.person_id for one in (after, before) if one is not None)
        body = {"before": before, "after": after, "reason": reason, "inSpiteOf": in_spite_of}
        rows.append(
            (batch, at, str(who.account_id), who.name, what, person, shift_id, body)
        )  # fmt: skip
        entries.append(
            audit.Entry(
                actor=who.account_id,
                role=who.role,
                action=f"roster.{what}",
                subject=shift_id,
                before=None if before is None else _facts(before),
                after=None if after is None else _facts(after),
                reason=reason or None,
            )
        )
    await OPERATIONS.execute_many(_INSERT_CHANGE, rows)
    await audit.record_all(OPERATIONS, entries, at=at)


async def remark(
    what: str, body: Mapping[str, Any], *, person_id: UUID | None, who: Who, at: datetime
) -> None:
    """History of something that moved no shift. Inside the transaction; audited by the caller."""
    row = (uuid7(), at, str(who.account_id), who.name, what, person_id, None, body)
    await OPERATIONS.execute(_INSERT_CHANGE, *row)


_INSERT_CHANGE = (
    "INSERT INTO roster_change (batch, at, actor, actor_name, what, person_id, shift_id, body)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)


async def history(*, at_most: int = 200, person_id: UUID | None = None) -> list[Change]:
    """What was done, the newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT batch, at, actor_name, what, person_id, shift_id, body FROM roster_change"
        " WHERE $2::uuid IS NULL OR person_id = $2 ORDER BY id DESC LIMIT $1",
        at_most,
        person_id,
    )
    return [Change(**{**dict(row), "body": msgspec.json.decode(row["body"])}) for row in rows]


# --- areas and patterns ---------------------------------------------------------------------


async def set_area(area: Area, *, who: Who, at: datetime) -> None:
    """Write an area down, or change it.

    Raises:
        RosterRefused: another area has this name.
    """
    async with OPERATIONS.transaction():
        await lock()
        known = await read(at, at)
        before = next((one for one in known.areas if one.id == area.id), None)
        if any(one.name == area.name and one.id != area.id for one in known.areas):
            same = Fault(code="same_name", refused=True, zh="已有同名片区", en="name is taken")
            raise RosterRefused("已有同名片区 Name is taken", faults=_wire([same]))
        await OPERATIONS.execute(
            "INSERT INTO roster_area (id, name, streets, desk_min, field_min)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE"
            " SET name = $2, streets = $3, desk_min = $4, field_min = $5",
            area.id, area.name, list(area.streets), area.desk_min, area.field_min,
        )  # fmt: skip
        body = {"before": before, "after": area}
        await remark("area_set", body, person_id=None, who=who, at=at)
        await audit.record(
            OPERATIONS, actor=who.account_id, role=who.role, action="roster.area_set",
            subject=area.id, at=at,
            before=None if before is None else msgspec.to_builtins(before),
            after=msgspec.to_builtins(area),
        )  # fmt: skip


async def patterns() -> list[Pattern]:
    """Every weekly pattern."""
    rows = await OPERATIONS.fetch(
        "SELECT id, person_id, role, area_id, weekdays, from_min, length_min, every_weeks,"
        " first_on, last_on FROM shift_pattern ORDER BY area_id, role, from_min, id"
    )
    return [Pattern(**{**dict(row), "weekdays": tuple(row["weekdays"])}) for row in rows]


async def set_pattern(pattern: Pattern | None, pattern_id: UUID, *, who: Who, at: datetime) -> None:
    """Write a pattern down or, with None, strike it; shifts already made from it stay.

    Raises:
        NoSuchShift: there is none to strike, or its person or area is gone.
    """
    async with OPERATIONS.transaction():
        await lock()
        before = next((one for one in await patterns() if one.id == pattern_id), None)
        if pattern is None and before is None:
            raise NoSuchShift("没有这个周期 No such pattern")
        await OPERATIONS.execute("DELETE FROM shift_pattern WHERE id = $1", pattern_id)
        if pattern is not None:
            known = await read(at, at)
            if pattern.person_id not in known.workers or pattern.area_id not in {
                area.id for area in known.areas
            }:
                raise NoSuchShift("没有此人员或片区 No such person or area")
            await OPERATIONS.execute(
                "INSERT INTO shift_pattern (id, person_id, role, area_id, weekdays, from_min,"
                " length_min, every_weeks, first_on, last_on)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                pattern_id, pattern.person_id, pattern.role, pattern.area_id,
                list(pattern.weekdays), pattern.from_min, pattern.length_min,
                pattern.every_weeks, pattern.first_on, pattern.last_on,
            )  # fmt: skip
        body = {"before": before, "after": pattern}
        whose = next(one.person_id for one in (pattern, before) if one is not None)
        await remark("pattern_set", body, person_id=whose, who=who, at=at)
        await audit.record(
            OPERATIONS, actor=who.account_id, role=who.role, action="roster.pattern_set",
            subject=pattern_id, at=at,
            before=None if before is None else msgspec.to_builtins(before),
            after=None if pattern is None else msgspec.to_builtins(pattern),
        )  # fmt: skip


# --- within ---------------------------------------------------------------------------------


async def _standing(ids: Sequence[UUID]) -> dict[UUID, Shift]:
    rows = await OPERATIONS.fetch(
        "SELECT id, person_id, role, area_id, from_at, until_at FROM shift"
        " WHERE id = ANY($1::uuid[])",
        list(ids),
    )
    found = {row["id"]: Shift(**dict(row)) for row in rows}
    if found.keys() != set(ids):
        raise NoSuchShift("这个班次已经没有了 This shift is gone")
    return found


def _begun(gone: Mapping[UUID, Shift], add: Mapping[UUID, Shift], at: datetime) -> list[Fault]:
    """Who has worked has worked: of a shift that began, only its end can still be moved."""
    found = []
    for shift_id, before in gone.items():
        after = add.get(shift_id)
        ends = before.until_at if after is None else after.until_at
        same = after == msgspec.structs.replace(before, until_at=ends)
        if before.from_at <= at and not (same and before.until_at > at):
            found.append(
                Fault(
                    code="begun", refused=True, zh="班次已经开始，只能改结束时间",
                    en="the shift has begun: only its end can be moved",
                    person_id=before.person_id, shift_id=shift_id,
                )
            )  # fmt: skip
    return found


_SAME = Fault(code="overlap", refused=True, zh="已有同样的班", en="the same shift is there")


def _gap(gap: Gap) -> Fault:
    begins, ends = gap.from_at.astimezone(ZONE), gap.until_at.astimezone(ZONE)
    span = f"{begins:%m-%d %H:%M} – {ends:%m-%d %H:%M}"
    kind = {"desk": ("内勤", "desk"), "field": ("现场", "field")}[gap.kind]
    return Fault(
        code="gap", refused=False, zh=f"{gap.area}{kind[0]}会缺岗：{span}",
        en=f"{gap.area}, {kind[1]}: nobody enough {span}",
    )  # fmt: skip


def _facts(shift: Shift) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(shift)
    return found


def _wire(faults: Sequence[Fault]) -> Any:
    return msgspec.to_builtins(faults)
