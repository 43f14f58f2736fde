"""The nearest five of many moving people: our index, rtree, PostgreSQL and a plain scan.

All people walk in one old town of 5 km × 5 km, so a larger number is also a denser crowd. Every
contestant gets the same people, the same questions and the same steps, one after the other on
one core:

- ours: ``geo.moving.MovingIndex``; the geodesic on the ellipsoid, exact.
- rtree: libspatialindex in memory; metres on a flat map, so nearly exact; a move is delete and
  insert, as it knows no other.
- PostgreSQL: the embedded server, core ``point`` with GiST and ``<->``, which is what PostGIS's
  KNN does; flat map; one round trip over loopback per question; moves in transactions of 1,000
  on a table that is synced to disk, which the others never do.
- a plain scan: the truth that ours is compared with. ``geo.point.metres`` to everybody, good to
  a millimetre; those who may be among the nearest are measured again by geopy's geodesic, and ours
  must name the same people in the same order, and their metres to a millimetre.

Questions are asked in rounds, moves made in parts, and of each contestant the round and the part
that was least disturbed counts: the machine has other work, and all suffer from it alike.
"""

import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from rtree.index import Index

from backend.bench.figures import percentile
from backend.settings import DatabaseSettings
from backend.shared.postgres import EmbeddedPostgres
from geo.geodesic import geodesic_metres
from geo.moving import MovingIndex
from geo.point import Point, metres

NUMBERS = (1_000, 20_000, 200_000)
CENTRE = Point(31.3150, 120.6330)
SIDE_M = 5_000.0
NEAREST = 5
WITHIN_M = 5_000.0
ROUNDS = 7
STEP_M = 3.0
"""Standard deviation of one move: a few seconds on foot."""
_NORTH_M = 111_194.9
_EAST_M = _NORTH_M * math.cos(math.radians(CENTRE.lat))

Flat = tuple[float, float]
Box = tuple[float, float, float, float]


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """One seed's people and what happens to them.

    Args:
        people: where each number stands at first.
        asked: from where help is needed.
        moves: who goes where, in order.
    """

    people: list[Point]
    asked: list[Point]
    moves: list[tuple[int, Point]]


