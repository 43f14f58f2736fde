"""Versions of the rules through time: proposed, brought into force by a second person, kept.

Version 0 is the program's own numbers. The version in force is the one approved last. Whoever holds
a ``LiveRules`` judges by a new version with the next batch, whatever process it is in. An alarm
that is on stays on until readings are normal by the new numbers; what waits for its delay waits for
the new one; memories (baselines, windows, hours) go on.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.sensing.changes import Change
from backend.sensing.rule import Rule
from backend.sensing.rule_faults import faults
from backend.sensing.rules import RuleBook, defaults
from backend.shared.context import Context
from backend.shared.db import TELEMETRY, Row
from backend.shared.listen import Listener
from backend.shared.problems import NotFound, Problem, TwoPersons

CHANNEL = "rules"
LOCK = 7_310_005


class RulesRefused(Problem):
    """The proposed numbers cannot be used; ``faults`` says which and why."""

    slug, status, title = "rules-refused", 422, "These rules cannot be used"


class RulesStale(Problem):
    """Another version came into force, or this one was decided on, in the meantime."""

    slug, status, title = "rules-stale", 409, "The rules changed meanwhile"


class RuleSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version: what it changes against the program's own numbers, who, when and why."""

    version: int
    based_on: int
    changes: tuple[Change, ...]
    note: str
    proposed_by: UUID
    proposed_name: str
    proposed_at: datetime
    approved_name: str | None
    approved_at: datetime | None
    declined_name: str | None
    declined_at: datetime | None
    declined_why: str | None


class LiveRules(RuleBook):
    """The rules in force; ``refresh`` takes up a version that came into force elsewhere."""

    def __init__(self, rules: tuple[Rule, ...], listener: Listener) -> None:
        super().__init__(rules)
        self._changed = listener.event(CHANNEL)
        self._loaded = False

    async def refresh(self) -> None:
        """Costs nothing while nothing changed."""
        if self._loaded and not self._changed.take():
            return
        self._changed.take()
        version, changes = await in_force()
        if version != self.version:
            self.replace(self.rules, changes, version)
        self._loaded = True


def live(context: Context) -> RuleBook:
    """The rules in force, for a consumer or a screen."""
    own = defaults(smoke_clear_s=context.settings.sensing.smoke_clear_s)
    return LiveRules(own, context.telemetry_listener)


async def in_force() -> tuple[int, tuple[Change, ...]]:
    """The version in force and its changes; 0 and none for the program's own numbers."""
    row = await TELEMETRY.fetch_one(
        "SELECT version, changes FROM rule_set WHERE approved_at IS NOT NULL"
        " ORDER BY approved_at DESC, version DESC LIMIT 1"
    )
    return (0, ()) if row is None else (row["version"], _changes(row))


async def sets() -> list[RuleSet]:
    """Every version, newest first."""
    rows = await TELEMETRY.fetch("SELECT * FROM rule_set ORDER BY version DESC LIMIT 200")
    fields = [name for name in RuleSet.__struct_fields__ if name != "changes"]
    return [RuleSet(changes=_changes(row), **{f: row[f] for f in fields}) for row in rows]


async def rules_then(version: int) -> list[dict[str, Any]]:
    """Every rule of the installation as it was in a version, for who reads an old record.

    Raises:
        NotFound: there is no such version.
    """
    body = await TELEMETRY.fetch_value("SELECT rules FROM rule_set WHERE version = $1", version)
    if body is None:
        raise NotFound(f"没有这一版 no version {version}")
    found: list[dict[str, Any]] = msgspec.json.decode(body)
    return found


