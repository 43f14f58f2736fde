"""Protobuf's wire format, read by hand: enough for a payload whose schema we know. Pure, bounded.

Nothing here knows a schema: a message is its fields in order, each with number and raw value.
"""

from collections.abc import Iterator

from backend.sensing.body import Refused

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_FIELDS = 20_000


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and value: a whole number for varints, the bytes for all others.

    Raises:
        Refused: ``bad-layout`` when these bytes are no protobuf message.
    """
    at = count = 0
    while at < len(data):
        count += 1
        if count > MAX_FIELDS:
            raise Refused("too-many", f"over {MAX_FIELDS} fields")
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise Refused("bad-layout", "field number 0")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == LENGTH:
            size, at = _varint(data, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise Refused("bad-layout", f"wire type {wire}")
        if size > len(data) - at:
            raise Refused("incomplete", f"field {number} needs {size} bytes")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise Refused("incomplete", "a number that never ends")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise Refused("bad-layout", "a number of more than 64 bits")
