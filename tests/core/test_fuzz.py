"""Any bytes at every decoder: readings, events or a named rejection, in bounded work.

The promises are those of ``tools/fuzzing``; here they meet our own vectors, what the fuzzer once
found, bytes and mutations by Hypothesis, and messages made to be slow.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.sensing import decode
from tools.fuzzing.promises import TARGETS, TEMPLATES, VECTORS

FOUND = sorted((VECTORS / "found").glob("*.hex"))
SEEDS = {name: target.seeds() for name, target in TARGETS.items()}


def lines(protocol: str, vector: object) -> list[str]:
    """What is said of one vector, in the short form in which the vectors keep it."""
    said = []
    raw = json.dumps({"vectors": vector}).encode()
    found_in = decode.by_templates(raw, TEMPLATES) if protocol == "template" else None
    for line in found_in or decode.lines(protocol, raw):
        found: dict[str, Any] = json.loads(line)
        if (reading := found.get("reading")) is not None:
            unit = f" {reading['unit']}" if reading["unit"] else ""
            value = json.dumps(reading["value"])
            what = f"{reading['device']} {reading['quantity']}={value}{unit}"
            said.append(" ".join([f"{what} @{reading['measured_at']}", *reading["flags"]]))
        elif "event" in found:
            said.append(f"event {found['event']['name']}")
        else:
            said.append(f"rejected {found['rejected']['reason']}")
    return said


@pytest.mark.parametrize("protocol", [*sorted(decode.ADAPTERS), "template"])
def test_our_own_messages_of_every_protocol_say_what_is_written_beside_them(protocol: str) -> None:
    vectors = json.loads((VECTORS / f"{protocol}.json").read_bytes())["vectors"]
    assert len(vectors) >= 3
    if protocol == "sparkplug":  # the births come before what needs them
        vectors = [{"vectors": vectors, "says": [line for v in vectors for line in v["says"]]}]
    for vector in vectors:
        assert lines(protocol, vector.get("vectors", [vector])) == vector["says"]


@pytest.mark.parametrize("found", FOUND, ids=lambda path: path.stem)
def test_what_the_fuzzer_once_found_keeps_its_promise(found: Path) -> None:
    name, _, _ = found.stem.rpartition("-")
    TARGETS[name].run(bytes.fromhex(found.read_text()))


@st.composite
def mutated(draw: Callable[..., Any], seeds: list[bytes]) -> bytes:
    """One of the messages with pieces changed, cut out, doubled or taken from another."""
    raw = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        size = draw(st.integers(0, 8))
        how = draw(st.sampled_from(("change", "cut", "double", "cross", "digits")))
        if how == "change":
            raw[at : at + size] = draw(st.binary(min_size=1, max_size=8))
        elif how == "cut":
            del raw[at : at + size]
        elif how == "double":
            raw[at:at] = bytes(raw[at : at + 4 * size])
        elif how == "cross":
            other = draw(st.sampled_from(seeds))
            raw[at:] = other[len(other) // 2 :]
        else:
            raw[at : at + size] = draw(
                st.sampled_from((b"-1", b"1e999", b"99999999999999999999", b"null", b"\xff\xff"))
            )
    return bytes(raw)


@pytest.mark.parametrize("name", sorted(TARGETS))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_and_any_damaged_message_are_said_or_refused(
    name: str, data: st.DataObject
) -> None:
    raw = data.draw(st.binary(max_size=120) | mutated(SEEDS[name]))
    TARGETS[name].run(raw)


def calls(run: Callable[[bytes], object], raw: bytes) -> int:
    """How many functions are called to read ``raw``: the cost without a clock."""
    count = 0

    def tell(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(tell)
    try:
        run(raw)
    finally:
        sys.setprofile(before)
    return count


SLOW: dict[str, Callable[[int], bytes]] = {
    "open brackets": lambda size: b"[" * size,
    "open objects": lambda size: b'{"a":' * (size // 5),
    "a long number": lambda size: b"9" * size,
    "a number that never ends": lambda size: b"\x12" + b"\xff" * size,
    "start marks": lambda size: b"@@" * (size // 2),
    "boundaries": lambda size: b"--b\r\n" * (size // 5),
    "elements": lambda size: b"<a>" + b"<b/>" * (size // 4),
    "equal signs": lambda size: b"Events[0].a=1\r\n" * (size // 15),
    "semicolons": lambda size: b"Code=SmokeDetection;action=Start;" * (size // 33),
    "empty fields": lambda size: b"\x12\x00" * (size // 2),
    "small channels": lambda size: b"\x00\x01\x75\x64" * (size // 4),
    "many readings": lambda size: (
        b"[" + b'{"quantity":"smoke","value":true},' * (size // 34) + b"0]"
    ),
}


@pytest.mark.parametrize("shape", sorted(SLOW))
def test_the_work_grows_with_the_size_of_a_message_and_not_with_its_square(shape: str) -> None:
    make = SLOW[shape]
    for name in ("gb26875", "milesight", "jiean", "hikvision", "dahua", "sparkplug", "template",
                 "cutter", "multipart", "xml", "protobuf"):  # fmt: skip
        run = TARGETS[name].run
        small, large = (b"\x00" * 9 + make(size) for size in (1000, 4000))
        assert calls(run, large) <= 8 * calls(run, small) + 2000, name