async def propose(
    rules: tuple[Rule, ...],
    changes: tuple[Change, ...],
    *,
    based_on: int,
    note: str,
    by: UUID,
    name: str,
    role: str,
    at: datetime,
) -> int:
    """Put all changes that shall hold up for approval; the version.

    Args:
        rules: the program's own.

    Raises:
        RulesRefused, RulesStale: they cannot be used, or ``based_on`` is not in force any more.
    """
    found = faults(rules, changes)
    if found:
        raise RulesRefused(
            "规则不能这样改 These numbers cannot be used",
            faults=[msgspec.to_builtins(fault) for fault in found],
        )
    held = [r for by_kind in _all(rules, changes).values() for r in by_kind]
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        now, before = await in_force()
        if now != based_on:
            raise RulesStale("规则已有新版，请重新打开 A newer version is in force")
        version: int = await TELEMETRY.fetch_value(
            "INSERT INTO rule_set (version, based_on, changes, rules, note, proposed_by,"
            " proposed_name, proposed_at) SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4,"
            " $5, $6, $7 FROM rule_set RETURNING version",
            based_on, list(changes), held, note, by, name, at,
        )  # fmt: skip
        await audit.record(
            TELEMETRY, actor=by, role=role, action="rules.proposed", subject=f"rules {version}",
            before={"changes": msgspec.to_builtins(before)},
            after={"changes": msgspec.to_builtins(changes)}, reason=note, at=at,
        )  # fmt: skip
    return version


def _all(rules: tuple[Rule, ...], changes: tuple[Change, ...]) -> dict[str, list[Rule]]:
    book = RuleBook(rules, changes)
    return {
        kind: [r for held in book.of(kind).values() for r in held if r.kind == kind]
        for kind in sorted({rule.kind for rule in rules})
    }


async def approve(version: int, *, by: UUID, name: str, role: str, at: datetime) -> None:
    """Bring a proposed version into force, at once and everywhere.

    Raises:
        NotFound, TwoPersons, RulesStale: it is unknown, one's own, or no longer open.
    """
    async with TELEMETRY.transaction():
        row = await _open(version)
        if row["proposed_by"] == by:
            raise TwoPersons("不能批准自己提出的版本 Not your own proposal")
        now, before = await in_force()
        if now != row["based_on"]:
            raise RulesStale("此版所依据的版本已被取代 What it was based on was replaced")
        await TELEMETRY.execute(
            "UPDATE rule_set SET approved_by = $2, approved_name = $3, approved_at = $4"
            " WHERE version = $1",
            version, by, name, at,
        )  # fmt: skip
        # whatever waits for its time is looked at again, by the new delays
        await TELEMETRY.execute("UPDATE detector_state SET due_at = $1 WHERE due_at > $1", at)
        await audit.record(
            TELEMETRY, actor=by, role=role, action="rules.approved", subject=f"rules {version}",
            before={"version": now, "changes": msgspec.to_builtins(before)},
            after={"version": version, "changes": msgspec.to_builtins(_changes(row))}, at=at,
        )  # fmt: skip
        await TELEMETRY.notify(CHANNEL, str(version))


async def decline(version: int, why: str, *, by: UUID, name: str, role: str, at: datetime) -> None:
    """Put a proposal away; whoever proposed it may do so too."""
    async with TELEMETRY.transaction():
        await _open(version)
        await TELEMETRY.execute(
            "UPDATE rule_set SET declined_name = $2, declined_at = $3, declined_why = $4"
            " WHERE version = $1",
            version, name, at, why,
        )  # fmt: skip
        await audit.record(
            TELEMETRY, actor=by, role=role, action="rules.declined", subject=f"rules {version}",
            reason=why, at=at,
        )  # fmt: skip


async def _open(version: int) -> Row:
    await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    row = await TELEMETRY.fetch_one("SELECT * FROM rule_set WHERE version = $1", version)
    if row is None:
        raise NotFound(f"没有这一版 no version {version}")
    if row["approved_at"] is not None or row["declined_at"] is not None:
        raise RulesStale("此版已经处理过 Already decided on")
    return row


def _changes(row: Row) -> tuple[Change, ...]:
    return msgspec.json.decode(row["changes"], type=tuple[Change, ...])
