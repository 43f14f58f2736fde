"""A detector's life, what may be put in service, how long a pause may be, and what a row means."""

import contextlib
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.devices import flow, sheets
from backend.devices.columns import COLUMNS, heading, read_row
from backend.devices.flow import Act, Certificate, PauseRefused, Refused, State
from backend.devices.importing import HEAD
from backend.devices.register import Pause, standing

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
GOOD = Certificate(number="CCC-2026-01", until=date(2030, 1, 1))


def takes(state: State, act: Act, certificate: Certificate | None = GOOD) -> State | str:
    try:
        return flow.step(
            state, act, certificate=certificate, today=TODAY, reason="换电池", successor=True
        )
    except Refused as refused:
        return refused.why


def test_a_detector_goes_from_planned_through_service_to_its_end() -> None:
    assert takes(State.PLANNED, Act.COMMISSION) == State.ACTIVE
    assert takes(State.ACTIVE, Act.REPORT_FAULT) == State.FAULTY
    assert takes(State.FAULTY, Act.REPAIR) == State.ACTIVE
    assert takes(State.FAULTY, Act.REPLACE) == State.REPLACED
    assert takes(State.PLANNED, Act.REPORT_FAULT) == "step"


@given(st.lists(st.sampled_from(list(Act)), max_size=12))
@settings(max_examples=40)
def test_nothing_follows_the_end_of_a_life(acts: list[Act]) -> None:
    state, over = State.PLANNED, False
    for act in acts:
        then = takes(state, act)
        if isinstance(then, State):
            assert not over
            state = then
        over = state in flow.OVER
    assert (flow.acts_from(state) == ()) == over


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (None, "no-model"),
        (Certificate(), "no-certificate"),
        (Certificate(number=" "), "no-certificate"),
        (Certificate(number="X", until=date(2026, 3, 1)), "certificate-over"),
        (Certificate(number="X", until=TODAY), State.ACTIVE),
        (Certificate(waived_by="王经理"), State.ACTIVE),
    ],
)
def test_only_a_certified_model_is_put_in_service(
    certificate: Certificate | None, why: str
) -> None:
    assert takes(State.PLANNED, Act.COMMISSION, certificate) == why


@pytest.mark.parametrize("act", sorted(flow.WITH_REASON))
def test_an_end_and_a_fault_need_a_reason(act: Act) -> None:
    with pytest.raises(Refused, match="reason"):
        flow.step(State.ACTIVE, act, certificate=GOOD, today=TODAY, reason=" ", successor=True)


@pytest.mark.parametrize(
    ("flag", "kinds", "begins_h", "hours", "why"),
    [
        ("maintenance", ["smoke", "water"], 0, 4, None),
        ("maintenance", ["smoke", "water"], 0, 4.01, "too-long"),
        ("maintenance", ["water"], 0, 24, None),
        ("maintenance", ["water"], 24, 24.01, "too-long"),
        ("maintenance", ["smoke"], -9, 5, "past"),
        ("maintenance", ["water"], 24 * 31, 1, "too-far"),
        ("maintenance", ["water"], 0, 0, "backwards"),
        ("test", ["gas"], 0, 1, None),
        ("test", ["water"], 0, 1.5, "too-long"),
    ],
)
def test_a_pause_is_bounded_by_its_kinds(
    flag: str, kinds: list[str], begins_h: float, hours: float, why: str | None
) -> None:
    begins = NOW + timedelta(hours=begins_h)
    said = None
    try:
        flow.check_pause(flag, kinds, begins, begins + timedelta(hours=hours), NOW)
    except PauseRefused as refused:
        said = refused.why
    assert said == why


hours = st.integers(-20, 20)


@given(st.lists(st.tuples(st.sampled_from(["maintenance", "test"]), hours, st.integers(1, 9))))
@settings(max_examples=40)
def test_a_detector_is_paused_exactly_while_one_of_its_pauses_runs(
    given_pauses: list[tuple[str, int, int]],
) -> None:
    hour = timedelta(hours=1)
    pauses = [
        Pause(flag=flag, detector_id=None, building_id=None, model_id=None, gateway="g",
              begins_at=NOW + begins * hour, ends_at=NOW + (begins + long) * hour)
        for flag, begins, long in given_pauses
    ]  # fmt: skip
    running = [p for p in pauses if p.begins_at <= NOW < p.ends_at]
    stands = standing(pauses, NOW)
    assert (stands.until is not None) == bool(running)
    assert (stands.flag == "test") == any(p.flag == "test" for p in running)
    later = standing(pauses, stands.turns_at) if stands.turns_at else None
    assert later is None or later != stands