def town(number: int, *, seed: int, asked: int, moves: int) -> Town:
    """The same town for the same arguments; steps begin where the last one ended."""
    chance = random.Random(seed)  # noqa: S311 - a crowd, no secret
    half_lat, half_lon = SIDE_M / _NORTH_M / 2, SIDE_M / _EAST_M / 2

    def anywhere() -> Point:
        return Point(
            CENTRE.lat + chance.uniform(-half_lat, half_lat),
            CENTRE.lon + chance.uniform(-half_lon, half_lon),
        )

    people = [anywhere() for _ in range(number)]
    now, steps = list(people), []
    for _ in range(moves):
        who = chance.randrange(number)
        north, east = chance.gauss(0, STEP_M), chance.gauss(0, STEP_M)
        now[who] = Point(now[who].lat + north / _NORTH_M, now[who].lon + east / _EAST_M)
        steps.append((who, now[who]))
    return Town(people=people, asked=[anywhere() for _ in range(asked)], moves=steps)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one number of people; times in microseconds per question, moves per second."""

    p50_us: float
    p99_us: float
    moves_per_s: float
    exact: bool
    rtree_p50_us: float
    rtree_moves_per_s: float
    postgres_p50_us: float
    postgres_moves_per_s: float


async def measure(*, seed: int, numbers: Sequence[int] = NUMBERS) -> dict[str, Figures]:
    """Run all contestants for each number of people; about two minutes.

    Raises:
        PostgresFailed: the embedded server did not start.
    """
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="jiean-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        server.launch()
        try:
            await server.ready()
            for number in numbers:
                crowd = town(number, seed=seed, asked=2_000, moves=100_000)
                found[str(number)] = await _one(crowd, server)
        finally:
            await server.stop()
    return found


async def _one(crowd: Town, server: EmbeddedPostgres) -> Figures:
    number = len(crowd.people)
    index: MovingIndex[int] = MovingIndex()
    for who, at in enumerate(crowd.people):
        index.insert(who, at)

    def ask(origin: Point) -> list[tuple[int, float]]:
        return index.nearest(origin, k=NEAREST, within_m=WITHIN_M)

    moves_per_s = _moves(index.move, crowd.moves)
    ours = _times(ask, crowd.asked)

    now = list(crowd.people)
    for who, at in crowd.moves:
        now[who] = at
    scanned = max(10, min(200, 2_000_000 // number))
    truth: dict[Point, list[tuple[float, int]]] = {}

    def scan(origin: Point) -> None:
        near = sorted((metres(origin, at), who) for who, at in enumerate(now))
        truth[origin] = near[: 2 * NEAREST]

    scan_us = _times(scan, crowd.asked[:scanned], rounds=1)
    exact = all(_same(origin, ask(origin), near, now) for origin, near in truth.items())

    rtree_us, rtree_moves = _rtree(crowd)
    postgres_us, postgres_moves = await _postgres(crowd, server)
    figures = Figures(
        p50_us=_us(ours, 0.5),
        p99_us=_us(ours, 0.99),
        moves_per_s=round(moves_per_s),
        exact=exact,
        rtree_p50_us=_us(rtree_us, 0.5),
        rtree_moves_per_s=round(rtree_moves),
        postgres_p50_us=_us(postgres_us, 0.5),
        postgres_moves_per_s=round(postgres_moves),
    )
    print(
        f"[街安] {number:>7} 人 people: ours {figures.p50_us} µs (p99 {figures.p99_us}), rtree "
        f"{figures.rtree_p50_us}, PostgreSQL {figures.postgres_p50_us}, plain scan "
        f"{_us(scan_us, 0.5)}; {'exact' if exact else 'NOT EXACT'} in {scanned} questions",
        flush=True,
    )
    return figures


def _same(
    origin: Point,
    found: Sequence[tuple[int, float]],
    near: Sequence[tuple[float, int]],
    now: Sequence[Point],
) -> bool:
    """Whether ``found`` are the nearest by the geodesic; ``near`` are more than those, in order."""
    by_geodesic = sorted((geodesic_metres(origin, now[who]), who) for _, who in near)
    nearest = [(who, m) for m, who in by_geodesic[:NEAREST] if m <= WITHIN_M]
    return [who for who, _ in found] == [who for who, _ in nearest] and all(
        abs(ours - theirs) < 1e-3 for (_, ours), (_, theirs) in zip(found, nearest, strict=True)
    )


def _rtree(crowd: Town) -> tuple[list[float], float]:
    """Microseconds per question, moves per second."""
    boxes = [_box(at) for at in crowd.people]
    index = Index((who, box, None) for who, box in enumerate(boxes))
    moves = [(who, _box(at)) for who, at in crowd.moves[:5_000]]

    def move(who: int, box: Box) -> None:
        index.delete(who, boxes[who])
        index.insert(who, box)
        boxes[who] = box

    per_s = _moves(move, moves)
    asked = [_box(at) for at in crowd.asked[:1_000]]
    return _times(lambda box: list(index.nearest(box, NEAREST))[:NEAREST], asked), per_s


async def _postgres(crowd: Town, server: EmbeddedPostgres) -> tuple[list[float], float]:
    """Microseconds per question, moves per second."""
    connection = await asyncpg.connect(**server.where(DatabaseSettings()).admin)
    try:
        await connection.execute("DROP TABLE IF EXISTS person")
        await connection.execute("CREATE TABLE person (id int PRIMARY KEY, at point NOT NULL)")
        rows = [(who, asyncpg.Point(*_flat(at))) for who, at in enumerate(crowd.people)]
        await connection.copy_records_to_table("person", records=rows)
        await connection.execute("CREATE INDEX person_at ON person USING gist (at)")
        await connection.execute("VACUUM ANALYZE person")
        moves = [(who, asyncpg.Point(*_flat(at))) for who, at in crowd.moves[:5_000]]
        per_s = 0.0
        for start in range(0, len(moves), 1_000):
            part = moves[start : start + 1_000]
            began = time.perf_counter()
            async with connection.transaction():
                await connection.executemany("UPDATE person SET at = $2 WHERE id = $1", part)
            per_s = max(per_s, len(part) / (time.perf_counter() - began))
        ask = await connection.prepare(
            f"SELECT id, at <-> $1 AS metres FROM person ORDER BY at <-> $1 LIMIT {NEAREST}"  # noqa: S608
        )
        rounds: list[list[float]] = []
        for _ in range(ROUNDS):
            taken: list[float] = []
            for origin in crowd.asked[:1_000]:
                point = asyncpg.Point(*_flat(origin))
                began = time.perf_counter()
                await ask.fetch(point)
                taken.append((time.perf_counter() - began) * 1e6)
            rounds.append(taken)
        return _calmest(rounds), per_s
    finally:
        await connection.close()


def _times(ask: Callable[[Any], Any], asked: Sequence[Any], *, rounds: int = ROUNDS) -> list[float]:
    """Microseconds of each question in the calmest round, after a few that do not count."""
    for origin in asked[: min(20, len(asked) // 10)]:
        ask(origin)
    all_rounds = []
    for _ in range(rounds):
        taken = []
        for origin in asked:
            began = time.perf_counter_ns()
            ask(origin)
            taken.append((time.perf_counter_ns() - began) / 1000)
        all_rounds.append(taken)
    return _calmest(all_rounds)


def _calmest(rounds: Sequence[list[float]]) -> list[float]:
    return min(rounds, key=sum)


def _moves(move: Callable[[int, Any], None], moves: Sequence[tuple[int, Any]]) -> float:
    """Moves per second in the calmest tenth."""
    part = max(1, len(moves) // 10)
    best = 0.0
    for start in range(0, len(moves), part):
        some = moves[start : start + part]
        began = time.perf_counter()
        for who, at in some:
            move(who, at)
        best = max(best, len(some) / (time.perf_counter() - began))
    return best


def _us(taken: Sequence[float], share: float) -> float:
    return round(percentile(taken, share), 1)


def _flat(at: Point) -> Flat:
    """Metres east and north of the town's centre."""
    return (at.lon - CENTRE.lon) * _EAST_M, (at.lat - CENTRE.lat) * _NORTH_M


def _box(at: Point) -> Box:
    east, north = _flat(at)
    return east, north, east, north
