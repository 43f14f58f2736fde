"""The packets of MQTT 5 that a consumer sends and receives. Pure: bytes in, bytes out.

Only what our session uses: quality of service 0 and 1, no topic aliases, no enhanced
authentication. Properties that we do not act on are stepped over by their length.

Source: OASIS MQTT Version 5.0 (2019); section numbers stand beside what they rule.
"""

import struct
from collections.abc import Iterable, Sequence

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 13, 14

PINGREQ = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
"""DISCONNECT, normal (3.14): the broker keeps the session and does not send our last will."""
BROKEN = b"\xe0\x01\x81"
"""DISCONNECT, malformed packet (0x81)."""

SERVER_KEEP_ALIVE = 0x13
BYTE, TWO, FOUR, TEXT, PAIR, VARIABLE = range(6)
PROPERTIES = {
    0x01: BYTE, 0x02: FOUR, 0x03: TEXT, 0x08: TEXT, 0x09: TEXT, 0x0B: VARIABLE, 0x11: FOUR,
    0x12: TEXT, 0x13: TWO, 0x15: TEXT, 0x16: TEXT, 0x17: BYTE, 0x18: FOUR, 0x19: BYTE,
    0x1A: TEXT, 0x1C: TEXT, 0x1F: TEXT, 0x21: TWO, 0x22: TWO, 0x23: TWO, 0x24: BYTE, 0x25: BYTE,
    0x26: PAIR, 0x27: FOUR, 0x28: BYTE, 0x29: BYTE, 0x2A: BYTE,
}  # fmt: skip
"""The form of each property (2.2.2.2). TEXT and binary data have one form: length and bytes."""


class Malformed(Exception):
    """Not MQTT 5: the connection cannot go on, since nobody knows where the next packet begins."""


# ---- what arrives ----------------------------------------------------------------------------


