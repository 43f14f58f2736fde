"""Mapping templates through time: draft, in force, ended; every change audited with it.

One name has at most one draft and one version in force. A version that was in force is never
changed: going back makes a new version with the old body. Whoever reads messages is told by the
channel ``mapping`` when the change commits.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.sensing.adapters import topics
from backend.sensing.adapters.templates import BUILT_IN, Fault, Template, faults
from backend.sensing.mapping.live import CHANNEL
from backend.sensing.mapping.preview import Sample
from backend.shared.db import TELEMETRY, Row
from backend.shared.problems import NotFound, Problem

LOCK = 0x6A69_6504
MAX_TEMPLATES = 300
LISTEN_MAX = timedelta(minutes=30)
DAY = timedelta(hours=24)


class MappingRefused(Problem):
    """A template that cannot be put in force; ``faults`` say which field and why."""

    slug, status, title = "mapping-refused", 422, "This template cannot be used"


class MappingStale(Problem):
    """The version is no draft any more, or not in force any more."""

    slug, status, title = "mapping-stale", 409, "The template changed meanwhile"


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it, and when; without an account it is the command line."""

    account_id: UUID | None
    name: str
    role: str
    at: datetime


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version. ``state``: ``draft``, ``in_force`` or ``ended``."""

    name: str
    version: int
    state: str
    body: Template
    note: str
    copied_from: int | None
    made_name: str
    made_at: datetime
    begun_name: str | None
    begun_at: datetime | None
    begun_why: str | None
    ended_name: str | None
    ended_at: datetime | None
    ended_why: str | None


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One template in the list. Counts are of the last 24 hours."""

    name: str
    title: str
    topic: str
    state: str
    version: int
    draft: int | None
    quantities: list[str]
    changed_name: str
    changed_at: datetime
    read: int = 0
    refused: int = 0
    readings: int = 0
    last_at: datetime | None = None


