"""A report for rescue as one text, filled in: for a message, a telephone, a radio (6.3.4.1-c, -d).

Every line says what it is. Both datums are named, because a rescuer's map may be drawn in either
and the difference is the next street.
"""

from backend.incidents.flow.advice import situation
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Place
from geo.datum import convert
from geo.point import Datum, Point


def gaps(place: Place) -> tuple[str, ...]:
    """What is missing of an exact place, in words; nothing for a home known to the room."""
    found = (
        ("地址", bool(place.address)),
        ("楼层房间", bool(place.floor or place.room) or place.household_id is None),
        ("坐标", bool(place.datum and (place.lat or place.lon))),
    )
    return tuple(name for name, known in found if not known)


def report(now: Incident, said: str) -> tuple[tuple[str, str], ...]:
    """(label, words) line by line; a line with nothing to say is left out."""
    place = now.place
    exact = (place.address, f"{place.floor} 层" if place.floor else "", place.room)
    lines = (
        ("情况", situation(now, said)),
        ("位置", " ".join(part for part in exact if part)),
        ("进门", place.entrance_note),
        ("坐标", _coordinates(place)),
        ("未清点", f"{now.evacuation.unaccounted} 人" if now.evacuation.unaccounted else ""),
        ("危险", "，".join((*_alarming(now), *now.supplements))),
        ("通道", _access(place)),
        ("缺", "、".join(gaps(place))),
    )
    return tuple((label, words) for label, words in lines if words)


def text(now: Incident, said: str) -> str:
    """The same as it is read out, one line each."""
    return "\n".join(f"{label}：{words}" for label, words in report(now, said))


def _coordinates(place: Place) -> str:
    if not (place.lat or place.lon):
        return ""
    there = convert(Point(place.lat, place.lon), Datum.GCJ02)
    return (
        f"WGS-84（CGCS2000）{place.lat:.5f}, {place.lon:.5f}；"
        f"GCJ-02（高德、腾讯地图）{there.lat:.5f}, {there.lon:.5f}"
    )


def _alarming(now: Incident) -> tuple[str, ...]:
    return tuple(f"{d.label}{KINDS[d.kind].zh}报警" for d in now.alarming)


def _access(place: Place) -> str:
    lane = f"巷宽 {place.lane_width_m:g} 米" if place.lane_width_m else ""
    stop = f"消防车停{place.engine_stop}" if place.engine_stop else ""
    return "，".join(part for part in (lane, stop) if part)
