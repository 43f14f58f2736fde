"""Mapping templates: a further vendor's JSON needs no code. Data, its check, and one pure reader.

A template says which topics it reads, where the device's name and the time stand, which array (if
any) carries the items, and for each quantity where its value stands and how it becomes ours.
Expressions are JMESPath (``paths.py``); with ``items`` they are asked of each item, and one that
begins with ``$.`` of the whole message. A number counts as ``(found × factor + offset)`` in the
maker's ``unit``, which is then turned into ours. Of a flag, a value in neither list is refused:
nobody guesses what 7 means.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import msgspec

from backend.sensing.adapters import topics
from backend.sensing.adapters.paths import UNFIT, BadPath, Budget, TooMuchWork, parsed, ready
from backend.sensing.adapters.units import INTO
from backend.sensing.body import MAX_ITEMS, Refused, name_of, parse
from backend.sensing.measure import When, kept, measured, named, when
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import Adapter, Decoded, Event, Rejected, plain

MAX_MAPPINGS = 50
MAX_SAID = 1000
NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
LEVEL = re.compile(r"topic:(\d{1,2})")
LOCAL = re.compile(r"(\d{4})\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)?")
BUILT_IN = frozenset(
    {"zigbee2mqtt", "jiean", "application", "chirpstack", "milesight", "dragino", "sparkplug",
     "spBv1.0", "gb26875", "ctwing", "huawei", "hikvision", "dahua", "meokon", "jiean-status"}
)  # fmt: skip
"""Names and first levels of topics that belong to the platform's own protocols."""

Scalar = bool | int | float | str


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """True when what stands at ``value`` is one of ``equals`` (``1`` is not ``true``)."""

    value: str
    equals: tuple[Scalar, ...] = (True,)


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quantity: where its value stands and how it becomes ours.

    ``ignore`` lists raw values that mean "nothing measured"; ``alarm`` flags the reading as the
    device's own alarm.
    """

    quantity: str
    value: str
    unit: str = ""
    factor: float = 1.0
    offset: float = 0.0
    true_when: tuple[Scalar, ...] = ()
    false_when: tuple[Scalar, ...] = ()
    ignore: tuple[Scalar, ...] = ()
    alarm: Condition | None = None


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one vendor's messages are read. ``device`` is an expression, or ``topic:2`` for a level.

    ``name`` stands before the device in its address. ``time_as``: ``auto`` (ISO 8601 with an
    offset, or milliseconds), ``seconds``, or ``local`` (a text in the zone ``hours_east``).
    ``skip``: such a message or item says nothing.
    """

    name: str
    topic: str
    device: str
    readings: tuple[Mapping, ...]
    title: str = ""
    items: str = ""
    time: str = ""
    time_as: Literal["auto", "seconds", "local"] = "auto"
    hours_east: float = 8.0
    battery: str = ""
    test: Condition | None = None
    fault: Condition | None = None
    skip: Condition | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a template from being used: at which field (``readings.0.value``), and why."""

    field: str
    code: str
    at: int | None = None
    what: str = ""


class Unfit(ValueError):
    """A template that cannot be used; ``faults`` say why."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{f.field}: {f.code} {f.what}".strip() for f in faults))
        self.faults = faults


def faults(template: Template) -> tuple[Fault, ...]:
    """Everything that is wrong with a template, in the order of its fields."""
    return tuple(_faults(template))


def _faults(of: Template) -> Iterator[Fault]:
    if not NAME.fullmatch(of.name):
        yield Fault(field="name", code="name-form")
    elif of.name in BUILT_IN:
        yield Fault(field="name", code="built-in", what=of.name)
    if code := topics.faulty(of.topic):
        yield Fault(field="topic", code=code)
    elif (first := of.topic.partition("/")[0]) in BUILT_IN:
        yield Fault(field="topic", code="built-in", what=first)
    if of.device.startswith("topic:"):
        if not LEVEL.fullmatch(of.device):
            yield Fault(field="device", code="topic-level")
    elif not of.device:
        yield Fault(field="device", code="missing")
    else:
        yield from _path("device", of.device)
    if of.items.startswith("$."):
        yield Fault(field="items", code="root-of-root")
    for field in ("items", "time", "battery"):
        yield from _path(field, getattr(of, field))
    if not -14 <= of.hours_east <= 14:
        yield Fault(field="hours_east", code="range")
    for field in ("test", "fault", "skip"):
        yield from _condition(field, getattr(of, field))
    if not of.readings or len(of.readings) > MAX_MAPPINGS:
        yield Fault(field="readings", code="count", what=str(MAX_MAPPINGS))
    for place, mapping in enumerate(of.readings[:MAX_MAPPINGS]):
        yield from _mapping(f"readings.{place}", mapping)