WHERE, _ = heading(HEAD)


def row(**cells: str) -> list[str]:
    filled = {"kind": "烟感", "protocol": "zigbee2mqtt", "address": "0x1", **cells}
    return [filled.get(column.key, "") for column in COLUMNS]


@pytest.mark.parametrize(
    ("cells", "cell", "why"),
    [
        ({"kind": "烟雾"}, "B5", "只能是：电气、燃气、烟感、结构、消火栓、用水、门磁"),
        ({"address": ""}, "F5", "必须填写"),
        ({"lat": "31.3"}, "P5", "纬度和经度要一起填"),
        ({"lat": "120.6", "lon": "31.3"}, "P5", "不是经纬度，或者两个填反了"),
        ({"report_interval_s": "一小时"}, "T5", "要是 1 到 31536000 的整数（秒）"),
        ({"number": "A" * 301}, "A5", "太长，最多 300 个字"),
        ({"label": "a\x07b"}, "O5", "含有看不见的控制字符"),
        ({"protocol": "Zigbee 2"}, "E5", "只能用小写字母、数字、- 和 _"),
    ],
)
def test_a_wrong_cell_is_named_with_its_reason(cells: dict[str, str], cell: str, why: str) -> None:
    filled, faults = read_row(5, row(**cells), WHERE)
    assert filled is None
    assert [(fault.cell, fault.why) for fault in faults] == [(cell, why)]


def test_a_heading_that_is_not_ours_is_told_in_full() -> None:
    _, wrong = heading(["编号", "类型", "编号"])
    assert wrong == ["不认识的列“类型”", "列“编号”出现了两次", "缺少列“类别”", "缺少列“协议”",
                     "缺少列“设备地址”"]  # fmt: skip


TABLE: list[list[object]] = [["编号", "备注"], ["GS-1", "=1+1"], ["GS-2", "桐芳街 3 号"]]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_goes_out_and_comes_in_and_carries_no_formula(form: str) -> None:
    data = sheets.csv_of(TABLE) if form == "csv" else sheets.xlsx_of(TABLE, "设备")
    assert sheets.read(data) == TABLE
    if form == "csv":
        assert "'=1+1" in data.decode("utf-8-sig")
    else:
        sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_text_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    assert sheets.read("编号;备注\r\nGS-1;葑门㐂\r\n".encode(encoding)) == [
        ["编号", "备注"],
        ["GS-1", "葑门㐂"],
    ]


def bomb(name: str = "xl/worksheets/sheet1.xml", size: int = 70 << 20) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr(name, bytes(size))
    return out.getvalue()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (bomb, "解压后太大"),
    "definitions": (
        lambda: _package(b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'),
        "不允许的定义",
    ),
    "no workbook": (lambda: _package(b"<x/>"), "损坏"),
    "cut": (lambda: sheets.xlsx_of(TABLE, "设备")[:900], "损坏"),
    "old": (lambda: b"\xd0\xcf\x11\xe0" + bytes(100), "旧的 .xls"),
    "binary": (lambda: b"\x7fELF\0\0\0", "不是 CSV"),
    "huge cell": (lambda: b"a," + b"x" * 20_000, "单元格"),
    "wide": (lambda: b"a," * 100 + b"b", "列"),
    "long": (lambda: b"a\n" * 20_500, "行"),
    "large": (lambda: bytes(9 << 20), "文件超过"),
    "empty": (lambda: b"\n\n", "没有内容"),
    "no text": (lambda: b"\xff" * 9, "编码"),
}


def _package(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("xl/workbook.xml", content)
    return out.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words(name: str) -> None:
    make, why = HOSTILE[name]
    with pytest.raises(sheets.Unreadable, match=why):
        sheets.read(make())


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_any_bytes_are_rows_or_refused(data: bytes) -> None:
    with contextlib.suppress(sheets.Unreadable):
        assert sheets.read(data)
