"""Mapping templates: another vendor's JSON as data."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jmespath
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.sensing.adapters import paths, topics
from backend.sensing.adapters.templates import (
    Condition,
    Mapping,
    Template,
    Unfit,
    faults,
    reader,
    serves,
)
from backend.sensing.reading import Decoded, Event, Reading, Rejected

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEMPLATE = Template(
    name="water-and-smoke",
    topic="vendor/+/up/#",
    device="topic:1",
    time="head.ts",
    test=Condition(value="head.test"),
    readings=(
        Mapping(quantity="pressure", value="data[?id=='p'].v | [0]", factor=0.001),
        Mapping(quantity="smoke", value="data[?id=='s'].v | [0]", true_when=(1,), false_when=(0,)),
    ),
)


def run(body: object, template: Template = TEMPLATE) -> list[Decoded]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(reader(template)("vendor/d7/up/x", raw, NOW, False))


def test_a_template_reads_values_units_time_and_the_devices_name() -> None:
    body = {
        "head": {"ts": 1772438400000},
        "data": [{"id": "p", "v": "140"}, {"id": "s", "v": 1}],
    }
    pressure, smoke = (item for item in run(body) if isinstance(item, Reading))
    assert (pressure.device, pressure.value, pressure.unit) == ("d7", 0.14, "MPa")
    assert (smoke.value, smoke.flags, smoke.measured_at, smoke.timed) == (
        *(True, ("alarm",), NOW, True),
    )
    tested = run({**body, "head": {"test": True}})
    assert all("test" in item.flags for item in tested if isinstance(item, Reading))


def test_a_state_without_a_meaning_is_refused_and_an_absent_one_is_no_reading() -> None:
    said = run({"data": [{"id": "s", "v": 7}]})
    assert [item.reason for item in said if isinstance(item, Rejected)] == ["bad-value"]
    assert [type(item) for item in run({"data": []})] == [Event]
    assert isinstance(run({"data": [{"id": "s", "v": True}]})[0], Rejected)  # true is not 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": "Acme"}, "name", "name-form"),
        ({"name": "ctwing"}, "name", "built-in"),
        ({"topic": "zigbee2mqtt/+/up"}, "topic", "built-in"),
        ({"topic": "#"}, "topic", "topic-first"),
        ({"topic": "+/up"}, "topic", "topic-first"),
        ({"topic": "$share/g/a"}, "topic", "topic-first"),
        ({"topic": "a/#/b"}, "topic", "topic-form"),
        ({"topic": "a/b+"}, "topic", "topic-form"),
        ({"device": "topic:x"}, "device", "topic-level"),
        ({"device": ""}, "device", "missing"),
        ({"time": "a..b"}, "time", "syntax"),
        ({"items": "$.list"}, "items", "root-of-root"),
        ({"hours_east": 99.0}, "hours_east", "range"),
        ({"test": Condition(value="[a, b]")}, "test", "not-allowed"),
        ({"skip": Condition(value="a", equals=())}, "skip.equals", "meanings-missing"),
        ({"readings": ()}, "readings", "count"),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_the_field_that_is_wrong(
    change: dict[str, Any], field: str, code: str
) -> None:
    found = faults(msgspec.structs.replace(TEMPLATE, **change))
    assert [(fault.field, fault.code) for fault in found] == [(field, code)]
    with pytest.raises(Unfit):
        reader(msgspec.structs.replace(TEMPLATE, **change))


@pytest.mark.parametrize(
    ("mapping", "field", "code"),
    [
        (Mapping(quantity="colour", value="a"), "quantity", "unknown-quantity"),
        (Mapping(quantity="smoke", value="a"), "true_when", "meanings-missing"),
        (
            Mapping(quantity="smoke", value="a", true_when=(1,), false_when=(0, 1)),
            *("true_when", "both-meanings"),
        ),
        (Mapping(quantity="pressure", value=""), "value", "missing"),
        (Mapping(quantity="pressure", value="["), "value", "syntax"),
        (Mapping(quantity="pressure", value="a" * 301), "value", "too-long"),
        (Mapping(quantity="pressure", value="map(&a, b)"), "value", "not-allowed"),
        (Mapping(quantity="pressure", value="to_string(@)"), "value", "not-allowed"),
        (Mapping(quantity="pressure", value="!" * 60 + "a"), "value", "too-nested"),
        (Mapping(quantity="pressure", value="a", unit="furlong"), "unit", "unknown-unit"),
        (Mapping(quantity="pressure", value="a", factor=0.0), "factor", "range"),
        (Mapping(quantity="pressure", value="a", alarm=Condition(value="")), "alarm", "missing"),
    ],
)
def test_a_quantity_that_cannot_be_read_is_refused_at_its_field(
    mapping: Mapping, field: str, code: str
) -> None:
    (fault,) = faults(msgspec.structs.replace(TEMPLATE, readings=(mapping,)))
    assert (fault.field, fault.code) == (f"readings.0.{field}", code)


@pytest.mark.parametrize(
    ("topic", "fits"),
    [("vendor/a/up", True), ("vendor/a/up/b/c", True), ("vendor/a/down", False), ("vendor", False)],
)
def test_a_template_serves_its_topics_and_no_others(topic: str, fits: bool) -> None:
    assert serves(TEMPLATE, topic) is fits


@settings(max_examples=40)
@given(
    st.binary(max_size=100)
    | st.dictionaries(
        st.sampled_from(["head", "data", "ts", "test", "id", "v"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["ts", "test", "id", "v"]), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    ).map(lambda body: json.dumps(body).encode())
)
def test_any_bytes_are_readings_or_a_named_rejection(raw: bytes) -> None:
    said = run(raw)
    assert said
    assert all(item.reason for item in said if isinstance(item, Rejected))


# ---- several devices in one message --------------------------------------------------------------

GATEWAY = Template(
    name="bravo",
    topic="bravo/+",
    device="sn",
    items="list",
    time="t",
    time_as="local",
    battery="bat",
    test=Condition(value="$.mode", equals=("test",)),
    fault=Condition(value="err", equals=(1, 2)),
    skip=Condition(value="typ", equals=("hello",)),
    readings=(
        Mapping(
            quantity="residual_current",
            value="il",
            factor=0.1,
            ignore=(-1, 65535),
            alarm=Condition(value="al", equals=("01",)),
        ),
        Mapping(quantity="temperature", value="tmp", unit="°F"),
    ),
)


def test_each_item_is_a_device_of_its_own_with_its_own_time_flags_and_battery() -> None:
    said = run(
        {
            "mode": "run",
            "list": [
                {"sn": "A1", "t": "2026-03-02 15:58:00", "il": 4210, "al": "01", "bat": 80},
                {"sn": "A2", "t": "20260302155900", "il": 65535, "tmp": 104, "err": 1},
                {"typ": "hello"},
                {"il": 3},
                {"sn": 77, "tmp": 32},
            ],
        },
        GATEWAY,
    )
    first, second, third = (item for item in said if isinstance(item, Reading))
    assert (first.device, first.value, first.unit, first.flags) == ("A1", 421.0, "mA", ("alarm",))
    assert first.measured_at == NOW - timedelta(minutes=2)
    assert (second.device, second.value, second.flags) == ("A2", 40.0, ("fault",))
    assert (third.device, third.value, third.timed) == ("77", 0.0, False)
    assert [item.facts for item in said if isinstance(item, Event)] == [{"battery": 80}]
    # an item without a name is refused, and those beside it are not
    assert [item.reason for item in said if isinstance(item, Rejected)] == ["unknown-shape"]
    tested = run({"mode": "test", "list": [{"sn": "A1", "tmp": 32}]}, GATEWAY)
    assert [item.flags for item in tested if isinstance(item, Reading)] == [("test",)]


@pytest.mark.parametrize(
    ("told", "timed"),
    [("2026-03-02 16:00:00", True), (20260302160000, True), ("5189-03-02 15:58:00", False),
     ("2026-13-40 00:00:00", False), ("soon", False)],
)  # fmt: skip
def test_a_local_time_is_one_of_the_makers_zone_and_of_our_century(
    told: object, timed: bool
) -> None:
    (found,) = run({"list": [{"sn": "a", "t": told, "tmp": 32}]}, GATEWAY)
    assert isinstance(found, Reading)
    assert (found.timed, found.measured_at) == (timed, NOW)
    assert ("clock" in found.flags) is not timed


def test_a_message_with_too_many_items_is_refused_as_a_whole() -> None:
    said = run({"list": [{"sn": "a", "tmp": 1}] * 501}, GATEWAY)
    assert [item.reason for item in said if isinstance(item, Rejected)] == ["too-many"]


# ---- expressions ---------------------------------------------------------------------------------

EXPRESSIONS = (
    "a", "a.b", "a[0]", "a[-1].b", "a[1:]", "a[::-1]", "a[*].b", "a[].b", "*", "*.b", "a[?b]",
    "a[?b=='x'].b | [0]", "a[?b>`1`]", "a || b", "a && b", "!a", "@", "length(a)", "sum(a)",
    "sort(a)", "contains(a, b)", "not_null(a, b)", "to_number(a)", "a[?b!=`null`] | [0].b",
    "values(@)", "a[?!b]", "a[][].b", "a == b", "a < b", "max(a)",
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(values)
def test_every_expression_finds_what_jmespath_finds(body: object) -> None:
    for text in EXPRESSIONS:
        try:
            wanted = jmespath.search(text, body)
        except paths.UNFIT:
            with pytest.raises(paths.UNFIT):
                paths.ready(text, paths.Budget())(body)
        else:
            assert paths.ready(text, paths.Budget())(body) == wanted, text


def test_work_is_bounded_over_all_expressions_of_a_message_and_begins_anew_with_the_next() -> None:
    greedy = Template(
        name="greedy",
        topic="greedy/+",
        device="topic:1",
        readings=tuple(
            Mapping(quantity="pressure", value=f"a[?contains(@, 'x{n}')] | [0]") for n in range(50)
        ),
    )
    read = reader(greedy)
    big = json.dumps({"a": [["y"] * 20] * 100}).encode()
    said = read("greedy/d", big, NOW, False)
    assert [item.reason for item in said if isinstance(item, Rejected)] == ["too-much-work"]
    assert isinstance(read("greedy/d", b'{"a": []}', NOW, False)[0], Event)


# ---- topics --------------------------------------------------------------------------------------

levels = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=3)
filters = st.tuples(levels, st.booleans()).map(
    lambda made: "/".join(["a", *made[0], *(["#"] if made[1] else [])])
)


@settings(max_examples=60)
@given(filters, filters, st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5))
def test_filters_that_serve_one_topic_meet_and_what_is_covered_is_served(
    one: str, other: str, given_: list[str]
) -> None:
    both = [topics.serves(each.split("/"), given_) for each in (one, other)]
    if all(both):
        assert topics.meet(one, other)
    if topics.covers(one, other):
        assert topics.meet(one, other)
        assert both[0] or not both[1]
