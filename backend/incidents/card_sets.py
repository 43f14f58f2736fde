"""Wordings of cards through time: proposed, approved by a second person, in force.

Version 0 is the core's own wording. The set in force is the one approved last; an incident keeps
the one that was in force when it was opened.
"""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.incidents.card_words import CardWords, Fault, defaults, faults, spoken
from backend.incidents.flow.facts import Policy
from backend.incidents.rulebook import rulebook
from backend.shared.db import OPERATIONS, Row
from backend.shared.problems import NotFound, Problem, TwoPersons

LOCK = 0x6A69_6503


class CardSetRefused(Problem):
    """The proposed wording breaks Appendix B; ``faults`` says where."""

    slug, status, title = "card-set-refused", 422, "This wording cannot be used"


class CardSetStale(Problem):
    """Another wording came into force, or this one was decided on, in the meantime."""

    slug, status, title = "card-set-stale", 409, "The cards changed meanwhile"


class CardSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version, without its body."""

    version: int
    based_on: int
    note: str
    proposed_by: UUID
    proposed_name: str
    proposed_at: datetime
    approved_name: str | None
    approved_at: datetime | None
    declined_name: str | None
    declined_at: datetime | None
    declined_why: str | None
    changed: list[str]


async def in_force(at: datetime | None = None) -> int:
    """The version in force, now or at a moment; 0 for the core's own wording."""
    found: int | None = await OPERATIONS.fetch_value(
        "SELECT version FROM card_set WHERE approved_at <= coalesce($1::timestamptz, 'infinity')"
        " ORDER BY approved_at DESC, version DESC LIMIT 1",
        at,
    )
    return found or 0


async def words_of(version: int) -> CardWords:
    """The wording of a version.

    Raises:
        NotFound: there is none.
    """
    if version == 0:
        return defaults()
    body = await OPERATIONS.fetch_value("SELECT body FROM card_set WHERE version = $1", version)
    if body is None:
        raise NotFound(f"没有这一版 no version {version}")
    return msgspec.json.decode(body, type=CardWords)


async def book(policy: Policy, version: int | None = None) -> tuple[str, bytes]:
    """The rule book in the wording of a version (None: in force): its version and JSON."""
    number = await in_force() if version is None else version
    if number == 0:
        base = rulebook(policy)
        return _version_of(base), base
    return _book(policy, number, msgspec.json.encode(await words_of(number)))


@lru_cache(maxsize=8)
def _book(policy: Policy, number: int, body: bytes) -> tuple[str, bytes]:
    words = msgspec.json.decode(body, type=CardWords)
    said = spoken(msgspec.json.decode(rulebook(policy)), words, number)
    return str(said["version"]), msgspec.json.encode(said)


@lru_cache(maxsize=2)
def _version_of(base: bytes) -> str:
    return str(msgspec.json.decode(base)["version"])


async def sets() -> list[CardSet]:
    """Every version, newest first."""
    rows = await OPERATIONS.fetch("SELECT * FROM card_set ORDER BY version DESC LIMIT 200")
    bodies = {row["version"]: msgspec.json.decode(row["body"], type=CardWords) for row in rows}
    bodies[0] = defaults()
    return [_shown(row, bodies) for row in rows]


def _shown(row: Row, bodies: dict[int, CardWords]) -> CardSet:
    known = {f: row[f] for f in CardSet.__struct_fields__ if f != "changed"}
    before = bodies.get(row["based_on"], bodies[0])
    return CardSet(**known, changed=changes(before, bodies[row["version"]]))


def changes(before: CardWords, after: CardWords) -> list[str]:
    """Codes of the items and equipment that are said differently, and moved cards."""
    old = {item.code: item for items in before.cards.values() for item in items}
    found = [i.code for items in after.cards.values() for i in items if old.get(i.code) != i]
    moved = [
        code
        for code, items in after.cards.items()
        if [i.code for i in items] != [i.code for i in before.cards.get(code, [])]
    ]
    gear = [kind for kind, said in after.ppe.items() if said != before.ppe.get(kind)]
    return [*found, *moved, *gear]


async def propose(
    words: CardWords, *, based_on: int, note: str, by: UUID, name: str, role: str, at: datetime
) -> int:
    """Put a wording up for approval; its version.

    Raises:
        CardSetRefused: it would drop or loosen what Appendix B asks for.
        CardSetStale: ``based_on`` is not in force any more.
    """
    found = faults(words)
    if found:
        raise _refused(found)
    async with OPERATIONS.transaction():
        await OPERATIONS.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if await in_force() != based_on:
            raise CardSetStale("措施卡已有新版，请重新打开 A newer version is in force")
        version: int = await OPERATIONS.fetch_value(
            "INSERT INTO card_set (version, based_on, body, note, proposed_by, proposed_name,"
            " proposed_at) SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4, $5, $6"
            " FROM card_set RETURNING version",
            based_on, words, note, by, name, at,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=by, role=role, action="cards.proposed", subject=f"cards {version}",
            after={"changed": changes(await words_of(based_on), words)}, reason=note, at=at,
        )  # fmt: skip
    return version


async def approve(version: int, *, by: UUID, name: str, role: str, at: datetime) -> None:
    """Bring a proposed wording into force.

    Raises:
        NotFound, TwoPersons, CardSetStale: it is unknown, one's own, or no longer open.
    """
    async with OPERATIONS.transaction():
        row = await _open(version)
        if row["proposed_by"] == by:
            raise TwoPersons("不能批准自己提出的版本 Not your own proposal")
        if await in_force() != row["based_on"]:
            raise CardSetStale("此版所依据的版本已被取代 What it was based on was replaced")
        await OPERATIONS.execute(
            "UPDATE card_set SET approved_by = $2, approved_name = $3, approved_at = $4"
            " WHERE version = $1",
            version, by, name, at,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=by, role=role, action="cards.approved", subject=f"cards {version}",
            before={"version": row["based_on"]}, after={"version": version}, at=at,
        )  # fmt: skip


async def decline(version: int, why: str, *, by: UUID, name: str, role: str, at: datetime) -> None:
    """Put a proposal away; whoever proposed it may do so too."""
    async with OPERATIONS.transaction():
        await _open(version)
        await OPERATIONS.execute(
            "UPDATE card_set SET declined_name = $2, declined_at = $3, declined_why = $4"
            " WHERE version = $1",
            version, name, at, why,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=by, role=role, action="cards.declined", subject=f"cards {version}",
            reason=why, at=at,
        )  # fmt: skip


async def _open(version: int) -> Row:
    await OPERATIONS.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    row = await OPERATIONS.fetch_one("SELECT * FROM card_set WHERE version = $1", version)
    if row is None:
        raise NotFound(f"没有这一版 no version {version}")
    if row["approved_at"] is not None or row["declined_at"] is not None:
        raise CardSetStale("此版已经处理过 Already decided on")
    return row


def _refused(found: tuple[Fault, ...]) -> CardSetRefused:
    return CardSetRefused(
        "改动违反附录 B The change breaks Appendix B",
        faults=[msgspec.to_builtins(fault) for fault in found],
    )
