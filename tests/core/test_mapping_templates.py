"""Mapping templates: another vendor's JSON as data."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing.adapters.templates import Mapping, Template, Unfit, check, reader, serves
from backend.sensing.reading import Decoded, Event, Reading, Rejected

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEMPLATE = Template(
    name="water and smoke",
    topic="vendor/+/up/#",
    device="topic:1",
    time="head.ts",
    test="head.test",
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
    "change",
    [
        {"device": "topic:x"},
        {"time": "a..b"},
        {"readings": ()},
        {"readings": (Mapping(quantity="colour", value="a"),)},
        {"readings": (Mapping(quantity="smoke", value="a"),)},
        {"readings": (Mapping(quantity="pressure", value="["),)},
        {"readings": (Mapping(quantity="pressure", value="a" * 301),)},
    ],
)
def test_a_template_that_cannot_work_is_refused_before_it_is_saved(change: dict[str, Any]) -> None:
    fields = {name: getattr(TEMPLATE, name) for name in TEMPLATE.__struct_fields__}
    with pytest.raises(Unfit):
        check(Template(**{**fields, **change}))


@pytest.mark.parametrize(
    ("topic", "fits"),
    [("vendor/a/up", True), ("vendor/a/up/b/c", True), ("vendor/a/down", False), ("vendor", False)],
)
def test_a_template_serves_its_topics_and_no_others(topic: str, fits: bool) -> None:
    assert serves(TEMPLATE, topic) is fits


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
