"""What changed rules would have raised in the stored past, told line by line while it is found.

One JSON object a line: ``progress`` now and then, ``episode`` for every alarm that would be gone or
new, ``result`` at the end. Whoever closes the connection cancels.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import JSONBody
from litestar.response import Stream

from backend.access.guards import requires
from backend.devices import watched
from backend.incidents.outcomes import Outcome, outcomes
from backend.screens.rules import SEE
from backend.screens.services import Services
from backend.sensing import preview, rulebook
from backend.sensing.changes import Change
from backend.sensing.replaying import Raise
from backend.sensing.rule import Stage
from backend.sensing.rule_faults import faults
from backend.sensing.rulebook import RulesRefused
from backend.sensing.rules import RuleBook
from backend.shared.context import Ctx

SAME_ALARM = timedelta(minutes=15)
"""▲ An alarm handled within this of a raise that the replay finds is that raise."""
LISTED = 500
"""Episodes told one by one; all are counted."""
TELL_EVERY = 20
"""Detectors between two lines of progress."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and over how many days it is tried."""

    changes: tuple[Change, ...]
    days: Literal[7, 30, 90] = 30


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alarm that differs. ``what``: gone or new; ``how`` it was handled, if it was."""

    what: str
    detector_id: UUID
    label: str
    alarm: Raise
    how: str | None = None
    incident_id: UUID | None = None
    no: str | None = None


class Result(msgspec.Struct, kw_only=True, rename="camel"):
    """The sum. ``false_avoided`` were closed as false and would not come, ``real_missed`` were
    real and would not come; ``unjudged`` would not come and nobody judged them."""

    days: int
    detectors: int
    readings: int = 0
    before: int = 0
    after: int = 0
    false_avoided: int = 0
    real_missed: int = 0
    unjudged: int = 0
    added: int = 0
    notes_before: int = 0
    notes_after: int = 0
    listed_all: bool = True


@post("/api/rules/preview", status_code=200, guards=[requires(*SEE)], operation_id="PreviewRules")
async def run(data: JSONBody[Asked], services: Services, ctx: Ctx) -> Stream:
    """Try a draft on the past, beside the rules in force. Changes nothing.

    Raises:
        RulesRefused: the draft cannot be used at all.
    """
    rules = services.rules.rules
    found = faults(rules, data.changes)
    if found:
        raise RulesRefused(
            "规则不能这样改 These numbers cannot be used",
            faults=[msgspec.to_builtins(fault) for fault in found],
        )
    _, held = await rulebook.in_force()
    before, after = RuleBook(rules, held), RuleBook(rules, data.changes)
    return Stream(
        _lines(before, after, data.days, ctx.clock.now()), media_type="application/x-ndjson"
    )


async def _lines(
    before: RuleBook, after: RuleBook, days: int, until: datetime
) -> AsyncIterator[bytes]:
    since = until - timedelta(days=days)
    every = await watched.in_service(sorted({rule.kind for rule in before.rules}))
    detectors = preview.affected(every, before, after)
    labels = {one.detector_id: one.label for one in every}
    result = Result(days=days, detectors=len(detectors))
    yield _line("progress", {"done": 0, "of": len(detectors), "readings": 0})
    listed = 0
    done = 0
    async for tried in preview.tried(detectors, before, after, since, until):
        done += 1
        result.readings += tried.readings
        differ = tried.difference
        alarms = [one for one in differ.gone if one.stage is Stage.ALARM]
        judged = await outcomes([tried.detector_id], since, until) if alarms else []
        for told in _told(tried, labels.get(tried.detector_id, ""), judged):
            _count(result, told)
            if listed < LISTED:
                listed += 1
                yield _line("episode", told)
            else:
                result.listed_all = False
        kept_alarms = sum(one.stage is Stage.ALARM for one in differ.kept)
        result.before += kept_alarms
        result.after += kept_alarms
        for one in differ.kept + differ.gone:
            result.notes_before += one.stage is Stage.NOTE
        for one in differ.kept + differ.new:
            result.notes_after += one.stage is Stage.NOTE
        if done % TELL_EVERY == 0:
            progress = {"done": done, "of": len(detectors), "readings": result.readings}
            yield _line("progress", progress)
    yield _line("result", result)


def _told(tried: preview.Tried, label: str, judged: list[Outcome]) -> list[Told]:
    found = []
    for what, raises in (("gone", tried.difference.gone), ("new", tried.difference.new)):
        for one in raises:
            if one.stage is not Stage.ALARM:
                continue
            near = [o for o in judged if abs(o.at - one.at) <= SAME_ALARM]
            outcome = min(near, key=lambda o: abs(o.at - one.at), default=None)
            found.append(
                Told(
                    what=what,
                    detector_id=tried.detector_id,
                    label=label,
                    alarm=one,
                    how=outcome.how if outcome else None,
                    incident_id=outcome.incident_id if outcome else None,
                    no=outcome.no if outcome else None,
                )
            )
    return found


def _count(result: Result, told: Told) -> None:
    if told.what == "new":
        result.after += 1
        result.added += 1
        return
    result.before += 1
    if told.how == "false":
        result.false_avoided += 1
    elif told.how == "real":
        result.real_missed += 1
    else:
        result.unjudged += 1


def _line(name: str, value: Any) -> bytes:
    return msgspec.json.encode({name: value}) + b"\n"


ROUTES = [run]
