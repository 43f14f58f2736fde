"""A detector's life, what its model must have before it may serve, and how long it may rest. Pure.

planned → active ⇄ faulty; from each of them → replaced (by another detector, which the record
names) or retired. Those two are the end: the address is free for another detector and the history
stays readable. ``muted`` is not stored: a mute has an end of its own, so it is what a detector in
service is shown as while one stands.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec


class State(StrEnum):
    """Where a detector stands in its life."""

    PLANNED = "planned"
    ACTIVE = "active"
    FAULTY = "faulty"
    MUTED = "muted"
    REPLACED = "replaced"
    RETIRED = "retired"


class Act(StrEnum):
    """What somebody does to a detector."""

    COMMISSION = "commission"
    REPORT_FAULT = "report_fault"
    REPAIR = "repair"
    REPLACE = "replace"
    RETIRE = "retire"


RULES: dict[tuple[State, Act], State] = {
    (State.PLANNED, Act.COMMISSION): State.ACTIVE,
    (State.ACTIVE, Act.REPORT_FAULT): State.FAULTY,
    (State.FAULTY, Act.REPAIR): State.ACTIVE,
    (State.ACTIVE, Act.REPLACE): State.REPLACED,
    (State.FAULTY, Act.REPLACE): State.REPLACED,
    (State.PLANNED, Act.RETIRE): State.RETIRED,
    (State.ACTIVE, Act.RETIRE): State.RETIRED,
    (State.FAULTY, Act.RETIRE): State.RETIRED,
}
"""Every step there is."""

OVER = frozenset({State.REPLACED, State.RETIRED})
"""Not in service any more, and never again."""
WITH_REASON = frozenset({Act.REPORT_FAULT, Act.REPLACE, Act.RETIRE})

SENSING_CLASSES = ("fire", "safety", "environment")
"""消防, 公共安全, 公共环境: the sensing classes of 7.1.2."""
LINKS = ("optical", "mobile", "lpwan", "broadcast", "internet")
"""光通信, 移动通信, 低功耗广域, 广播电视, 公共互联网: the networks of 7.1.3."""
CLASS_OF_KIND = {
    "smoke": "fire", "gas": "fire", "electric": "fire", "hydrant": "fire",
    "door": "safety", "structure": "safety", "water": "environment",
}  # fmt: skip
"""▲ What a model of a kind is unless its own record says otherwise."""
STANDARDS = ("GB 16796", "GB/T 30148")
"""5.1.1.3."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a model shows for 5.1.1.3: a number under a standard, or a manager's waiver ▲."""

    number: str | None = None
    until: date | None = None
    waived_by: str | None = None


class Refused(Exception):
    """The step is not allowed. ``why``: ``step``, ``no-model``, ``no-certificate``,
    ``certificate-over``, ``reason`` or ``successor``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def lacking(certificate: Certificate | None, today: date) -> str | None:
    """Why a detector of this model may not be put in service; None when it may.

    Args:
        certificate: of its model; None where the detector has no model in the register.
        today: the day in the area.
    """
    if certificate is None:
        return "no-model"
    if certificate.waived_by:
        return None
    if not (certificate.number or "").strip():
        return "no-certificate"
    if certificate.until is not None and certificate.until < today:
        return "certificate-over"
    return None


def step(
    state: State,
    act: Act,
    *,
    certificate: Certificate | None,
    today: date,
    reason: str = "",
    successor: bool = False,
) -> State:
    """Where one act leads.

    Args:
        state: as stored.
        successor: the act names the detector that takes this one's place.

    Raises:
        Refused: no rule joins the two, or something that the act needs is missing.
    """
    then = RULES.get((state, act))
    if then is None:
        raise Refused("step")
    if act in WITH_REASON and not reason.strip():
        raise Refused("reason")
    if act is Act.REPLACE and not successor:
        raise Refused("successor")
    if act is Act.COMMISSION and (why := lacking(certificate, today)):
        raise Refused(why)
    return then


def acts_from(state: State) -> tuple[Act, ...]:
    """What may be done to a detector in this state, in the order of the rules."""
    return tuple(act for before, act in RULES if before == state)


LIFE = frozenset({"smoke", "gas"})
"""Kinds whose silence may cost a life within the hour."""
LIFE_WINDOW_H = 4
WINDOW_H = 24
SESSION_H = 1
AHEAD = timedelta(days=30)
"""▲ All four: how long a window may be, a test session, and how far ahead one is planned."""


def most_hours(flag: str, kinds: Iterable[str]) -> int:
    """How many hours a pause may last that concerns detectors of these kinds.

    >>> most_hours("maintenance", ["water", "smoke"]), most_hours("maintenance", ["water"])
    (4, 24)
    >>> most_hours("test", ["water"])
    1
    """
    if flag == "test":
        return SESSION_H
    return LIFE_WINDOW_H if LIFE.intersection(kinds) else WINDOW_H


class PauseRefused(Exception):
    """``why``: ``backwards``, ``past``, ``too-long`` or ``too-far``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check_pause(
    flag: str, kinds: Iterable[str], begins_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """Whether such a pause may be made. Times UTC.

    Raises:
        PauseRefused: it may not.
    """
    if ends_at <= begins_at:
        raise PauseRefused("backwards")
    if ends_at <= now:
        raise PauseRefused("past")
    if begins_at > now + AHEAD:
        raise PauseRefused("too-far")
    # from now on where it began before now: nobody lengthens a window by dating it back
    if ends_at - max(begins_at, now) > timedelta(hours=most_hours(flag, kinds)):
        raise PauseRefused("too-long")