def _mapping(at: str, of: Mapping) -> Iterator[Fault]:
    rule = QUANTITIES.get(of.quantity)
    if rule is None:
        yield Fault(field=f"{at}.quantity", code="unknown-quantity", what=of.quantity[:40])
    elif rule.boolean and not (of.true_when and of.false_when):
        yield Fault(field=f"{at}.true_when", code="meanings-missing")
    elif rule.boolean and {_same(one) for one in of.true_when} & {_same(o) for o in of.false_when}:
        yield Fault(field=f"{at}.true_when", code="both-meanings")
    elif of.unit and of.unit not in INTO.get(rule.unit or "", {}):
        yield Fault(field=f"{at}.unit", code="unknown-unit", what=of.unit[:20])
    if not of.value:
        yield Fault(field=f"{at}.value", code="missing")
    yield from _path(f"{at}.value", of.value)
    if not (1e-9 <= abs(of.factor) <= 1e9 and abs(of.offset) <= 1e9):
        yield Fault(field=f"{at}.factor", code="range")
    yield from _condition(f"{at}.alarm", of.alarm)


def _condition(at: str, of: Condition | None) -> Iterator[Fault]:
    if of is None:
        return
    if not of.value:
        yield Fault(field=at, code="missing")
    if not of.equals:
        yield Fault(field=f"{at}.equals", code="meanings-missing")
    yield from _path(at, of.value)


def _path(at: str, text: str) -> Iterator[Fault]:
    if not text:
        return
    try:
        parsed(text.removeprefix("$."))
    except BadPath as wrong:
        yield Fault(field=at, code=wrong.code, at=wrong.at, what=wrong.what)


def reader(template: Template) -> Adapter:
    """The adapter of a template.

    Raises:
        Unfit: see ``faults``.
    """
    found = faults(template)
    if found:
        raise Unfit(found)
    return _Reader(template)


def serves(template: Template, topic: str) -> bool:
    """The topic is one of the template's."""
    return topics.serves(template.topic.split("/"), topic.split("/"))


Ask = Callable[[object, object], Any]
"""What stands there, in an item and in the whole message."""


