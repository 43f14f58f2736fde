"""Shifts, cover, plans, sheets and swaps, without a database."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.staff.flow import coverage, sheet, swaps
from backend.staff.flow.coverage import Area, Span, holes
from backend.staff.flow.planning import Pattern, copied, from_patterns, plan, planned
from backend.staff.flow.shifts import Fault, Limits, Role, Shift, Worker, faults_of
from backend.staff.flow.swaps import Stand, Swap

HERE = ZoneInfo("Asia/Shanghai")
LI, WANG, SHEN = UUID(int=1), UUID(int=2), UUID(int=3)
LANES = Area(id=UUID(int=50), name="平江路片区", field_min=1, desk_min=1)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Monday 12:00 in Shanghai."""


def worker(person: UUID = LI, **more: Any) -> Worker:
    known = {
        "id": person, "name": {LI: "李明", WANG: "王芳", SHEN: "沈静"}[person],
        "badge": f"G{person.int}", "post": "desk" if person == SHEN else "field",
        "qualified_from": date(2025, 1, 1), "qualified_until": None,
    }  # fmt: skip
    return Worker(**{**known, **more})


EVERYBODY = {one: worker(one) for one in (LI, WANG, SHEN)}


def shift(
    from_h: float, hours: float = 8, person: UUID = LI, role: Role = "field", n: int = 0
) -> Shift:
    """So many hours after ``NOON``."""
    begins = NOON + timedelta(hours=from_h)
    made = planned(person, role, LANES.id, begins, begins + timedelta(hours=hours))
    return msgspec.structs.replace(made, id=UUID(int=1000 + n)) if n else made


def codes(found: tuple[Fault, ...]) -> list[str]:
    return [fault.code for fault in found]


def wrong(one: Shift, *others: Shift, who: Worker | None = None) -> list[str]:
    whose = who or EVERYBODY[one.person_id]
    return codes(faults_of(one, whose, others, limits=Limits(), zone=HERE))


# --- one shift ------------------------------------------------------------------------------


def test_two_shifts_of_one_person_cannot_overlap_and_may_touch() -> None:
    assert wrong(shift(0), shift(7, 8)) == ["overlap"]
    assert wrong(shift(0, 4), shift(4, 4)) == []
    assert wrong(shift(0), shift(7, 8, WANG)) == []


@pytest.mark.clause("4.2.4.2")
@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"qualified_from": None}, ["unqualified"]),
        ({"qualified_until": date(2026, 3, 1)}, ["unqualified"]),
        ({"qualified_until": date(2026, 3, 2)}, []),
        ({"qualified_from": date(2026, 3, 3)}, ["unqualified"]),
    ],
)
def test_nobody_is_rostered_on_a_day_without_qualification(
    more: dict[str, Any], fault: list[str]
) -> None:
    assert wrong(shift(0), who=worker(**more)) == fault


def test_a_qualification_that_ends_within_the_night_shift_does_not_carry_it() -> None:
    night = shift(8, 12)  # 20:00 to 08:00
    assert wrong(night, who=worker(qualified_until=date(2026, 3, 2))) == ["unqualified"]


def test_a_shift_needs_somebody_of_its_post_and_ends_after_it_begins() -> None:
    assert wrong(shift(0, role="desk")) == ["wrong_post"]
    assert wrong(shift(0, person=SHEN, role="desk_lead")) == []
    assert wrong(shift(0, hours=-1)) == ["ends_before"]
    assert wrong(shift(0, hours=25)) == ["over_a_day"]


def test_more_than_twelve_hours_or_less_than_eight_of_rest_is_a_warning() -> None:
    assert wrong(shift(0, 12)) == []
    assert wrong(shift(0, 12.5)) == ["too_long"]
    assert wrong(shift(8, 8), shift(0, 8)) == ["too_long"]  # two that touch are one stretch
    assert wrong(shift(15.5, 8), shift(0, 8)) == ["short_rest"]
    assert wrong(shift(16, 8), shift(0, 8)) == []
    [fault] = faults_of(shift(0, 13), worker(), [], limits=Limits(), zone=HERE)
    assert not fault.refused
    assert "13" in fault.zh
    assert "12" in fault.en


# --- cover ----------------------------------------------------------------------------------

MINUTES = 150
SPANS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-20, MINUTES + 20), st.integers(0, 90)), max_size=10
)


