"""House plots along the lanes: white-walled rows with light wells between, as old towns grew.

A plot starts at the edge of its lane and goes back as deep as the ground lets it: one house,
or a court (院落) of several rows (进) behind one gate. Pure: the same seed, the same town.
"""

import math
from random import Random
from typing import NamedTuple

from backend.demo import plan
from backend.demo.shapes import Ground, Polygon, Pose, Spot, box, centre, length, place, pose, quads


class Plot(NamedTuple):
    """One gate on a lane and what stands behind it."""

    way: plan.Way
    number: int
    gate: Pose
    """Where the gate is; along is the lane's direction, and left of it lies the plot."""
    depth_m: float
    ground: Polygon
    houses: tuple[Polygon, ...]
    rows: int
    """1 is a single house; 2 to 4 a court."""

    @property
    def court(self) -> bool:
        """Whether several homes share the gate."""
        return self.rows > 1


def inside(shape: Polygon) -> bool:
    """Whether a shape lies in the drawing."""
    return all(0 <= p.x <= plan.WIDE_M and 0 <= p.y <= plan.HIGH_M for p in shape)


def occupied() -> Ground:
    """Canals and ways, with a hand's breadth beside them, before any house stands."""
    ground = Ground()
    for canal in plan.CANALS:
        ground.put_all(quads(canal.line, canal.width_m + 1.6))
    for way in (*plan.STREETS, *plan.LANES):
        ground.put_all(quads(way.line, way.width_m + 0.5))
    return ground


def lay_out(random: Random) -> tuple[Plot, ...]:
    """Every plot of the town: streets first, then lanes, odd numbers left, even right."""
    ground = occupied()
    plots: list[Plot] = []
    for way in (*plan.STREETS, *plan.LANES):
        for side in (0, 1):
            plots += _one_side(random, ground, way, side)
    return _infill(random, ground, plots)


def _one_side(random: Random, ground: Ground, way: plan.Way, side: int) -> list[Plot]:
    line = way.line if side == 0 else tuple(reversed(way.line))
    total, s = length(line), 1.0
    found: list[Plot] = []
    while s < total - 5:
        width_m = random.choice((12, 14, 16, 18, 20, 22, 25, 28))
        plot = _try(random, ground, way, pose(line, s + width_m / 2), width_m)
        if plot is None:
            s += 2
            continue
        ground.put(plot.ground)
        found.append(plot)
        s += width_m + random.choice((0.15, 0.2, 0.3, 0.3, 1.7))
    # Numbers run one way on both sides; the right side was walked from the far end.
    if side == 1:
        found.reverse()
    return [p._replace(number=2 * i + 1 + side) for i, p in enumerate(found)]


def _try(random: Random, ground: Ground, way: plan.Way, here: Pose, width_m: float) -> Plot | None:
    """The deepest plot that fits at this place, or None when not even a small house does."""
    edge = way.width_m / 2 + 0.35 + random.random() * 0.7
    turned = Pose(here.at, _turn(here, random.uniform(-0.025, 0.025)).along)
    half = width_m / 2
    if not ground.free(box(turned, -half, half, edge, edge + 4.6)):
        return None
    deepest = random.choice((2, 2, 3, 3)) if width_m >= 11 else random.choice((1, 1, 2))
    for rows in range(deepest, 0, -1):
        cuts = _rows(random, rows, shallow=False)
        for depths in (cuts, _rows(random, rows, shallow=True)):
            depth_m = sum(depths)
            outline = box(turned, -half, half, edge, edge + depth_m)
            if inside(outline) and ground.free(outline):
                gate = Pose(place(turned, 0, edge), turned.along)
                houses = _houses(random, gate, width_m, depths)
                return Plot(way, 0, gate, depth_m, outline, houses, rows)
    return None


def _turn(here: Pose, by: float) -> Pose:
    x, y = here.along
    return Pose(here.at, Spot(x - y * by, y + x * by))


def _rows(random: Random, rows: int, *, shallow: bool) -> list[float]:
    """Depths of row, well, row, well, row … in metres."""
    depths: list[float] = []
    for i in range(rows):
        if i:
            depths.append(random.uniform(2.6, 3.4) if shallow else random.uniform(3.8, 6.4))
        depths.append(random.uniform(4.6, 5.6) if shallow else random.uniform(8.2, 12.4))
    return depths


def _houses(random: Random, gate: Pose, width_m: float, depths: list[float]) -> tuple[Polygon, ...]:
    """The buildings of a plot; a wing (厢房) may join two rows into one U-shaped house."""
    half, y = width_m / 2, 0.0
    houses: list[Polygon] = []
    i = 0
    while i < len(depths):
        inset = random.uniform(0, 0.7)
        left, right = -half + inset, half - random.uniform(0, 0.7)
        well = depths[i + 1] if i + 1 < len(depths) else 0.0
        if well and width_m >= 11 and random.random() < 0.55:
            wing = random.uniform(2.4, 3.2)
            shape = [
                (left, y), (right, y),
                (right, y + depths[i] + well), (right - wing, y + depths[i] + well),
                (right - wing, y + depths[i]), (left, y + depths[i]),
            ]  # fmt: skip
            if random.random() < 0.4:
                shape[4:] = [
                    (right - wing, y + depths[i]), (left + wing, y + depths[i]),
                    (left + wing, y + depths[i] + well), (left, y + depths[i] + well),
                ]  # fmt: skip
            houses.append(tuple(place(gate, *corner) for corner in shape))
        else:
            houses.append(box(gate, left, right, y, y + depths[i]))
        y += depths[i] + well
        i += 2
    return tuple(houses)


def _infill(random: Random, ground: Ground, plots: list[Plot]) -> tuple[Plot, ...]:
    """Back houses in the ground that no gate reached; each belongs to the plot before it."""
    centres = [centre(p.ground) for p in plots]
    extra: dict[int, list[Polygon]] = {}
    for y in range(7, int(plan.HIGH_M), 14):
        for x in range(7, int(plan.WIDE_M), 14):
            here = Spot(x + random.uniform(-3, 3), y + random.uniform(-3, 3))
            if not ground.free(box(Pose(here, Spot(1, 0)), -3.5, 3.5, -3.5, 3.5)):
                continue
            nearest = min((math.dist(c, here), i) for i, c in enumerate(centres))[1]
            at = Pose(here, plots[nearest].gate.along)
            for half_w, half_d in ((10, 6.5), (7, 5.5), (5.5, 4.5)):
                shape = box(at, -half_w, half_w, -half_d, half_d)
                if inside(shape) and ground.free(shape):
                    ground.put(box(at, -half_w - 1.5, half_w + 1.5, -half_d - 1.5, half_d + 1.5))
                    extra.setdefault(nearest, []).append(shape)
                    break
    return tuple(p._replace(houses=(*p.houses, *extra.get(i, ()))) for i, p in enumerate(plots))
