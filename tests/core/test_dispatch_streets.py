"""The streets decide who is nearest: water, bridges, steps, and what one goes by."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.demo.town import build
from backend.dispatch.flow.choosing import Choice, Person, Policy, choose
from geo.point import Point, metres
from geo.streets import StreetNetwork

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def stands(n: int, at: Point) -> Person:
    known = {"staff_id": UUID(int=n), "name": f"p{n}", "badge": f"b{n}", "qualified": True}
    fix = {"fix": at, "accuracy_m": 8.0, "fix_at": NOW}
    return msgspec.convert(known | fix, Person)


def asked(door: Point, people: list[Point], streets: StreetNetwork | None, **goes: Any) -> Choice:
    crowd = [stands(n, at) for n, at in enumerate(people, start=1)]
    return choose(
        door,
        crowd,
        tried=frozenset(),
        preferred=None,
        now=NOW,
        policy=Policy(near_step_min=0.0, **goes),
        streets=streets,
    )


def first(choice: Choice) -> int:
    assert choice.chosen is not None
    return choice.chosen.staff_id.int


def test_in_the_demonstrations_town_a_canal_changes_who_is_nearest() -> None:
    town = build(1)
    streets = StreetNetwork.from_geojson(town.area["features"])
    homes = [home.at for home in town.households[::40]]
    changed = 0
    for door in homes[:12]:
        others = sorted((at for at in homes if at != door), key=lambda at: metres(door, at))[:6]
        by_line, by_streets = asked(door, others, None), asked(door, others, streets)
        assert by_line.chosen is not None
        assert by_line.chosen.basis == "straight-line"
        assert {c.basis for c in by_streets.candidates} == {"streets"}
        changed += first(by_line) != first(by_streets)
    assert changed >= 2, "people on the other bank are near only on paper"


def test_on_e_bikes_nobody_is_sent_over_the_steps_of_a_bridge() -> None:
    def way(highway: str, *spots: tuple[float, float]) -> dict[str, Any]:
        line = {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in spots]}
        return {"properties": {"highway": highway}, "geometry": line}

    south, north = (31.3150, 120.6330), (31.3155, 120.6330)
    streets = StreetNetwork.from_geojson(
        [
            way("steps", south, north),
            way("residential", north, (31.3155, 120.6430), (31.3150, 120.6430), south),
            way("residential", north, (31.3175, 120.6330)),
        ]
    )
    people = [Point(*south), Point(31.3175, 120.6330)]
    assert first(asked(Point(*north), people, streets)) == 1
    riding = asked(Point(*north), people, streets, riding=True)
    assert first(riding) == 2
    assert riding.chosen is not None
    assert riding.chosen.minutes is not None
    assert riding.chosen.metres is not None
    assert riding.chosen.minutes == round(riding.chosen.metres / 250.0, 2)