def frame(buffer: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """The packet that begins at ``at``: first byte, where its body begins, where it ends.

    Returns:
        None while its length is not here yet. The end may lie behind the end of ``buffer``.

    Raises:
        Malformed: a length of more than four bytes (1.5.5).
    """
    have = len(buffer)
    if at + 2 > have:
        return None
    length = buffer[at + 1]
    body = at + 2
    if length < 128:
        return buffer[at], body, body + length
    length &= 127
    for shift in (7, 14, 21):
        if body >= have:
            return None
        part = buffer[body]
        body += 1
        length |= (part & 127) << shift
        if part < 128:
            return buffer[at], body, body + length
    raise Malformed("remaining length")


def published(
    buffer: bytes | bytearray, first: int, at: int, end: int, most: int
) -> tuple[str, bytes, int]:
    """Topic, payload and packet id (0 for quality of service 0) of a PUBLISH (3.3).

    A topic that is no UTF-8 gets replacement characters: one message must not end the session.

    Args:
        most: bytes of the payload that are kept.

    Raises:
        Malformed: quality of service 2 or 3, which we never granted, or a length behind the end.
    """
    qos = first & 6
    if qos > 2 or at + 2 > end:
        raise Malformed("publish")
    topic_at = at + 2
    at = topic_at + (buffer[at] << 8 | buffer[at + 1])
    topic = buffer[topic_at:at].decode(errors="replace")
    mid = 0
    if qos:
        if at + 2 > end:
            raise Malformed("publish")
        mid = buffer[at] << 8 | buffer[at + 1]
        if not mid:
            raise Malformed("packet id 0")
        at += 2
    if at < end and buffer[at] < 128:
        at += 1 + buffer[at]
    else:
        length, at = _variable(buffer, at, end)
        at += length
    if at > end:
        raise Malformed("publish")
    return topic, bytes(buffer[at : min(end, at + most)]), mid


def connack(body: bytes) -> tuple[int, bool, int | None]:
    """Reason code, whether the broker still had our session, its keep-alive in s if it sets one.

    Raises:
        Malformed: shorter than 3.2 says.
    """
    if len(body) < 2:
        raise Malformed("connack")
    said = _properties(body, 2) if len(body) > 2 else {}
    keep_alive = said.get(SERVER_KEEP_ALIVE)
    return body[1], bool(body[0] & 1), int.from_bytes(keep_alive, "big") if keep_alive else None


def suback(body: bytes) -> bytes:
    """The reason codes, one per subscription; 0x80 and above refuse (3.9).

    Raises:
        Malformed: shorter than it must be.
    """
    length, at = _variable(body, 2, len(body))
    if at + length > len(body):
        raise Malformed("suback")
    return body[at + length :]


def _variable(buffer: bytes | bytearray, at: int, end: int) -> tuple[int, int]:
    """A variable byte integer and where it ends."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            break
        part = buffer[at]
        at += 1
        value |= (part & 127) << shift
        if part < 128:
            return value, at
    raise Malformed("variable byte integer")


def _properties(body: bytes, at: int) -> dict[int, bytes]:
    """Properties by identifier; of one that may repeat, the last."""
    length, at = _variable(body, at, len(body))
    end = at + length
    if end > len(body):
        raise Malformed("properties")
    found: dict[int, bytes] = {}
    while at < end:
        name, at = _variable(body, at, end)
        form = PROPERTIES.get(name)
        began = at
        if form is None:
            raise Malformed(f"property {name:#x}")
        if form == VARIABLE:
            _, at = _variable(body, at, end)
        elif form in (TEXT, PAIR):
            for _ in range(1 + (form == PAIR)):
                at += 2 + int.from_bytes(body[at : at + 2], "big")
        else:
            at += (1, 2, 4)[form]
        if at > end:
            raise Malformed(f"property {name:#x}")
        found[name] = body[began:at]
    return found


# ---- what we send ----------------------------------------------------------------------------


def connect(
    client_id: str,
    *,
    user: str | None,
    password: str | None,
    keep_alive_s: int,
    session_expiry_s: int,
    receive_max: int,
    packet_max: int,
    will: tuple[str, bytes],
) -> bytes:
    """CONNECT to a session that stays (3.1): clean start off, a retained last will."""
    flags = 0b0010_1100 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    wishes = struct.pack(">BIBHBI", 0x11, session_expiry_s, 0x21, receive_max, 0x27, packet_max)
    body = _text("MQTT") + struct.pack(">BBH", 5, flags, keep_alive_s)
    body += _length(len(wishes)) + wishes + _text(client_id)
    body += b"\0" + _text(will[0]) + _binary(will[1])
    for word in (user, password):
        body += _text(word) if word is not None else b""
    return b"\x10" + _length(len(body)) + body


def subscribe(mid: int, topics: Sequence[str]) -> bytes:
    """SUBSCRIBE at quality of service 1; kept messages come with a new subscription only."""
    wish = 0b0001_0001  # retain handling 1, retain as published 0, QoS 1 (3.8.3.1)
    body = struct.pack(">HB", mid, 0) + b"".join(_text(topic) + bytes([wish]) for topic in topics)
    return b"\x82" + _length(len(body)) + body


def unsubscribe(mid: int, topics: Sequence[str]) -> bytes:
    """UNSUBSCRIBE (3.10)."""
    body = struct.pack(">HB", mid, 0) + b"".join(map(_text, topics))
    return b"\xa2" + _length(len(body)) + body


def publish(topic: str, payload: bytes, mid: int) -> bytes:
    """PUBLISH at quality of service 1, retained."""
    body = _text(topic) + struct.pack(">HB", mid, 0) + payload
    return b"\x33" + _length(len(body)) + body


def command(topic: str, payload: bytes) -> bytes:
    """PUBLISH at quality of service 0, not retained."""
    body = _text(topic) + b"\0" + payload
    return b"\x30" + _length(len(body)) + body


def pubacks(mids: Iterable[int]) -> bytes:
    """One PUBACK (success) for each, in the order given: that of arrival (4.6)."""
    return b"".join([b"@\x02" + mid.to_bytes(2, "big") for mid in mids])


def _text(words: str) -> bytes:
    return _binary(words.encode())


def _binary(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def _length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, part = value >> 7, value & 127
        out.append(part | (128 if value else 0))
        if not value:
            return bytes(out)
