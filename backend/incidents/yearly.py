"""A calendar year of alerts in figures (6.3.7.3): by kind, by area, by month. Pure.

How it is counted:

* the year is that of the local date on which an alert was emitted; an incident that goes on over
  New Year counts once, in the old year, and a detector that joins it after midnight in the new;
* an **episode** is one detector's alarm. Episodes count by their own kind, wherever they were
  handled; what only moved (a merged incident's detectors, a home that was split off) is no new
  alarm;
* an **incident** counts once. The loser of a merge is not counted: the winner stands for it;
* drills are left out, of everything but the check of the numbers.

Source: 6.3.7.3 asks for years without a gap and for kinds; areas, months, times are ours ▲.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.marks import marks
from backend.incidents.flow.vocabulary import Kind, Place, State

AREA = ZoneInfo("Asia/Shanghai")
PRESENTED_S, CLAIMED_S = 2.0, 15.0
COUNTED = (
    e.AlertRaised, e.EpisodeAdded, e.DeskPresented, e.IncidentClaimed, e.ArrivedOnScene,
    e.VehicleCame, e.CommandHeld, e.Released, e.Merged, e.Absorbed, e.DrillMarked, e.DrillEnded,
)  # fmt: skip
"""The events that a year is counted from."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm of one detector; ``at`` is its emission, UTC."""

    detector_id: UUID
    kind: Kind
    at: datetime


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the register. ``outcome``: real, false, merged, drill, or open.

    Times in ``after_s`` are seconds from emission: presented, claimed, first, station, joint,
    released; those that did not happen are missing.
    """

    id: UUID
    no: str
    kind: Kind
    place: Place
    emitted_at: datetime
    released_at: datetime | None = None
    outcome: str = "open"
    category: str = ""
    sealed: bool = False
    drill: bool = False
    episodes: tuple[Episode, ...] = ()
    after_s: Mapping[str, float] = {}

    @property
    def counts(self) -> bool:
        """Whether it is an incident of its own in the statistics."""
        return not self.drill and self.outcome != "merged"


class Spread(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How long something took, over those incidents in which it happened (``count``).

    Median and 90th percentile by nearest rank, s; ``within`` of them kept ``limit_s``.
    """

    code: str
    limit_s: float | None
    count: int
    median_s: float | None
    p90_s: float | None
    within: int


