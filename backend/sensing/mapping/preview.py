"""What a template would say of messages, by the same reader that reads them when it is in force.

Pure. A template that is still being written is read as far as it goes: what has a fault is left
out and the rest is tried, so that whoever types sees the effect of each field at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from backend.sensing.adapters import topics
from backend.sensing.adapters.templates import Fault, Template, faults, reader
from backend.sensing.reading import Reading, Rejected, as_line

MAX_LINES = 60
"""Things shown of one message."""
STAND_IN = "preview"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came."""

    id: int
    topic: str
    payload: bytes
    received_at: datetime


class Tried(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the template says of one message. ``missing`` are quantities that it does not hold."""

    id: int
    said: list[dict[str, Any]]
    readings: int
    refused: int
    missing: list[str]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Faults by field, and what is said of each message that the topic matches, in their order."""

    faults: tuple[Fault, ...]
    tried: list[Tried]


def preview(template: Template, samples: Sequence[Sample]) -> Preview:
    """Try a template, finished or not."""
    found = faults(template)
    usable = whole(template, found)
    if usable is None:
        return Preview(faults=found, tried=[])
    read = reader(usable)
    quantities = dict.fromkeys(mapping.quantity for mapping in usable.readings)
    tried = []
    for sample in samples:
        said = read(sample.topic, sample.payload, sample.received_at, False)
        there = {item.quantity for item in said if isinstance(item, Reading)}
        tried.append(
            Tried(
                id=sample.id,
                said=[as_line(item) for item in said[:MAX_LINES]],
                readings=sum(isinstance(item, Reading) for item in said),
                refused=sum(isinstance(item, Rejected) for item in said),
                missing=[quantity for quantity in quantities if quantity not in there],
            )
        )
    return Preview(faults=found, tried=tried)


def whole(template: Template, found: Sequence[Fault]) -> Template | None:
    """The template without its faulty parts; None when nothing useful is left."""
    bad = {fault.field for fault in found}
    if bad & {"device", "items", "hours_east"}:
        return None
    change: dict[str, Any] = {}
    for field in ("time", "battery"):
        if field in bad:
            change[field] = ""
    for field in ("test", "fault", "skip"):
        if bad & {field, f"{field}.equals"}:
            change[field] = None
    if "name" in bad:
        change["name"] = STAND_IN
    if "topic" in bad:
        change["topic"] = STAND_IN
    kept = tuple(
        mapping
        for place, mapping in enumerate(template.readings)
        if not any(field.startswith(f"readings.{place}.") for field in bad)
    )
    changed = msgspec.structs.replace(template, **change, readings=kept)
    return changed if not faults(changed) else None


def fits(template: Template, samples: Sequence[Sample]) -> list[Sample]:
    """The messages on the template's topics; all of them while the topic is not written yet."""
    if topics.faulty(template.topic):
        return list(samples)
    wanted = template.topic.split("/")
    return [sample for sample in samples if topics.serves(wanted, sample.topic.split("/"))]
