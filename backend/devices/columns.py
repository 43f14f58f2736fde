"""The table of detectors that people fill in and get back: columns, and what a row means. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from backend.devices.flow import State
from geo.point import Datum, read_point

CELL_MAX = 300
KINDS = {"电气": "electric", "燃气": "gas", "烟感": "smoke", "结构": "structure",
         "消火栓": "hydrant", "用水": "water", "门磁": "door"}  # fmt: skip
LINKS = {"光纤": "optical", "移动网络": "mobile", "低功耗广域": "lpwan", "广播电视": "broadcast",
         "互联网": "internet"}  # fmt: skip
STATES = {"计划": "planned", "在用": "active", "故障": "faulty", "静音": "muted",
          "已更换": "replaced", "已停用": "retired"}  # fmt: skip
DATUMS = {"WGS-84": "WGS-84", "CGCS2000": "WGS-84", "GCJ-02": "GCJ-02", "BD-09": "BD-09"}


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be read; empty cells are None and leave what stands there."""

    line: int
    address: str
    kind: str
    number: str | None = None
    maker: str | None = None
    model: str | None = None
    area: str | None = None
    street: str | None = None
    door_number: str | None = None
    court: str | None = None
    door: str | None = None
    floor: str | None = None
    room: str | None = None
    point: str | None = None
    label: str | None = None
    lat: float | None = None
    lon: float | None = None
    datum: str = "WGS-84"
    link: str | None = None
    report_interval_s: int | None = None
    group: str | None = None
    unit_name: str | None = None
    unit_phone: str | None = None
    state: str | None = None
    note: str | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in one cell, for the person who filled it in. ``cell`` as a table names it."""

    line: int
    cell: str
    column: str
    said: str
    why: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """``hint`` stands under the heading of the empty table."""

    key: str
    head: str
    hint: str
    needed: bool = False
    words: Mapping[str, str] | None = None


def _one_of(words: Mapping[str, str]) -> str:
    return "、".join(words)


COLUMNS = (
    Column(key="number", head="编号", hint="自己的编号，不重复，可空"),
    Column(key="kind", head="类别", hint=_one_of(KINDS), needed=True, words=KINDS),
    Column(key="maker", head="厂家", hint="与型号登记一致"),
    Column(key="model", head="型号", hint="先在“型号”里登记"),
    Column(key="protocol", head="协议", hint="如 zigbee2mqtt、gb26875、ctwing", needed=True),
    Column(key="address", head="设备地址", hint="在该协议里的地址或 IMEI", needed=True),
    Column(key="area", head="片区", hint="可空"),
    Column(key="street", head="街巷", hint="如 平江路"),
    Column(key="door_number", head="门牌", hint="如 12"),
    Column(key="court", head="院落", hint="如 潘宅，可空"),
    Column(key="door", head="户", hint="如 东厢、201，可空"),
    Column(key="floor", head="楼层", hint="可空"),
    Column(key="room", head="房间", hint="可空"),
    Column(key="point", head="安装点位", hint="如 厨房吊顶"),
    Column(key="label", head="名称", hint="如 厨房烟感"),
    Column(key="lat", head="纬度", hint="如 31.314000；空则用楼院位置"),
    Column(key="lon", head="经度", hint="如 120.628800"),
    Column(key="datum", head="坐标系", hint=_one_of(DATUMS) + "；空为 WGS-84", words=DATUMS),
    Column(key="link", head="传输方式", hint=_one_of(LINKS), words=LINKS),
    Column(key="report_interval_s", head="上报间隔（秒）", hint="整数，如 3600"),
    Column(key="group", head="规则组", hint="如 municipal，可空"),
    Column(key="unit_name", head="责任单位", hint="可空"),
    Column(key="unit_phone", head="联系电话", hint="可空"),
    Column(key="state", head="状态", hint="计划 或 在用；空为 计划", words=STATES),
    Column(key="note", head="备注", hint="可空"),
)
HEADS = {column.head: column for column in COLUMNS}


def cell_name(column: int, line: int) -> str:
    """As a table names it.

    >>> cell_name(0, 2), cell_name(27, 10)
    ('A2', 'AB10')
    """
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return f"{name}{line}"


def heading(cells: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Where each column stands, and what is wrong with the heading as a whole."""
    found: dict[str, int] = {}
    wrong = []
    for at, cell in enumerate(cells):
        head = cell.strip().removesuffix("*").strip()
        if not head:
            continue
        if head not in HEADS:
            wrong.append(f"不认识的列“{head[:30]}”")
        elif HEADS[head].key in found:
            wrong.append(f"列“{head}”出现了两次")
        else:
            found[HEADS[head].key] = at
    wrong += [f"缺少列“{c.head}”" for c in COLUMNS if c.needed and c.key not in found]
    return found, wrong


def read_row(
    line: int, cells: Sequence[str], where: Mapping[str, int]
) -> tuple[Filled | None, list[Fault]]:
    """One row as a detector, or what is wrong with it cell by cell.

    Args:
        line: as the table counts, the heading is 1.
        where: column of each key, from ``heading``.
    """
    faults: list[Fault] = []
    facts: dict[str, Any] = {}

    def fault(column: Column, said: str, why: str) -> None:
        at = where.get(column.key, 0)
        faults.append(
            Fault(line=line, cell=cell_name(at, line), column=column.head, said=said[:40], why=why)
        )

    for column in COLUMNS:
        at = where.get(column.key)
        text = cells[at].strip() if at is not None and at < len(cells) else ""
        if not text:
            if column.needed:
                fault(column, "", "必须填写")
            continue
        if len(text) > CELL_MAX:
            fault(column, text, f"太长，最多 {CELL_MAX} 个字")
        elif any(ord(letter) < 32 for letter in text):
            fault(column, text, "含有看不见的控制字符")
        elif column.words is not None and text not in column.words:
            fault(column, text, f"只能是：{_one_of(column.words)}")
        else:
            facts[column.key] = text if column.words is None else column.words[text]
    _numbers(facts, lambda key, why: fault(KEYS[key], str(facts[key]), why))
    if facts.get("state") not in (None, State.PLANNED, State.ACTIVE):
        facts.pop("state")  # a table that was exported comes back with every state: left as it is
    protocol = facts.pop("protocol", "")
    if protocol and not _is_protocol(protocol):
        fault(KEYS["protocol"], protocol, "只能用小写字母、数字、- 和 _")
    if facts.get("door") and not facts.get("street"):
        fault(KEYS["street"], "", "有“户”就要写街巷和门牌")
    if faults:
        return None, faults
    facts["address"] = f"{protocol}/{facts['address']}"
    return Filled(line=line, **facts), []


KEYS = {column.key: column for column in COLUMNS}


def _is_protocol(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum() and text.islower()


def _numbers(facts: dict[str, Any], fault: Callable[[str, str], None]) -> None:
    """The three columns that hold numbers, checked and turned."""
    if ("lat" in facts) != ("lon" in facts):
        fault("lat" if "lat" in facts else "lon", "纬度和经度要一起填")
    elif "lat" in facts:
        try:
            at = read_point(facts["lat"], facts["lon"], Datum(facts.get("datum", "WGS-84")))
        except ValueError:
            fault("lat", "不是经纬度，或者两个填反了")
        else:
            facts["lat"], facts["lon"] = at.lat, at.lon
    if "report_interval_s" in facts:
        text = facts["report_interval_s"].removesuffix(".0")
        if text.isascii() and text.isdecimal() and 0 < int(text[:12]) <= 31_536_000:
            facts["report_interval_s"] = int(text)
        else:
            fault("report_interval_s", "要是 1 到 31536000 的整数（秒）")
