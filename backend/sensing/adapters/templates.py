"""Mapping templates: a further vendor's JSON needs no code. Data, and one pure reader.

A template names the topics it serves (MQTT wildcards), where the device's name and time stand, and
for each quantity where its value stands, as JMESPath. A value is multiplied with ``factor`` (and
``offset`` added) into our unit; for a flag ``true_when`` lists the values that mean true, and a
value in neither ``true_when`` nor ``false_when`` is refused: nobody guesses what 7 means.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from backend.sensing.body import Refused, name_of, parse
from backend.sensing.measure import When, kept, measured, named, when
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import Adapter, Decoded, Event, plain

MAX_READINGS = 50
MAX_EXPRESSION = 300
NEEDED = (JMESPathError, TypeError, ValueError, RecursionError, ArithmeticError)
"""What an expression can fail with on a body that it does not fit."""

Scalar = bool | int | float | str


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quantity: where its value stands and how it becomes ours."""

    quantity: str
    value: str
    factor: float = 1.0
    offset: float = 0.0
    true_when: tuple[Scalar, ...] = ()
    false_when: tuple[Scalar, ...] = ()


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one vendor's messages are read. ``device`` is JMESPath, or ``topic:2`` for a level."""

    name: str
    topic: str
    device: str
    readings: tuple[Mapping, ...]
    time: str = ""
    test: str = ""


class Unfit(ValueError):
    """A template that cannot be used; the text says why."""


def check(template: Template) -> None:
    """Refuse a template before it is saved.

    Raises:
        Unfit: an expression does not compile, a quantity is unknown, a flag has no values.
    """
    if not template.readings or len(template.readings) > MAX_READINGS:
        raise Unfit(f"1 to {MAX_READINGS} readings expected")
    texts = [template.time, template.test, *(m.value for m in template.readings)]
    if not template.device.startswith("topic:"):
        texts.append(template.device)
    elif not template.device[6:].isdigit():
        raise Unfit(f"device: topic:<level> expected, got {template.device!r}")
    for text in filter(None, texts):
        if len(text) > MAX_EXPRESSION:
            raise Unfit(f"expression of over {MAX_EXPRESSION} characters")
        try:
            jmespath.compile(text)
        except JMESPathError as wrong:
            raise Unfit(f"{text}: {wrong}") from wrong
    for mapping in template.readings:
        rule = QUANTITIES.get(mapping.quantity)
        if rule is None:
            raise Unfit(f"unknown quantity {mapping.quantity!r}")
        if rule.boolean and not (mapping.true_when and mapping.false_when):
            raise Unfit(f"{mapping.quantity}: true_when and false_when are needed")


def reader(template: Template) -> Adapter:
    """The adapter of a template.

    Raises:
        Unfit: see ``check``.
    """
    check(template)

    def read(
        topic: str | None, payload: bytes, received_at: datetime, retained: bool
    ) -> tuple[Decoded, ...]:
        device = "unknown"
        try:
            body = parse(payload)
            device = _device(template.device, topic, body)
            at = when(_found(template.time, body), received_at) if template.time else None
            said = _said(template, body, device, at or When(received_at), received_at)
        except Refused as refused:
            return (named(refused, device),)
        return kept(said, retained)

    return read


def serves(template: Template, topic: str) -> bool:
    """The topic is one of the template's (``+`` one level, ``#`` all the rest)."""
    wanted, given = template.topic.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


def _found(expression: str, body: object) -> Any:
    try:
        return jmespath.search(expression, body)
    except NEEDED as wrong:
        raise Refused("unknown-shape", f"{expression}: {wrong}"[:200]) from wrong


def _device(expression: str, topic: str | None, body: object) -> str:
    if expression.startswith("topic:"):
        levels, place = (topic or "").split("/"), int(expression[6:])
        return name_of(levels[place] if place < len(levels) else "")
    found = _found(expression, body)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(plain(found))
    if not isinstance(found, str):
        raise Refused("unknown-shape", f"device: {expression} finds no name")
    return name_of(found)


def _said(
    template: Template, body: object, device: str, at: When, received_at: datetime
) -> tuple[Decoded, ...]:
    flags = ("test",) if template.test and _found(template.test, body) is True else ()
    said: list[Decoded] = []
    for mapping in template.readings:
        found = _found(mapping.value, body)
        if found is None:
            continue
        try:
            value = _value(mapping, found)
        except Refused as refused:
            said.append(named(refused, device))
            continue
        said.append(measured(device, mapping.quantity, value, at, received_at, flags))
    nothing = Event(name="heartbeat", at=at.at, device=device)
    return tuple(said) or (nothing,)


def _value(mapping: Mapping, found: object) -> object:
    if QUANTITIES[mapping.quantity].boolean:
        for meaning, listed in ((True, mapping.true_when), (False, mapping.false_when)):
            if any(type(found) is type(one) and found == one for one in listed):
                return meaning
        raise Refused("bad-value", f"{mapping.quantity}: {str(found)[:60]!r} has no meaning")
    if isinstance(found, str):
        text = found[:40]
        try:
            found = float(text)
        except ValueError as wrong:
            raise Refused("bad-value", f"{mapping.quantity}: {text!r}") from wrong
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Refused("bad-value", f"{mapping.quantity}: a number expected")
    if abs(found) > 1e15 or found != found:
        raise Refused("out-of-range", f"{mapping.quantity}: no number that anybody measures")
    return round(found * mapping.factor + mapping.offset, 9)


def load(path: Path) -> tuple[Template, ...]:
    """The templates of a JSON file, an array.

    Raises:
        OSError, msgspec.DecodeError, Unfit: it cannot be read, or one of them cannot be used.
    """
    found = msgspec.json.decode(path.read_bytes(), type=tuple[Template, ...])
    for template in found:
        check(template)
    return found
