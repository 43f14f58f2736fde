"""The bench of the moving index asks what it says, and its town is the same every time."""

from backend.bench.geo import NEAREST, STEP_M, town
from geo.point import metres


def test_the_same_seed_makes_the_same_town_and_another_seed_another() -> None:
    first = town(50, seed=8, asked=5, moves=100)
    assert first == town(50, seed=8, asked=5, moves=100)
    assert first.people != town(50, seed=9, asked=5, moves=100).people
    assert NEAREST == 5


def test_people_walk_and_do_not_jump() -> None:
    crowd = town(20, seed=8, asked=1, moves=500)
    now = list(crowd.people)
    for who, at in crowd.moves:
        assert metres(now[who], at) < 10 * STEP_M
        now[who] = at
