import gc
import math
import random
import sys
from collections import deque
from itertools import cycle, islice

import psutil
import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from geo.ellipsoid import degree_metres
from geo.geodesic import geodesic_metres
from geo.moving import MovingIndex
from geo.point import Datum, DatumError, Point, metres

GUSU = Point(31.315, 120.633)

anywhere = st.builds(Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
# Few distinct places, so that people stand on one spot and ties are common.
crossroads = st.builds(
    lambda row, column: Point(31.310 + row * 0.001, 120.630 + column * 0.001),
    st.integers(0, 6),
    st.integers(0, 6),
)
old_town = st.builds(Point, lat=st.floats(31.30, 31.33), lon=st.floats(120.60, 120.65))
edges = st.builds(
    Point,
    lat=st.sampled_from([-90.0, -89.9999, 0.0, 31.3, 89.9999, 90.0]),
    lon=st.sampled_from([-180.0, -179.9999, -90.0, 0.0, 179.9999, 180.0]),
)
places = st.one_of(crossroads, old_town, anywhere, edges)
radii = st.one_of(
    st.just(math.inf), st.just(0.0), st.floats(0, 3000), st.floats(0, 2.1e7), st.just(2e7)
)


def measured_by_hand(
    people: dict[int, Point], origin: Point, k: int, within_m: float
) -> list[tuple[int, float]]:
    """Karney's geodesic to everybody, then sorted."""
    all_of_them = sorted((geodesic_metres(origin, at), key) for key, at in people.items())
    return [(key, m) for m, key in all_of_them if m <= within_m][:k]


def same(found: list[tuple[int, float]], by_hand: list[tuple[int, float]]) -> None:
    """The same people in the same order; metres to the millimetre that is promised."""
    assert [key for key, _ in found] == [key for key, _ in by_hand]
    for (_, ours), (_, theirs) in zip(found, by_hand, strict=True):
        assert abs(ours - theirs) < 1e-3


@given(
    people=st.lists(places, max_size=60),
    origin=places,
    k=st.integers(0, 8),
    within_m=radii,
    cell_m=st.sampled_from([1.0, 150.0, 40_000.0, 3e7, 1e9]),
)
def test_the_nearest_are_exactly_those_that_measuring_everybody_gives(
    people: list[Point], origin: Point, k: int, within_m: float, cell_m: float
) -> None:
    index: MovingIndex[int] = MovingIndex(cell_m=cell_m)
    for key, at in enumerate(people):
        index.insert(key, at)
    by_hand = measured_by_hand(dict(enumerate(people)), origin, k, within_m)
    same(index.nearest(origin, k=k, within_m=within_m), by_hand)


@given(people=st.lists(crossroads, min_size=1, max_size=40), origin=crossroads)
def test_a_filter_leaves_out_exactly_those_it_refuses_and_asks_once_each(
    people: list[Point], origin: Point
) -> None:
    index: MovingIndex[int] = MovingIndex()
    for key, at in enumerate(people):
        index.insert(key, at)
    asked: list[int] = []

    def odd(key: int) -> bool:
        asked.append(key)
        return key % 2 == 1

    found = index.nearest(origin, k=3, within_m=5000, accept=odd)
    odd_people = {key: at for key, at in enumerate(people) if key % 2}
    same(found, measured_by_hand(odd_people, origin, 3, 5000))
    assert len(asked) == len(set(asked))


class Walking(RuleBasedStateMachine):
    """Any order of coming, walking and going keeps the index equal to a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.index: MovingIndex[int] = MovingIndex(cell_m=100.0)
        self.people: dict[int, Point] = {}

    @rule(key=st.integers(0, 9), at=places)
    def somebody_reports_a_position(self, key: int, at: Point) -> None:
        if key in self.people:
            self.index.move(key, at)
        else:
            self.index.insert(key, at)
        self.people[key] = at

    @rule(key=st.integers(0, 9))
    def somebody_goes_off_duty(self, key: int) -> None:
        if key in self.people:
            self.index.remove(key)
            del self.people[key]
        else:
            with pytest.raises(KeyError):
                self.index.remove(key)

    @rule(origin=places, k=st.integers(1, 4))
    def the_desk_asks(self, origin: Point, k: int) -> None:
        by_hand = measured_by_hand(self.people, origin, k, math.inf)
        same(self.index.nearest(origin, k=k, within_m=math.inf), by_hand)

    @rule(origin=places, within_m=radii)
    def the_desk_looks_round(self, origin: Point, within_m: float) -> None:
        by_hand = measured_by_hand(self.people, origin, len(self.people), within_m)
        same(self.index.within(origin, within_m), by_hand)

    @invariant()
    def nothing_is_kept_of_those_who_left(self) -> None:
        assert set(self.index) == set(self.people)
        assert self.index.cells <= len(self.people)


TestWalking = Walking.TestCase
TestWalking.settings = settings(max_examples=40, stateful_step_count=40)


def test_memory_follows_the_people_and_not_where_they_have_been() -> None:
    index: MovingIndex[str] = MovingIndex()
    index.insert("wang", GUSU)
    for step in range(2_000):
        index.move("wang", Point(31.0 + step * 0.001, 120.0 + step * 0.001))
    assert (len(index), index.cells) == (1, 1)


@pytest.mark.parametrize(
    "origin",
    [Point(89.9, 10.0), Point(-89.0, -170.0), Point(0, 180), Point(31, -179.9), Point(70, 179)],
)
def test_nobody_is_missed_across_a_pole_or_the_date_line(origin: Point) -> None:
    everywhere = [Point(lat, lon) for lat in range(-90, 91, 9) for lon in range(-180, 180, 15)]
    index: MovingIndex[int] = MovingIndex(cell_m=200_000)
    for key, at in enumerate(everywhere):
        index.insert(key, at)
    by_hand = measured_by_hand(dict(enumerate(everywhere)), origin, 40, math.inf)
    same(index.nearest(origin, k=40, within_m=math.inf), by_hand)


def test_the_limit_distance_is_inside() -> None:
    index: MovingIndex[str] = MovingIndex()
    index.insert("wang", Point(31.318, 120.633))
    limit = geodesic_metres(GUSU, Point(31.318, 120.633))
    assert index.nearest(GUSU, k=1, within_m=limit) == [("wang", limit)]
    assert index.nearest(GUSU, k=1, within_m=math.nextafter(limit, 0)) == []


@settings(max_examples=40)
@given(
    k=st.integers(1, 50),
    seed=st.integers(0, 99),
    origin=st.one_of(old_town, crossroads),
    within_m=st.sampled_from([300.0, 4000.0, math.inf]),
)
def test_in_a_crowd_larger_than_one_cell_nobody_is_missed(
    k: int, seed: int, origin: Point, within_m: float
) -> None:
    chance = random.Random(seed)
    people = {
        key: Point(31.315 + chance.gauss(0, 0.004), 120.633 + chance.gauss(0, 0.004))
        for key in range(60)
    }
    index: MovingIndex[int] = MovingIndex()
    for key, at in people.items():
        index.insert(key, at)
    same(
        index.nearest(origin, k=k, within_m=within_m),
        measured_by_hand(people, origin, k, within_m),
    )


@pytest.mark.parametrize("middle", [GUSU, Point(-70, 179.999), Point(89.99, 60), Point(0, -180)])
def test_in_a_packed_square_no_edge_of_any_grid_hides_anybody(middle: Point) -> None:
    chance = random.Random(7)
    north_m, east_m = degree_metres(middle.lat)

    def somewhere(spread_m: float) -> Point:
        lat = middle.lat + chance.uniform(-spread_m, spread_m) / north_m
        lon = middle.lon + chance.uniform(-spread_m, spread_m) / east_m
        return Point(min(90.0, lat), (lon + 180.0) % 360.0 - 180.0)

    people = {key: somewhere(250.0) for key in range(400)}
    index: MovingIndex[int] = MovingIndex()
    for key, at in people.items():
        index.insert(key, at)
    for _ in range(60):
        origin, within_m = somewhere(300.0), chance.uniform(5.0, 300.0)
        by_hand = sorted((metres(origin, at), key) for key, at in people.items())
        same(index.within(origin, within_m), [(k, m) for m, k in by_hand if m <= within_m])
        same(index.nearest(origin, k=7, within_m=math.inf), [(k, m) for m, k in by_hand[:7]])


def test_a_nanometre_decides_and_is_measured_by_the_geodesic() -> None:
    # A ring about the origin: all chords lie within rounding of each other.
    index: MovingIndex[int] = MovingIndex()
    people: dict[int, Point] = {}
    for key in range(60):
        way = geodesic(meters=700).destination((GUSU.lat, GUSU.lon), bearing=key * 6)
        people[key] = Point(way.latitude, way.longitude)
        index.insert(key, people[key])
    same(
        index.nearest(GUSU, k=30, within_m=1000),
        measured_by_hand(people, GUSU, 30, 1000),
    )


def test_a_question_from_a_thousand_kilometres_away_is_answered_in_geodesic_order() -> None:
    chance = random.Random(5)
    people = {key: Point(31.3 + chance.random() / 20, 120.6) for key in range(300)}
    index: MovingIndex[int] = MovingIndex()
    for key, at in people.items():
        index.insert(key, at)
    for origin in (Point(39.9, 116.4), Point(-31.3, -59.4), Point(90, 0)):
        same(
            index.nearest(origin, k=5, within_m=math.inf),
            measured_by_hand(people, origin, 5, math.inf),
        )


def test_a_million_moves_of_a_few_people_leave_no_memory_behind() -> None:
    index: MovingIndex[int] = MovingIndex()
    places = [Point(31.3 + i * 0.000005, 120.6 + i * 0.000005) for i in range(1000)]
    for key in range(10):
        index.insert(key, places[key])
    process = psutil.Process()

    walking = map(index.move, cycle(range(10)), cycle(places))

    def walk(moves: int) -> None:
        deque(islice(walking, moves), maxlen=0)

    walk(20_000)
    gc.collect()
    before, blocks = process.memory_info().rss, sys.getallocatedblocks()
    walk(980_000)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 1_000
    assert process.memory_info().rss - before < 4_000_000
    assert index.cells <= 10


def test_two_at_one_distance_come_in_key_order() -> None:
    index: MovingIndex[str] = MovingIndex()
    for who in ("zhao", "li", "wang"):
        index.insert(who, GUSU)
    assert [who for who, _ in index.nearest(GUSU, k=2, within_m=10)] == ["li", "wang"]


def test_a_map_position_is_refused_by_the_index() -> None:
    index: MovingIndex[str] = MovingIndex()
    drawn = Point(31.315, 120.633, Datum.GCJ02)
    with pytest.raises(DatumError):
        index.insert("wang", drawn)
    with pytest.raises(DatumError):
        index_with_wang().nearest(drawn, k=1, within_m=10)


def test_the_same_person_is_not_put_in_twice() -> None:
    index = index_with_wang()
    with pytest.raises(KeyError):
        index.insert("wang", GUSU)
    with pytest.raises(KeyError):
        index.move("zhao", GUSU)


def test_a_refused_move_leaves_the_person_where_they_were() -> None:
    index = index_with_wang()
    with pytest.raises(DatumError):
        index.move("wang", Point(31.4, 120.7, Datum.BD09))
    assert index.position("wang") == GUSU
    assert len(index.nearest(GUSU, k=1, within_m=1)) == 1


def index_with_wang() -> MovingIndex[str]:
    index: MovingIndex[str] = MovingIndex()
    index.insert("wang", GUSU)
    return index