class Family(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Messages that nobody reads: how many in the last 24 hours, when last, and why."""

    family: str
    outcome: str
    detail: str
    count: int
    last_at: datetime


class Listening(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A topic that is only listened to, for a while."""

    topic: str
    until: datetime
    by_name: str


class Raw(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the last messages, as a text; bytes that are none are shown as hex (``hex``)."""

    id: int
    topic: str
    text: str
    hex: bool
    whole_bytes: int
    outcome: str
    detail: str
    received_at: datetime


def _version(row: Row) -> Version:
    known = {field: row[field] for field in Version.__struct_fields__ if field in row.keys()}  # noqa: SIM118
    state = "in_force" if row["begun_at"] else "draft"
    body = msgspec.json.decode(row["body"], type=Template)
    return Version(**{**known, "body": body, "state": "ended" if row["ended_at"] else state})


async def templates(now: datetime) -> list[Summary]:
    """Every template once, by what is in force, else its draft, else its last version."""
    rows = await TELEMETRY.fetch("SELECT * FROM mapping_version ORDER BY name, version")
    counts = {
        row["name"]: row
        for row in await TELEMETRY.fetch(
            "SELECT name, sum(read)::bigint AS read, sum(refused)::bigint AS refused,"
            " sum(readings)::bigint AS readings, max(last_at) AS last_at FROM mapping_tally"
            " WHERE hour > $1 GROUP BY name",
            now - DAY,
        )
    }
    by_name: dict[str, list[Version]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(_version(row))
    found = []
    for name, versions in by_name.items():
        draft = next((v for v in versions if v.state == "draft"), None)
        in_force = next((v for v in versions if v.state == "in_force"), None)
        best = in_force or draft or versions[-1]
        last = max(
            (at, who)
            for v in versions
            for at, who in (
                (v.made_at, v.made_name),
                (v.begun_at, v.begun_name),
                (v.ended_at, v.ended_name),
            )
            if at is not None and who is not None
        )
        count = counts.get(name)
        found.append(
            Summary(
                name=name,
                title=best.body.title,
                topic=best.body.topic,
                state=best.state,
                version=best.version,
                draft=draft.version if draft else None,
                quantities=list(dict.fromkeys(m.quantity for m in best.body.readings)),
                changed_name=last[1],
                changed_at=last[0],
                **(
                    {f: count[f] for f in ("read", "refused", "readings", "last_at")}
                    if count
                    else {}
                ),
            )
        )
    return found


async def in_force() -> list[tuple[Template, int]]:
    """The templates in force with their versions, by name."""
    rows = await TELEMETRY.fetch(
        "SELECT body, version FROM mapping_version WHERE begun_at IS NOT NULL"
        " AND ended_at IS NULL ORDER BY name"
    )
    return [(msgspec.json.decode(row["body"], type=Template), row["version"]) for row in rows]


async def history(name: str) -> list[Version]:
    """Every version of a template, newest first.

    Raises:
        NotFound: there is no such template.
    """
    rows = await TELEMETRY.fetch(
        "SELECT * FROM mapping_version WHERE name = $1 ORDER BY version DESC LIMIT 100", name
    )
    if not rows:
        raise NotFound(f"没有这个模板 no template {name}")
    return [_version(row) for row in rows]


async def save(template: Template, note: str, who: Who) -> int:
    """Keep a draft, finished or not; the name's draft is replaced. Its version.

    Raises:
        MappingRefused: the name is no name or a built-in protocol's, or there are too many.
    """
    bad = tuple(fault for fault in faults(template) if fault.field == "name")
    if bad:
        raise _refused(bad)
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        known = await TELEMETRY.fetch_value("SELECT count(DISTINCT name) FROM mapping_version")
        before = await _open_draft(template.name)
        if before is None and known >= MAX_TEMPLATES:
            raise _refused((Fault(field="name", code="count", what=str(MAX_TEMPLATES)),))
        if before is not None:
            await TELEMETRY.execute(
                "UPDATE mapping_version SET body = $3, note = $4, made_by = $5, made_name = $6,"
                " made_at = $7 WHERE name = $1 AND version = $2",
                template.name, before["version"], template, note, who.account_id, who.name, who.at,
            )  # fmt: skip
            version: int = before["version"]
        else:
            version = await _insert(template, note, None, who)
        await _audit(
            "mapping.drafted", template.name, who, reason=note or None,
            before=msgspec.json.decode(before["body"]) if before else None,
            after={"version": version, **msgspec.to_builtins(template)},
        )  # fmt: skip
    return version


async def discard(name: str, who: Who) -> None:
    """Put the draft away.

    Raises:
        MappingStale: there is none.
    """
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        draft = await _open_draft(name)
        if draft is None:
            raise MappingStale("草稿已不在 There is no draft any more")
        await _end(name, draft["version"], "草稿作废 draft discarded", who)
        await _audit("mapping.discarded", name, who, before={"version": draft["version"]})


async def begin(name: str, version: int, why: str, who: Who) -> None:
    """Put a draft in force; what was in force for this name ends with it.

    Raises:
        MappingStale: it is no draft (any more).
        MappingRefused: it has faults, or reads topics that another template reads.
    """
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        draft = await _open_draft(name)
        if draft is None or draft["version"] != version:
            raise MappingStale("这一版不是草稿了 This version is no draft any more")
        await _begin(msgspec.json.decode(draft["body"], type=Template), version, why, who)


async def go_back(name: str, version: int, why: str, who: Who) -> int:
    """Put the body of a former version in force again, as a new version. Its number.

    Raises:
        NotFound: there is no such version.
        MappingRefused: it cannot be used any more.
    """
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        row = await TELEMETRY.fetch_one(
            "SELECT body FROM mapping_version WHERE name = $1 AND version = $2", name, version
        )
        if row is None:
            raise NotFound(f"没有这一版 no version {version} of {name}")
        draft = await _open_draft(name)
        if draft is not None:
            await _end(name, draft["version"], "草稿作废 draft discarded", who)
            await _audit("mapping.discarded", name, who, before={"version": draft["version"]})
        body = msgspec.json.decode(row["body"], type=Template)
        made = await _insert(body, why, version, who)
        await _begin(body, made, why, who)
    return made


async def withdraw(name: str, why: str, who: Who) -> None:
    """End what is in force for a name: its topics are read by nobody from now on.

    Raises:
        MappingStale: nothing is in force.
    """
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        row = await _in_force(name)
        if row is None:
            raise MappingStale("这个模板没有生效 The template is not in force")
        await _end(name, row["version"], why, who)
        await _audit("mapping.withdrawn", name, who, before={"version": row["version"]}, reason=why)
        await TELEMETRY.notify(CHANNEL)


async def _begin(body: Template, version: int, why: str, who: Who) -> None:
    found = list(faults(body))
    others = await TELEMETRY.fetch(
        "SELECT name, body->>'topic' AS topic FROM mapping_version WHERE name <> $1"
        " AND begun_at IS NOT NULL AND ended_at IS NULL",
        body.name,
    )
    met = next((row["name"] for row in others if topics.meet(row["topic"], body.topic)), None)
    if met is not None:
        found.append(Fault(field="topic", code="overlaps", what=met))
    if found:
        raise _refused(tuple(found))
    before = await _in_force(body.name)
    if before is not None:
        await _end(
            body.name, before["version"], f"由第 {version} 版取代 replaced by {version}", who
        )
    await TELEMETRY.execute(
        "UPDATE mapping_version SET begun_name = $3, begun_at = $4, begun_why = $5"
        " WHERE name = $1 AND version = $2",
        body.name, version, who.name, who.at, why,
    )  # fmt: skip
    await _audit(
        "mapping.put_in_force", body.name, who, reason=why,
        before={"version": before["version"]} if before else None,
        after={"version": version, **msgspec.to_builtins(body)},
    )  # fmt: skip
    await TELEMETRY.notify(CHANNEL)


async def _insert(body: Template, note: str, copied_from: int | None, who: Who) -> int:
    version: int = await TELEMETRY.fetch_value(
        "INSERT INTO mapping_version (name, version, body, note, copied_from, made_by, made_name,"
        " made_at) SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7"
        " FROM mapping_version WHERE name = $1 RETURNING version",
        body.name, body, note, copied_from, who.account_id, who.name, who.at,
    )  # fmt: skip
    return version


async def _open_draft(name: str) -> Row | None:
    return await TELEMETRY.fetch_one(
        "SELECT version, body FROM mapping_version WHERE name = $1 AND begun_at IS NULL"
        " AND ended_at IS NULL",
        name,
    )


async def _in_force(name: str) -> Row | None:
    return await TELEMETRY.fetch_one(
        "SELECT version FROM mapping_version WHERE name = $1 AND begun_at IS NOT NULL"
        " AND ended_at IS NULL",
        name,
    )


async def _end(name: str, version: int, why: str, who: Who) -> None:
    await TELEMETRY.execute(
        "UPDATE mapping_version SET ended_name = $3, ended_at = $4, ended_why = $5"
        " WHERE name = $1 AND version = $2",
        name, version, who.name, who.at, why,
    )  # fmt: skip


async def _audit(action: str, name: str, who: Who, **more: Any) -> None:
    await audit.record(
        TELEMETRY, actor=who.account_id or "command-line", role=who.role, action=action,
        subject=f"mapping {name}", at=who.at, **more,
    )  # fmt: skip


def _refused(found: tuple[Fault, ...]) -> MappingRefused:
    return MappingRefused(
        "模板有问题，不能生效 The template has faults",
        faults=[msgspec.to_builtins(fault) for fault in found],
    )


async def unread(now: datetime) -> list[Family]:
    """Families of topics with messages of the last day that nobody reads now, most first."""
    rows = await TELEMETRY.fetch(
        "SELECT DISTINCT ON (family) family, outcome, detail, received_at FROM recent_message"
        " WHERE outcome = ANY($1) AND received_at > $2 ORDER BY family, id DESC",
        ["no-adapter", "unread"],
        now - DAY,
    )
    counts = {
        row["name"]: row["count"]
        for row in await TELEMETRY.fetch(
            "SELECT name, sum(refused + read)::bigint AS count FROM mapping_tally"
            " WHERE hour > $1 AND name LIKE '~%' GROUP BY name",
            now - DAY,
        )
    }
    read = [template.topic for template, _ in await in_force()]
    found = [
        Family(family=row["family"], outcome=row["outcome"], detail=row["detail"],
               count=counts.get("~" + row["family"], 1), last_at=row["received_at"])
        for row in rows
        if not any(topics.meet(topic, row["family"]) for topic in read)
    ]  # fmt: skip
    return sorted(found, key=lambda family: (-family.count, family.family))


async def samples(topic: str, limit: int = 20) -> list[tuple[Sample, Row]]:
    """The newest kept messages on a topic or filter, newest first."""
    wanted = topic.split("/")
    rows = await TELEMETRY.fetch(
        "SELECT * FROM recent_message WHERE split_part(topic, '/', 1) = $1"
        " ORDER BY id DESC LIMIT 500",
        wanted[0],
    )
    fitting = [row for row in rows if topics.serves(wanted, row["topic"].split("/"))][:limit]
    return [
        (Sample(id=row["id"], topic=row["topic"], payload=row["payload"],
                received_at=row["received_at"]), row)
        for row in fitting
    ]  # fmt: skip


async def messages(topic: str, who: Who) -> list[Raw]:
    """The same to be looked at, which is put on record."""
    found = await samples(topic)
    async with TELEMETRY.transaction():
        await _audit("mapping.messages_read", topic[:80], who, after={"messages": len(found)})
    return [_raw(row) for _, row in found]


def _raw(row: Row) -> Raw:
    known = ("id", "topic", "whole_bytes", "outcome", "detail", "received_at")
    try:
        text, hexed = row["payload"].decode(), False
    except UnicodeDecodeError:
        text, hexed = row["payload"].hex(" "), True
    return Raw(text=text, hex=hexed, **{field: row[field] for field in known})


async def listening(now: datetime) -> list[Listening]:
    """The topics that are listened to now."""
    rows = await TELEMETRY.fetch(
        "SELECT topic, until, by_name FROM mapping_listening WHERE until > $1 ORDER BY topic", now
    )
    return [Listening(**row) for row in rows]


async def listen(topic: str, length: timedelta, who: Who, taken: tuple[str, ...]) -> None:
    """Listen to a topic for a while: its messages are shown, and do nothing else.

    Args:
        topic: a filter whose first level is a name that no protocol of ours has.
        length: at most ``LISTEN_MAX``; zero ends it.
        who: on whose wish.
        taken: filters that the broker sends us anyhow.

    Raises:
        MappingRefused: the filter cannot be listened to.
    """
    code, what = topics.faulty(topic), ""
    if code is None and topic.partition("/")[0] in BUILT_IN:
        code, what = "built-in", topic.partition("/")[0]
    if code is not None:
        raise _refused((Fault(field="topic", code=code, what=what),))
    async with TELEMETRY.transaction():
        await TELEMETRY.execute("DELETE FROM mapping_listening WHERE topic = $1 OR until < $2",
                                topic, who.at)  # fmt: skip
        if length > timedelta(0):
            rows = await TELEMETRY.fetch(
                "SELECT body->>'topic' AS topic FROM mapping_version"
                " WHERE begun_at IS NOT NULL AND ended_at IS NULL"
                " UNION ALL SELECT topic FROM mapping_listening"
            )
            for other in (*taken, *(row["topic"] for row in rows)):
                # two subscriptions that meet would bring the same message twice
                if topics.meet(topic, other):
                    raise _refused((Fault(field="topic", code="heard-already", what=other),))
            await TELEMETRY.execute(
                "INSERT INTO mapping_listening (topic, until, by_name) VALUES ($1, $2, $3)",
                topic, who.at + min(length, LISTEN_MAX), who.name,
            )  # fmt: skip
        await _audit("mapping.listened", topic[:80], who, after={"minutes": length.seconds // 60})
        await TELEMETRY.notify(CHANNEL)
