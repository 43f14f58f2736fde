"""When a detector counts as silent, and when it is back: a fault, never an alarm (5.1.1.2-a).

Pure: times come in as values. A detector is silent when nothing at all of it was heard for 2.5
times its own interval, or when its own bridge or network says that it is away. Any sign of life
counts: a reading, a heartbeat, an event; what the broker had kept does not, it may be a year old.

We hear detectors through doors (the broker, the panels' line, pushes over HTTP). While a door is
shut on our side nobody behind it can be called silent, and after it opened again everybody behind
it has the whole time anew.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

SILENT_AFTER = 2.5
"""Times the detector's own interval (protocols section 8)."""
DEAF_AFTER_S = 60.0
"""▲ A door that was not seen open for so long was shut."""
LOOK_AGAIN_S = 60.0
"""▲ Behind a shut door a detector is looked at again after so long."""


class Door(StrEnum):
    """The way by which we hear a detector; each is open or shut on our side by itself."""

    BROKER = "broker"
    PANELS = "panels"
    PUSH = "push"


LINES = frozenset({"gb26875", "meokon"})
PUSHED = frozenset({"ctwing", "huawei", "hikvision", "dahua"})


def door_of(protocol: str) -> Door:
    """By which door a protocol's detectors are heard.

    >>> door_of("gb26875"), door_of("ctwing"), door_of("zigbee2mqtt")
    (<Door.PANELS: 'panels'>, <Door.PUSH: 'push'>, <Door.BROKER: 'broker'>)
    """
    if protocol in LINES:
        return Door.PANELS
    return Door.PUSH if protocol in PUSHED else Door.BROKER


class Ear(msgspec.Struct, frozen=True, kw_only=True):
    """One of our doors: open without a gap from ``since`` until it was last seen, ``last_at``."""

    since: datetime
    last_at: datetime

    def hears(self, at: datetime) -> bool:
        """Whether what comes now would be heard."""
        return (at - self.last_at).total_seconds() <= DEAF_AFTER_S


def listening(before: Ear | None, at: datetime) -> Ear:
    """The door is open now. After a gap it counts as open from now only."""
    if before is None or not before.hears(at):
        return Ear(since=at, last_at=at)
    return Ear(since=before.since, last_at=max(before.last_at, at))


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one watched detector.

    ``interval_s`` None: it speaks only when something happens, so its silence says nothing.
    ``since``: watched from then (commissioned, or out of maintenance). ``away_at``: when its
    bridge or network said that it is away. ``silent_at``: when it was called silent, with
    ``heard_before``, the last sign of life known then.
    """

    detector_id: UUID
    interval_s: int | None
    since: datetime
    heard_at: datetime | None = None
    away_at: datetime | None = None
    silent_at: datetime | None = None
    heard_before: datetime | None = None


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """Found silent. ``why``: ``silent`` (nothing for so long) or ``away`` (its bridge says so)."""

    detector_id: UUID
    why: str
    interval_s: int | None
    heard_at: datetime | None
    at: datetime


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """Heard again, at ``at``, after ``away_s`` seconds without a sign of life."""

    detector_id: UUID
    at: datetime
    away_s: float | None


def patience_s(interval_s: int) -> float:
    """How long a detector may say nothing.

    >>> patience_s(3600)
    9000.0
    """
    return SILENT_AFTER * interval_s


def due_at(life: Life, ear: Ear | None) -> datetime | None:
    """When it counts as silent unless it is heard before; None: never."""
    if life.interval_s is None:
        return None
    known = [life.since, *([life.heard_at] if life.heard_at else []), *([ear.since] if ear else [])]
    return max(known) + timedelta(seconds=patience_s(life.interval_s))


def rests(found: Silent, until: datetime, at: datetime) -> bool:
    """Whether a pause of the detector, over or not, explains its silence. ``until``: its end."""
    if at < until:
        return True
    if found.why == "away" or found.interval_s is None:
        return False
    return at < until + timedelta(seconds=patience_s(found.interval_s))


def said_away(life: Life) -> bool:
    """Its bridge says that it is away, and nothing was heard of it since."""
    return life.away_at is not None and (life.heard_at is None or life.heard_at < life.away_at)


def look(life: Life, ear: Ear | None, at: datetime) -> Silent | Back | datetime | None:
    """What a look at one detector finds.

    Returns:
        ``Silent`` or ``Back`` once for each change; else when to look again, or None: only when
        it is heard or its bridge says something.
    """
    if life.silent_at is not None:
        return _back(life)
    if said_away(life):
        return _silent(life, "away", at)
    if life.interval_s is None:
        return None
    if ear is None or not ear.hears(at):
        return at + timedelta(seconds=LOOK_AGAIN_S)
    due = due_at(life, ear)
    return _silent(life, "silent", at) if due is not None and due <= at else due


def _silent(life: Life, why: str, at: datetime) -> Silent:
    return Silent(
        detector_id=life.detector_id,
        why=why,
        interval_s=life.interval_s,
        heard_at=life.heard_at,
        at=at,
    )


def _back(life: Life) -> Back | None:
    if life.heard_at is None or said_away(life):
        return None
    if life.heard_before is not None and life.heard_at <= life.heard_before:
        return None
    away = life.heard_at - life.heard_before if life.heard_before else None
    return Back(
        detector_id=life.detector_id,
        at=life.heard_at,
        away_s=away.total_seconds() if away else None,
    )