class Figures(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row: a kind, an area, a month, or the whole. ``real + false + open == incidents``."""

    key: str
    episodes: int
    incidents: int
    real: int
    false: int
    open: int
    sealed: int


class Year(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A year's statistics. ``gaps`` are numbers that were given out and that no record has."""

    year: int
    total: Figures
    kinds: tuple[Figures, ...]
    areas: tuple[Figures, ...]
    months: tuple[Figures, ...]
    """Always twelve, ``key`` 1 to 12."""
    months_by_kind: Mapping[str, tuple[int, ...]]
    """Episodes of each kind in each of the twelve months."""
    times: tuple[Spread, ...]
    drills: int
    merged: int
    gaps: tuple[str, ...]


def recorded(
    incident_id: UUID, state: State, journal: Sequence[e.Event], *, moved: frozenset[object]
) -> Recorded | None:
    """The register's line of one incident; None where its alarm is not in ``journal``.

    Args:
        journal: its events of the ``COUNTED`` types, oldest first.
        moved: ``moved_by`` all splits of the time: alarms that were counted where they came from.
    """
    first = journal[0].fact if journal else None
    if not isinstance(first, e.AlertRaised):
        return None
    taken_over = {ev.command_id for ev in journal if isinstance(ev.fact, e.Absorbed)}
    alarms = [
        Episode(detector_id=ev.fact.detector_id, kind=ev.fact.kind, at=ev.fact.emitted_at)
        for ev in journal
        if isinstance(ev.fact, e.AlertRaised | e.EpisodeAdded)
        and ev.command_id not in taken_over
        and (ev.fact.detector_id, ev.fact.emitted_at) not in moved
        # a person's late word opened it; no detector said anything new
        and not (isinstance(ev.fact, e.AlertRaised) and ev.fact.late_cause)
    ]
    line = Recorded(
        id=incident_id,
        no=first.no,
        kind=first.kind,
        place=first.place,
        emitted_at=first.emitted_at,
        sealed=state is State.ARCHIVED,
        drill=any(isinstance(ev.fact, e.DrillMarked | e.DrillEnded) for ev in journal),
        episodes=tuple(dict.fromkeys(alarms)),
    )
    after = {m.code: m.after_s for m in marks(first.emitted_at, journal) if m.after_s is not None}
    for ev in journal:
        took = (ev.received_at - first.emitted_at).total_seconds()
        match ev.fact:
            case e.DeskPresented(after_ms=after_ms):
                after.setdefault("presented", after_ms / 1000)
            case e.IncidentClaimed():
                after.setdefault("claimed", took)
            case e.Merged():
                line = _ended(line, ev, "merged", "merged")
            case e.Released(how=how, category=category):
                after["released"] = took
                line = _ended(line, ev, how, category)
            case _:
                pass
    return msgspec.structs.replace(line, after_s={k: max(0.0, s) for k, s in after.items()})


def _ended(line: Recorded, event: e.Event, outcome: str, category: str) -> Recorded:
    return msgspec.structs.replace(
        line, released_at=event.received_at, outcome=outcome, category=category
    )


def moved_by(splits: Iterable[e.Event]) -> frozenset[object]:
    """The alarms under which split-off homes began anew: (detector, moment of the split)."""
    return frozenset(
        (detector_id, event.received_at)
        for event in splits
        if isinstance(event.fact, e.SplitOff)
        for detector_id in event.fact.detector_ids
    )


def year_of(at: datetime) -> int:
    """The calendar year of an instant, where the service works."""
    return at.astimezone(AREA).year


def statistics(
    year: int,
    register: Iterable[Recorded],
    *,
    areas: Mapping[UUID, str],
    issued: Mapping[date, int],
) -> Year:
    """Count one year.

    Args:
        year: the calendar year.
        register: every incident emitted in the year and every one that a detector joined in it,
            drills with them; others are passed over.
        areas: names of areas by building; where there is none, the place's street is taken.
        issued: the last number that was given out, by day; only days of ``year`` matter.
    """
    lines = list(register)
    counted = [line for line in lines if not line.drill]
    ours = [line for line in counted if line.counts and year_of(line.emitted_at) == year]
    alarms = [
        (alarm, line) for line in counted for alarm in line.episodes if year_of(alarm.at) == year
    ]

    def area(line: Recorded) -> str:
        known = areas.get(line.place.building_id) if line.place.building_id else None
        return known or line.place.street

    def rows(
        of_line: Callable[[Recorded], str], of_alarm: Callable[[Episode, Recorded], str]
    ) -> tuple[Figures, ...]:
        keys = {of_line(line) for line in ours} | {of_alarm(a, line) for a, line in alarms}
        episodes = Counter(of_alarm(a, line) for a, line in alarms)
        found = [
            _figures(key, [ln for ln in ours if of_line(ln) == key], episodes[key]) for key in keys
        ]
        return tuple(sorted(found, key=lambda f: (-f.episodes, -f.incidents, f.key)))

    by_month = {
        f.key: f
        for f in rows(lambda ln: str(_month(ln.emitted_at)), lambda a, _line: str(_month(a.at)))
    }
    spans = Counter((a.kind.value, _month(a.at)) for a, _line in alarms)
    return Year(
        year=year,
        total=_figures("", ours, len(alarms)),
        kinds=rows(lambda ln: ln.kind.value, lambda a, _line: a.kind.value),
        areas=rows(area, lambda _alarm, ln: area(ln)),
        months=tuple(by_month.get(str(m), _figures(str(m), [], 0)) for m in range(1, 13)),
        months_by_kind={
            kind: tuple(spans[kind, m] for m in range(1, 13))
            for kind in sorted({k for k, _ in spans})
        },
        times=tuple(_spread(code, limit_s, ours) for code, limit_s in LIMITS),
        drills=sum(line.drill and year_of(line.emitted_at) == year for line in lines),
        merged=sum(
            line.outcome == "merged" and year_of(line.emitted_at) == year for line in counted
        ),
        gaps=gaps(year, (line.no for line in lines), issued),
    )


LIMITS: tuple[tuple[str, float | None], ...] = (
    ("presented", PRESENTED_S),
    ("claimed", CLAIMED_S),
    ("first", 60.0),
    ("station", 180.0),
    ("joint", 300.0),
    ("released", None),
)
"""4.1-c's 2 s; our claim clock ▲; the fire services' habit of 1, 3 and 5 minutes ▲."""


def gaps(year: int, present: Iterable[str], issued: Mapping[date, int]) -> tuple[str, ...]:
    """Numbers of the year that were given out and are in no record (6.3.7.3: without a gap).

    Args:
        present: numbers of all records, drills with them, as ``YYYYMMDD-NNNN``.
    """
    known = set(present)
    given = (
        f"{day:%Y%m%d}-{n:04d}"
        for day, last in sorted(issued.items())
        if day.year == year
        for n in range(1, last + 1)
    )
    return tuple(no for no in given if no not in known)


def _month(at: datetime) -> int:
    return at.astimezone(AREA).month


def _figures(key: str, lines: Sequence[Recorded], episodes: int) -> Figures:
    how = Counter(line.outcome for line in lines)
    return Figures(
        key=key,
        episodes=episodes,
        incidents=len(lines),
        real=how["real"],
        false=how["false"],
        open=len(lines) - how["real"] - how["false"],
        sealed=sum(line.sealed for line in lines),
    )


def _spread(code: str, limit_s: float | None, lines: Iterable[Recorded]) -> Spread:
    took = sorted(line.after_s[code] for line in lines if code in line.after_s)
    return Spread(
        code=code,
        limit_s=limit_s,
        count=len(took),
        median_s=_rank(took, 0.5),
        p90_s=_rank(took, 0.9),
        within=len(took) if limit_s is None else sum(s <= limit_s for s in took),
    )


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that ``share`` of all do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
