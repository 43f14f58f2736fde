"""A calendar year in figures: what is counted, in which year, and that every sum agrees."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.documents.press import pdf_of
from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.vocabulary import SYSTEM, Handling, Kind, Place, State
from backend.incidents.yearly import (
    AREA,
    Episode,
    Figures,
    Recorded,
    Year,
    gaps,
    moved_by,
    recorded,
    statistics,
    year_of,
)
from backend.screens.yearbook import csv_of, grids, paper_of, register_csv
from tests.core.incident_steps import DESK, INCIDENT, LEAD, NEXT_DOOR, SECOND, START, Story, field
from tests.pdf import text_of

COMMUNITY, ELSEWHERE = UUID(int=70), UUID(int=71)
AREAS = {COMMUNITY: "历史街区社区"}
MIDNIGHT = datetime(2027, 1, 1, tzinfo=AREA)


def line(no: int, **more: object) -> Recorded:
    facts: dict[str, object] = {
        "id": UUID(int=no),
        "no": f"2026-{no:04d}",
        "kind": Kind.SMOKE,
        "place": Place(address="平江路 12 号", street="平江路", building_id=COMMUNITY),
        "emitted_at": START,
        "episodes": (Episode(detector_id=UUID(int=no), kind=Kind.SMOKE, at=START),),
    }
    return Recorded(**(facts | more))  # type: ignore[arg-type]


def counted(*lines: Recorded, year: int = 2026) -> Year:
    return statistics(year, lines, areas=AREAS, issued={})


def of(rows: tuple[Figures, ...]) -> dict[str, tuple[int, int]]:
    """Episodes and incidents by key."""
    return {row.key: (row.episodes, row.incidents) for row in rows}


def told(story: Story, state: State | None = None) -> Recorded:
    found = recorded(INCIDENT, state or story.state.state, story.events, moved=frozenset())
    assert found is not None
    return found


@pytest.mark.clause("6.3.7.3-a")
def test_an_alert_one_second_before_the_new_year_belongs_to_the_old_one_for_ever() -> None:
    eve = line(
        1,
        emitted_at=MIDNIGHT - timedelta(seconds=1),
        released_at=MIDNIGHT + timedelta(hours=3),
        outcome="real",
        episodes=(
            Episode(detector_id=UUID(int=1), kind=Kind.SMOKE, at=MIDNIGHT - timedelta(seconds=1)),
            Episode(detector_id=UUID(int=2), kind=Kind.GAS, at=MIDNIGHT + timedelta(minutes=4)),
        ),
    )
    first = line(
        2,
        emitted_at=MIDNIGHT,
        episodes=(Episode(detector_id=UUID(int=3), kind=Kind.SMOKE, at=MIDNIGHT),),
    )
    assert MIDNIGHT.astimezone(UTC).year == 2026, "the year is the area's, not Greenwich's"
    old, new = counted(eve, first), counted(eve, first, year=2027)
    assert of(old.kinds) == {"smoke": (1, 1)}
    assert of(new.kinds) == {"smoke": (1, 1), "gas": (1, 0)}
    assert (old.total.real, new.total.real) == (1, 0)
    assert of(old.months)["12"] == (1, 1)
    assert of(new.months)["1"] == (2, 1)


@pytest.mark.clause("6.3.7.3-b")
def test_a_merged_incident_counts_with_its_winner_and_its_alarm_by_its_own_kind() -> None:
    loser = Story(Kind.GAS)
    loser.say(LEAD, c.Merge(into=UUID(int=99), reason="同一处"), other_open=True)
    assert told(loser).outcome == "merged"
    winner = Story()
    moved = c.NewAlarm(
        detector_id=SECOND, label="厨房", kind=Kind.GAS, quantity="gas", emitted_at=START
    )
    winner.say(SYSTEM, c.Absorb(source=UUID(int=2), no="x", detectors=(moved,), alarming=(SECOND,)))
    assert SECOND in winner.state.detectors
    year = counted(told(winner), told(loser))
    assert of(year.kinds) == {"smoke": (1, 1), "gas": (1, 0)}
    assert (year.total.incidents, year.total.episodes, year.merged) == (1, 2, 1)


def test_a_home_that_is_split_off_is_an_incident_but_no_new_alarm() -> None:
    story = Story()
    story.say(
        SYSTEM,
        c.NewAlarm(
            detector_id=SECOND, label="西", kind=Kind.SMOKE, quantity="smoke", emitted_at=START,
            household_id=NEXT_DOOR,
        ),
    )  # fmt: skip
    [gone] = [
        ev
        for ev in story.say(LEAD, c.Split(household_id=NEXT_DOOR, reason="两家人"))
        if isinstance(ev.fact, e.SplitOff)
    ]
    raised = msgspec.structs.replace(
        story.events[0].fact,
        detector_id=SECOND,
        emitted_at=gone.received_at,
    )
    other = msgspec.structs.replace(story.events[0], fact=raised)
    split = recorded(UUID(int=2), State.DISPATCHING, [other], moved=moved_by([gone]))
    assert split is not None
    year = counted(told(story), split)
    assert (year.total.incidents, year.total.episodes) == (2, 2)


@pytest.mark.clause("6.3.7.3-b")
def test_drills_are_left_out_and_false_alarms_stand_apart() -> None:
    false = Story()
    false.on_scene()
    false.say(field(), c.FieldDeclaresFalse(no_photo_reason="看过"))
    false.say(DESK, c.DeskReleaseFalse())
    drill = told(Story(handling=Handling.EXERCISE))
    exercises = (line(4, outcome="drill", drill=True), msgspec.structs.replace(drill, drill=True))
    year = counted(told(false), line(2, outcome="real"), line(3), *exercises)
    total = year.total
    assert (total.incidents, total.real, total.false, total.open) == (3, 1, 1, 1)
    assert (total.episodes, year.drills) == (3, 2)


def test_a_marked_drill_knows_it_by_itself() -> None:
    story = Story(at_once=False)
    story.say(LEAD, c.MarkDrill())
    assert told(story).drill


def test_an_incident_that_a_late_word_opened_has_no_alarm_of_its_own() -> None:
    late = told(Story(late_cause="report_trapped"))
    year = counted(late)
    assert (year.total.incidents, year.total.episodes) == (1, 0)


def test_times_are_nearest_rank_and_held_against_one_three_and_five_minutes() -> None:
    lines = [line(n, after_s={"first": float(n * 10), "released": 60.0 * n}) for n in range(1, 11)]
    year = counted(*lines, line(11))
    times = {one.code: one for one in year.times}
    first = times["first"]
    assert (first.count, first.median_s, first.p90_s, first.within) == (10, 50.0, 90.0, 6)
    assert [times[code].limit_s for code in ("first", "station", "joint")] == [60.0, 180.0, 300.0]
    assert (times["station"].count, times["station"].median_s) == (0, None)


def test_who_presented_claimed_and_arrived_when_is_read_from_the_journal() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.say(DESK, c.DispatchNow(reason="x"))
    story.on_scene()
    after = told(story).after_s
    assert after["presented"] == 2.0  # a step of a story takes a second
    assert after["first"] >= 0
    assert "released" not in after


@pytest.mark.clause("6.3.7.3-a")
def test_a_number_that_was_given_out_and_is_in_no_record_is_a_gap() -> None:
    issued = {date(2026, 3, 2): 3, date(2025, 12, 31): 9}
    assert gaps(2026, ["20260302-0001", "20260302-0003"], issued) == ("20260302-0002",)
    assert gaps(2026, [f"20260302-000{n}" for n in (1, 2, 3)], issued) == ()


def test_an_area_is_the_community_else_the_street() -> None:
    far = line(2, place=Place(address="x", street="白塔东路", building_id=ELSEWHERE))
    nowhere = line(3, place=Place(address="x"))
    assert of(counted(line(1), far, nowhere).areas) == {
        "历史街区社区": (1, 1), "白塔东路": (1, 1), "": (1, 1),
    }  # fmt: skip


MOMENTS = st.integers(0, 39_000_000).map(
    lambda s: datetime(2025, 11, 1, tzinfo=UTC) + timedelta(seconds=s)
)
EPISODES = st.builds(
    Episode,
    detector_id=st.uuids(version=4),
    kind=st.sampled_from(Kind),
    at=MOMENTS,
)


@st.composite
def lines(draw: st.DrawFn) -> Recorded:
    outcome = draw(st.sampled_from(["real", "false", "open", "merged", "drill"]))
    return line(
        draw(st.integers(1, 10_000)),
        kind=draw(st.sampled_from(Kind)),
        place=Place(
            address="x",
            street=draw(st.sampled_from(["平江路", "白塔东路", ""])),
            building_id=draw(st.sampled_from([COMMUNITY, ELSEWHERE, None])),
        ),
        emitted_at=draw(MOMENTS),
        outcome=outcome,
        drill=outcome == "drill",
        sealed=draw(st.booleans()),
        episodes=tuple(draw(st.lists(EPISODES, max_size=4))),
        after_s=draw(st.dictionaries(st.sampled_from(["first", "released"]), st.floats(0, 9000))),
    )


@pytest.mark.clause("6.3.7.3-b")
@settings(max_examples=25, deadline=None)
@given(st.lists(lines(), max_size=12))
def test_every_sum_equals_the_register(register: list[Recorded]) -> None:
    years = [counted(*register, year=year) for year in (2025, 2026, 2027)]
    for year in years:
        for rows in (year.kinds, year.areas, year.months):
            for field_ in ("episodes", "incidents", "real", "false", "open", "sealed"):
                total = sum(getattr(row, field_) for row in rows)
                assert total == getattr(year.total, field_), field_
        total = year.total
        assert total.real + total.false + total.open == total.incidents
        assert sum(map(sum, year.months_by_kind.values())) == total.episodes
        for one in year.times:
            assert one.within <= one.count <= total.incidents
            assert one.median_s is None or one.p90_s is None or one.median_s <= one.p90_s
    real = [ln for ln in register if not ln.drill]
    assert sum(y.total.incidents for y in years) == sum(ln.outcome != "merged" for ln in real)
    assert sum(y.total.episodes for y in years) == sum(len(ln.episodes) for ln in real)
    assert sum(y.merged for y in years) + sum(y.drills for y in years) == sum(
        ln.drill or ln.outcome == "merged" for ln in register
    )


def test_the_table_and_the_paper_say_the_same_figures() -> None:
    year = counted(line(1, outcome="real"), line(2, outcome="false"), line(3))
    text = csv_of(year)
    assert text.startswith("\ufeff2026 年预警统计")
    assert "合计,3,3,1,1,1,50.0%,0" in text
    paper = paper_of(year, events=9, handling="actual", author="顾敏", at=START)
    printed = text_of(pdf_of(paper, "街安统计〔2026〕1号"))
    for words in ("年度预警统计", "按预警类型", "历史街区社区", "50.0%", "连续，无缺号"):
        assert words in printed, words
    assert all(len(row) == len(grid.columns) for grid in grids(year) for row in grid.rows)


def test_a_cell_that_a_spreadsheet_would_calculate_stays_a_text() -> None:
    nasty = line(1, place=Place(address="x", street="=HYPERLINK(1)"))
    assert ",'=HYPERLINK(1)," in register_csv([nasty], {})


def test_the_year_of_an_instant_is_the_areas() -> None:
    assert year_of(MIDNIGHT - timedelta(microseconds=1)) == 2026
    assert year_of(MIDNIGHT) == 2027