class _Reader:
    """A template made ready: its paths parsed, its conditions bound."""

    def __init__(self, of: Template) -> None:
        self._budget = Budget()
        self._of = of
        level = LEVEL.fullmatch(of.device)
        self._level = int(level[1]) if level else None
        self._device = None if level else self._ask(of.device)
        self._items = self._ask(of.items) if of.items else None
        self._time = self._ask(of.time) if of.time else None
        self._battery = self._ask(of.battery) if of.battery else None
        self._test, self._fault, self._skip = (self._met(c) for c in (of.test, of.fault, of.skip))
        self._readings = [
            (m, self._ask(m.value), self._met(m.alarm), *_scale(m)) for m in of.readings
        ]

    def __call__(
        self, topic: str | None, payload: bytes, received_at: datetime, retained: bool
    ) -> tuple[Decoded, ...]:
        self._budget.begin()
        device = "unknown"
        try:
            body = parse(payload)
            if self._device is None or self._items is None:
                device = self._name(topic, body, body) or device
            items: object = self._items(body, body) if self._items else [body]
            if not isinstance(items, list):
                raise Refused("unknown-shape", f"{self._of.items} finds no array")
            if len(items) > MAX_ITEMS:
                raise Refused("too-many", f"{len(items)} items, at most {MAX_ITEMS}")
            said: list[Decoded] = []
            for item in items:
                said += self._item(topic, item, body, received_at)
                if len(said) > MAX_SAID:
                    raise Refused("too-many", f"over {MAX_SAID} readings")
        except Refused as refused:
            return (named(refused, device),)
        nothing = Event(name="heartbeat", at=received_at, device=device)
        return kept(said, retained) or (nothing,)

    def _item(
        self, topic: str | None, item: object, body: object, received_at: datetime
    ) -> list[Decoded]:
        if self._skip and self._skip(item, body):
            return []
        device = self._named(topic, item, body)
        if isinstance(device, Rejected):
            return [device]
        at = self._when(item, body, received_at)
        flags = [name for name, met in (("test", self._test), ("fault", self._fault))
                 if met and met(item, body)]  # fmt: skip
        said: list[Decoded] = []
        for mapping, ask, alarm, factor, offset in self._readings:
            found = ask(item, body)
            if found is None or _among(found, mapping.ignore):
                continue
            more = ["alarm", *flags] if alarm and alarm(item, body) else flags
            try:
                value = _value(mapping, found, factor, offset)
            except Refused as refused:
                said.append(named(refused, device))
                continue
            said.append(measured(device, mapping.quantity, value, at, received_at, more))
        level = self._battery(item, body) if self._battery else None
        if isinstance(level, int | float) and not isinstance(level, bool) and level == level:
            facts = {"battery": plain(min(max(level, 0), 100))}
            said.append(Event(name="battery", at=at.at, device=device, facts=facts))
        return said or [Event(name="heartbeat", at=at.at, device=device)]

    def _ask(self, text: str) -> Ask:
        find, whole = ready(text.removeprefix("$."), self._budget), text.startswith("$.")

        def ask(item: object, body: object) -> Any:
            try:
                return find(body if whole else item)
            except TooMuchWork as much:
                raise Refused("too-much-work", f"{text}: {much}") from much
            except UNFIT as wrong:
                raise Refused("unknown-shape", f"{text}: {wrong}"[:200]) from wrong

        return ask

    def _met(self, of: Condition | None) -> Callable[[object, object], bool] | None:
        if of is None:
            return None
        ask, equals = self._ask(of.value), of.equals
        return lambda item, body: _among(ask(item, body), equals)

    def _named(self, topic: str | None, item: object, body: object) -> str | Rejected:
        """The device's name; without one this item is refused, and those beside it are not."""
        try:
            device = self._name(topic, item, body)
        except Refused as refused:
            return named(refused, None)
        detail = f"device: {self._of.device} finds no name"
        return device or Rejected(reason="unknown-shape", detail=detail)

    def _name(self, topic: str | None, item: object, body: object) -> str | None:
        """The device's name; None where the expression finds none."""
        if self._device is None:
            levels, place = (topic or "").split("/"), self._level or 0
            return name_of(levels[place] if place < len(levels) else "")
        found = self._device(item, body)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(plain(found))
        return name_of(found) if isinstance(found, str) else None

    def _when(self, item: object, body: object, received_at: datetime) -> When:
        if self._time is None:
            return When(received_at)
        found = self._time(item, body)
        if self._of.time_as == "seconds":
            found = _number(found)
            found = found * 1000 if isinstance(found, int | float) else found
        elif self._of.time_as == "local":
            found = _local(found, self._of.hours_east)
        elif isinstance(found, str) and found.isdigit():
            found = _number(found)
        return when(found, received_at)


def _scale(mapping: Mapping) -> tuple[float, float]:
    """Factor and offset from the raw number into our unit."""
    rule = QUANTITIES[mapping.quantity]
    factor, offset = INTO[rule.unit or ""][mapping.unit] if mapping.unit else (1.0, 0.0)
    return mapping.factor * factor, mapping.offset * factor + offset


def _same(one: object) -> tuple[type, object]:
    return type(one), one


def _among(found: object, listed: tuple[Scalar, ...]) -> bool:
    return any(type(found) is type(one) and found == one for one in listed)


def _number(found: object) -> object:
    try:
        return int(found) if isinstance(found, str) and len(found) < 20 else found
    except ValueError:
        return found


def _local(found: object, hours_east: float) -> object:
    """A text such as 2026-03-02 16:00:00 or 20260302160000, in the zone, as an instant."""
    match = LOCAL.match(str(found)[:40]) if isinstance(found, str | int) else None
    if match is None:
        return found
    zone = timezone(timedelta(hours=hours_east))
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return local.astimezone(UTC).isoformat()  # as a text: its year is looked at with all others
    except (ValueError, OverflowError):
        return "not a time"


def _value(mapping: Mapping, found: object, factor: float, offset: float) -> object:
    if QUANTITIES[mapping.quantity].boolean:
        for meaning, listed in ((True, mapping.true_when), (False, mapping.false_when)):
            if _among(found, listed):
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
    return round(found * factor + offset, 9)
