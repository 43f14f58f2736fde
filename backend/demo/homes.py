"""Who lives behind each gate and what watches over them: households, detectors, hydrants.

Models and labels are what a fitter would write; no name of a maker is meant. Pure.
"""

from random import Random
from typing import NamedTuple
from uuid import UUID, uuid5

from backend.demo import plan
from backend.demo.plots import Plot
from backend.demo.shapes import Pose, Spot, centre, length, place, pose

NAMESPACE = UUID("5d2f6f6c-0f6e-5b0e-9c59-3f0a7c1d2e44")
"""Of every id in the demonstration: the same seed and place give the same id."""

ENTRANCES = (
    "大门常开，进门直走", "从备弄进，第二个门",
    "备弄尽头左转，灯在门后", "门口有晾衣架，侧身进",
    "木门往上抬一下再推", "天井左手边，门上贴福字", "门槛高，抬担架要两个人",
    "夜里备弄没有灯，带手电",
    "电动车停在门洞里，只剩半米宽", "敲窗不敲门，老人耳背",
    "后门临河，可以上船", "院里有狗，拴着的",
    "井在天井正中，别绊着", "门房有备用钥匙", "拐角窄，推车进不去", "二楼从天井的木楼梯上",
)  # fmt: skip

_ROOMS = ("厨房", "客厅", "卧室", "灶间", "过道", "阁楼")
_WALLS = ("东山墙", "西山墙", "北檐墙", "正梁", "南檐柱")


class Model(NamedTuple):
    """A kind of detector as it is bought: protocol, model, how often it reports."""

    protocol: str
    name: str
    report_interval_s: int


MODELS = {
    "smoke": (
        Model("zigbee2mqtt", "JTY-GD-Z301 光电烟感", 3600),
        Model("zigbee2mqtt", "JTY-GD-Z12 联网烟感", 3600),
    ),
    "gas": (
        Model("zigbee2mqtt", "JT-CZ-08 家用燃气", 900),
        Model("zigbee2mqtt", "JT-CZ-05 燃气带切断阀", 900),
    ),
    "electric": (
        Model("jiean", "LDT-630 剩余电流", 300),
        Model("jiean", "LDT-800 剩余电流带测温", 300),
    ),
    "structure": (Model("jiean", "QX-02 倾角裂缝一体", 1800),),
    "hydrant": (Model("jiean", "XHS-4 消火栓水压", 900),),
    "water": (Model("jiean", "LXS-20 无线水表", 3600),),
    "door": (Model("zigbee2mqtt", "MC-11 门磁", 7200),),
}


class Household(NamedTuple):
    """One home: which building, which door, and how to get in."""

    id: UUID
    building: int
    door: str
    floor: str
    room: str
    entrance_note: str
    at: Spot


class Detector(NamedTuple):
    """One detector; ``household`` and ``building`` index the town's lists, None in the street."""

    id: UUID
    address: str
    kind: str
    model: Model
    label: str
    household: int | None
    building: int | None
    at: Spot


def households(random: Random, plots: tuple[Plot, ...], seed: int) -> tuple[Household, ...]:
    """The homes of every plot: one or two in a house, two to five behind a court's gate."""
    homes: list[Household] = []
    for i, plot in enumerate(plots):
        doors = _doors(random, plot)
        for door, floor, shape in doors:
            house = plot.houses[min(shape, len(plot.houses) - 1)]
            middle = centre(house)
            at = Spot(middle.x + random.uniform(-1.5, 1.5), middle.y + random.uniform(-1.5, 1.5))
            homes.append(
                Household(
                    uuid5(NAMESPACE, f"{seed}/household/{len(homes)}"),
                    i,
                    door,
                    floor,
                    "",
                    random.choice(ENTRANCES) if plot.court or random.random() < 0.3 else "",
                    at,
                )
            )
    return tuple(homes)


def _doors(random: Random, plot: Plot) -> list[tuple[str, str, int]]:
    """(door, floor, index of its house) of the homes of one plot."""
    if not plot.court:
        floors = ("1 楼", "2 楼") if random.random() < 0.15 else ("1 楼",)
        return [("", floor, 0) for floor in floors]
    doors: list[tuple[str, str, int]] = []
    for row in range(plot.rows):
        sides = random.choice((("正房",), ("正房",), ("东厢",), ("东厢", "西厢"), ()))
        floor = random.choice(("1 楼", "1 楼", "2 楼"))
        doors += [(f"{row + 1} 进{side}", floor, row) for side in sides]
    return doors or [("1 进正房", "1 楼", 0)]


def detectors(
    random: Random, plots: tuple[Plot, ...], homes: tuple[Household, ...], seed: int
) -> tuple[Detector, ...]:
    """Smoke in every home and the rest by need; tilt and crack on old walls; hydrants apart."""
    found: list[Detector] = []

    def fit(kind: str, label: str, home: int | None, plot: int | None, at: Spot) -> None:
        n = len(found)
        model = random.choice(MODELS[kind])
        tail = random.getrandbits(24)
        address = (
            f"0x00158d{n:04x}{tail:06x}"
            if model.protocol == "zigbee2mqtt"
            else f"{kind}-{n:04d}-{tail:06x}"
        )
        near = Spot(at.x + random.uniform(-1.2, 1.2), at.y + random.uniform(-1.2, 1.2))
        id_ = uuid5(NAMESPACE, f"{seed}/detector/{n}")
        found.append(Detector(id_, address, kind, model, label, home, plot, near))

    for i, home in enumerate(homes):
        fit("smoke", random.choice(_ROOMS), i, home.building, home.at)
        if random.random() < 0.62:
            fit("gas", "厨房", i, home.building, home.at)
        if random.random() < 0.36:
            fit("electric", "配电箱", i, home.building, home.at)
        if random.random() < 0.16:
            fit("water", "水表", i, home.building, home.at)
            fit("door", "大门", i, home.building, home.at)
    for i, plot in enumerate(plots):
        if random.random() < 0.13:
            fit("structure", random.choice(_WALLS), None, i, centre(plot.houses[0]))
    for street, number, at in hydrant_sites():
        fit("hydrant", f"{street} {number} 号消火栓", None, None, at)
    return tuple(found)


def hydrant_sites() -> list[tuple[str, int, Spot]]:
    """(street, number, place) about every 75 m of street, sides in turn."""
    sites: list[tuple[str, int, Spot]] = []
    for way in plan.STREETS:
        for n, along_m in enumerate(range(45, int(length(way.line)) - 30, 75)):
            here: Pose = pose(way.line, along_m)
            side = 1 if n % 2 else -1
            at = place(here, 0, side * (way.width_m / 2 + 0.1))
            if 0 <= at.x <= plan.WIDE_M and 0 <= at.y <= plan.HIGH_M:
                sites.append((way.name, n + 1, at))
    return sites