@pytest.mark.clause("4.1-c")
@given(SPANS, st.integers(0, 3))
def test_the_sweep_finds_the_same_minutes_as_looking_at_each(
    drawn: list[tuple[int, int, int]], at_least: int
) -> None:
    def at(minute: int) -> datetime:
        return NOON + timedelta(minutes=minute)

    spans = [Span(UUID(int=who), at(begin), at(begin + long)) for who, begin, long in drawn]
    found = holes(spans, at_least=at_least, from_at=at(0), until_at=at(MINUTES))
    short = {}
    for minute in range(MINUTES):
        there = {who for who, begin, long in drawn if begin <= minute < begin + long}
        if len(there) < at_least:
            short[minute] = len(there)
    swept = {
        int((hole.from_at - NOON).total_seconds() // 60) + n: hole.have
        for hole in found
        for n in range(int((hole.until_at - hole.from_at).total_seconds() // 60))
    }
    assert swept == short
    for one, then in pairwise(found):
        assert one.until_at < then.from_at or one.have != then.have


def gaps_of(
    *shifts: Shift, people: dict[UUID, Worker] | None = None, hours: float = 24
) -> list[Any]:
    found = coverage.gaps(
        [LANES], shifts, people or EVERYBODY, from_at=NOON,
        until_at=NOON + timedelta(hours=hours), zone=HERE,
    )  # fmt: skip
    return [(g.kind, (g.from_at - NOON).total_seconds() / 3600,
             (g.until_at - NOON).total_seconds() / 3600) for g in found]  # fmt: skip


@pytest.mark.clause("4.1-c")
def test_desk_and_field_are_covered_apart_and_a_lead_covers_the_desk() -> None:
    assert gaps_of(shift(0, 24), shift(0, 12, SHEN, "desk_lead")) == [("desk", 12.0, 24.0)]
    assert gaps_of(shift(0, 24, SHEN, "desk"), shift(1, 23)) == [("field", 0.0, 1.0)]


def test_time_without_qualification_covers_nothing() -> None:
    ends = {**EVERYBODY, LI: worker(qualified_until=date(2026, 3, 2))}
    assert gaps_of(shift(0, 24), shift(0, 24, SHEN, "desk"), people=ends) == [("field", 12.0, 24.0)]


@pytest.mark.clause("4.2.3")
@pytest.mark.parametrize(("homes", "enough"), [(1200, True), (1201, False), (0, True)])
def test_three_field_staff_are_enough_for_1200_homes_and_too_few_for_1201(
    homes: int, enough: bool
) -> None:
    three = [UUID(int=n) for n in (1, 2, 4)]
    people = {one: msgspec.structs.replace(worker(), id=one) for one in three}
    shifts = [shift(8 * n, 8, who) for n, who in enumerate(people)]
    found = coverage.strength(LANES, homes, shifts, people, now=NOON, zone=HERE)
    assert (found.staff, found.on_now, found.enough) == (3, 1, enough)
    assert found.wanted == -(-homes // 400)


# --- many at once ----------------------------------------------------------------------------


def night(**more: Any) -> Pattern:
    known = {
        "id": UUID(int=9), "person_id": LI, "role": "field", "area_id": LANES.id,
        "weekdays": (0, 3), "from_min": 20 * 60, "length_min": 720, "first_on": date(2026, 3, 2),
    }  # fmt: skip
    return Pattern(**{**known, **more})


def local(shifts: list[Shift]) -> list[str]:
    return [f"{one.from_at.astimezone(HERE):%m-%d %H:%M}" for one in shifts]


def test_a_weekly_pattern_gives_its_days_within_the_period() -> None:
    found = from_patterns([night()], from_on=date(2026, 3, 2), to_on=date(2026, 3, 9), zone=HERE)
    assert local(found) == ["03-02 20:00", "03-05 20:00", "03-09 20:00"]
    assert all(one.until_at - one.from_at == timedelta(hours=12) for one in found)


def test_every_second_week_is_counted_from_the_first() -> None:
    pattern = night(every_weeks=2, weekdays=(0,), last_on=date(2026, 3, 20))
    found = from_patterns([pattern], from_on=date(2026, 3, 1), to_on=date(2026, 4, 30), zone=HERE)
    assert local(found) == ["03-02 20:00", "03-16 20:00"]


def test_a_plan_shows_what_is_new_there_warned_and_refused_before_anything_is_written() -> None:
    wished = [shift(0), shift(0), shift(4), shift(8), shift(0, person=UUID(int=8))]
    people = {**EVERYBODY}
    found = plan(wished, [], people, now=NOON - timedelta(days=1), limits=Limits(), zone=HERE)
    assert [line.outcome for line in found] == ["new", "there", "refused", "warned", "refused"]
    assert codes(found[4].faults) == ["nobody"]


def test_what_is_over_cannot_be_planned() -> None:
    [line] = plan([shift(-9)], [], EVERYBODY, now=NOON, limits=Limits(), zone=HERE)
    assert codes(line.faults) == ["past"]


def test_a_copied_week_keeps_people_and_hours() -> None:
    week = [shift(8), shift(8 + 7 * 24)]
    found = copied(week, from_week=date(2026, 3, 4), to_week=date(2026, 3, 18), zone=HERE)
    assert local(found) == ["03-16 20:00"]
    assert found[0].person_id == LI


SHEET = """工号,岗位,片区,日期,开始,结束
G1,现场,平江路片区,2026-03-03,20:00,8:00
G3,内勤,,2026/3/3,08:00,24:00
G7,现场,平江路片区,2026-03-03,08:00,16:00
G1,保安,平江路片区,2026-03-03,08:00,16:00
G1,现场,别处,2026-03-03,08:00,16:00

G1,现场,平江路片区,2026-13-03,08:00,16:00
G1,现场,平江路片区,2026-03-04,8点,16:00
"""


def rows_of(text: str) -> list[sheet.Row]:
    people = {one.badge: one.id for one in EVERYBODY.values()}
    return sheet.read(text, people=people, areas={LANES.name: LANES.id}, zone=HERE)


def test_a_sheet_is_read_row_by_row_and_says_what_is_wrong_with_each() -> None:
    rows = rows_of("\ufeff" + SHEET)
    assert [(row.line, row.shift is not None) for row in rows] == [
        (2, True), (3, True), (4, False), (5, False), (6, False), (8, False), (9, False),
    ]  # fmt: skip
    first, second = rows[0].shift, rows[1].shift
    assert first is not None
    assert second is not None
    assert first.until_at - first.from_at == timedelta(hours=12)
    assert local([second]) == ["03-03 08:00"]
    assert second.until_at - second.from_at == timedelta(hours=16)
    assert "G7" in rows[2].zh
    assert all(row.zh and row.en for row in rows[2:])


def test_a_sheet_without_its_columns_is_refused_whole() -> None:
    with pytest.raises(sheet.WrongSheet, match="工号"):
        rows_of("姓名,日期\n李明,2026-03-03\n")
    with pytest.raises(sheet.WrongSheet):
        rows_of("")


@given(st.text(max_size=200))
def test_any_text_gives_rows_or_one_sentence(text: str) -> None:
    try:
        rows = rows_of(SHEET + text)
    except sheet.WrongSheet:
        return
    assert all(row.shift is not None or (row.zh and row.en) for row in rows)


# --- swaps ------------------------------------------------------------------------------------

MINE, THEIRS = shift(24, n=1), shift(48, person=WANG, n=2)
DESK = [shift(0, 96, SHEN, "desk", n=3)]


def swap(**more: Any) -> Swap:
    known = {
        "id": UUID(int=5), "asker": LI, "colleague": WANG, "mine": MINE, "theirs": THEIRS,
        "stand": Stand.ASKED,
    }  # fmt: skip
    return Swap(**{**known, **more})


def against(one: Swap, *roster: Shift, people: dict[UUID, Worker] | None = None) -> list[str]:
    found = swaps.judge(
        one, [*roster, *DESK], people or EVERYBODY, [LANES], now=NOON, limits=Limits(), zone=HERE
    )
    return codes(found)


def test_a_swap_hands_both_shifts_on_and_keeps_their_ids() -> None:
    assert against(swap(), MINE, THEIRS) == []
    assert [(one.id, one.person_id) for one in swaps.swapped(swap())] == [
        (MINE.id, WANG), (THEIRS.id, LI),
    ]  # fmt: skip


def test_a_swap_is_refused_for_overlap_missing_qualification_gap_or_change() -> None:
    busy = shift(26, 4, WANG, n=4)
    assert "overlap" in against(swap(theirs=None), MINE, busy)
    expired = {**EVERYBODY, WANG: worker(WANG, qualified_until=date(2026, 3, 2))}
    found = against(swap(theirs=None), MINE, people=expired)
    assert found == ["unqualified", "gap"]
    assert against(swap(), MINE) == ["changed"]
    assert against(swap(mine=shift(-1, n=1)), shift(-1, n=1), THEIRS) == ["begun"]
    assert "own_colleague" in against(swap(colleague=LI, theirs=None), MINE)
    assert "wrong_post" in against(swap(colleague=SHEN, theirs=None), MINE)


def test_short_rest_after_a_swap_is_for_the_lead_to_overlook() -> None:
    tight = shift(34, 4, WANG, n=4)
    found = swaps.judge(
        swap(theirs=None), [MINE, tight, *DESK], EVERYBODY, [LANES], now=NOON, limits=Limits(),
        zone=HERE,
    )  # fmt: skip
    assert [(fault.code, fault.refused) for fault in found] == [("short_rest", False)]


WORDS = ["accept", "decline", "withdraw", "approve", "refuse", "expire"]


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([LI, WANG, SHEN]))))
def test_a_swap_moves_only_through_its_steps_and_never_after_its_end(
    steps: list[tuple[str, UUID]],
) -> None:
    over = {Stand.DONE, Stand.DECLINED, Stand.REFUSED, Stand.WITHDRAWN, Stand.EXPIRED}
    now, accepted = swap(), False
    for what, by in steps:
        try:
            stand = swaps.step(now, what, by=by)
        except swaps.Refused:
            continue
        assert now.stand not in over
        accepted = accepted or (what == "accept" and by == WANG)
        assert stand is not Stand.DONE or accepted
        now = msgspec.structs.replace(now, stand=stand)
