"""One person asks a colleague to take a shift, or to change it for one of theirs. Pure.

The roster moves only at the last step, and that is judged anew: what was fine when it was asked
may be wrong by then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from uuid import UUID

import msgspec

from backend.staff.flow.coverage import Area, gaps, opened
from backend.staff.flow.shifts import Fault, Limits, Shift, Worker, faults_of


class Stand(StrEnum):
    """How far a swap has come."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DONE = "done"
    DECLINED = "declined"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """``theirs`` None: the colleague takes the shift and gives none."""

    id: UUID
    asker: UUID
    colleague: UUID
    mine: Shift
    theirs: Shift | None
    stand: Stand


class Refused(Exception):
    """Not possible: ``faults`` says why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.en for fault in faults))
        self.faults = faults


STEPS: Mapping[tuple[Stand, str], Stand] = {
    (Stand.ASKED, "accept"): Stand.ACCEPTED,
    (Stand.ASKED, "decline"): Stand.DECLINED,
    (Stand.ASKED, "withdraw"): Stand.WITHDRAWN,
    (Stand.ACCEPTED, "withdraw"): Stand.WITHDRAWN,
    (Stand.ACCEPTED, "approve"): Stand.DONE,
    (Stand.ACCEPTED, "refuse"): Stand.REFUSED,
    (Stand.ASKED, "expire"): Stand.EXPIRED,
    (Stand.ACCEPTED, "expire"): Stand.EXPIRED,
}
WHO: Mapping[str, str] = {"accept": "colleague", "decline": "colleague", "withdraw": "asker"}
"""Whose step it is, of the two; approving and refusing are the lead's."""


def step(swap: Swap, what: str, *, by: UUID | None) -> Stand:
    """Where a step leads.

    Raises:
        Refused: not from here, or not by this person.
    """
    whose = WHO.get(what)
    if whose is not None and by != getattr(swap, whose):
        raise Refused(_fault("not_yours", "这不是您的换班", "this swap is not yours"))
    goes_to = STEPS.get((swap.stand, what))
    if goes_to is None:
        raise Refused(_fault("swap_over", "这个换班已经有结果", "this swap is decided already"))
    return goes_to


def swapped(swap: Swap) -> tuple[Shift, ...]:
    """The shifts concerned, as they would stand. Ids stay: a shift is handed on."""
    moved = [msgspec.structs.replace(swap.mine, person_id=swap.colleague)]
    if swap.theirs is not None:
        moved.append(msgspec.structs.replace(swap.theirs, person_id=swap.asker))
    return tuple(moved)


def judge(
    swap: Swap,
    roster: Sequence[Shift],
    workers: Mapping[UUID, Worker],
    areas: Sequence[Area],
    *,
    now: datetime,
    limits: Limits,
    zone: tzinfo,
) -> tuple[Fault, ...]:
    """What speaks against a swap: refusals first, then what only a lead may overlook.

    Args:
        roster: every shift near both; those of the swap as they stand now.
    """
    concerned = [swap.mine, *([swap.theirs] if swap.theirs else [])]
    found: list[Fault] = []
    if swap.asker == swap.colleague:
        found.append(_fault("own_colleague", "不能和自己换", "not with oneself"))
    for shift, owner in zip(concerned, (swap.asker, swap.colleague), strict=False):
        standing = next((one for one in roster if one.id == shift.id), None)
        if standing != shift or shift.person_id != owner:
            found.append(_fault("changed", "班次已被改动", "the shift was changed meanwhile"))
        if shift.from_at <= now:
            found.append(_fault("begun", "班次已经开始", "the shift has begun"))
    if found:
        return tuple(found)
    moved = swapped(swap)
    ids = {shift.id for shift in concerned}
    after = [*(one for one in roster if one.id not in ids), *moved]
    for shift in moved:
        worker = workers.get(shift.person_id)
        if worker is None:
            found.append(_fault("nobody", "没有此人员", "no such person"))
        else:
            found += faults_of(shift, worker, after, limits=limits, zone=zone)
    first = max(now, min(shift.from_at for shift in concerned))
    last = max(shift.until_at for shift in concerned)
    before = gaps(areas, roster, workers, from_at=first, until_at=last, zone=zone)
    then = gaps(areas, after, workers, from_at=first, until_at=last, zone=zone)
    for gap in opened(before, then):
        begins, ends = gap.from_at.astimezone(zone), gap.until_at.astimezone(zone)
        span = f"{begins:%m-%d %H:%M}–{ends:%H:%M}"
        found.append(
            _fault("gap", f"{gap.area} {span} 会缺岗", f"{gap.area} would be short {span}")
        )
    return tuple(sorted(found, key=lambda fault: not fault.refused))


def _fault(code: str, zh: str, en: str) -> Fault:
    return Fault(code=code, refused=True, zh=zh, en=en)
