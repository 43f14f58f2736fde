"""A message that is complete in itself: a phone shows it without asking the server anything.

What a locked screen may show is a separate pair of lines, because anybody may read it: the
caller writes no name, no health and no full address there. An exercise says so in its title
on every door, so that it can never be taken for the real thing.

    >>> from datetime import UTC, datetime
    >>> from uuid import UUID
    >>> message = Message(
    ...     id=UUID(int=7), audience=Audience.STAFF, handling=Handling.EXERCISE, locale="zh",
    ...     title="烟雾报警:平江路 12 号 2 楼", body="2 楼李阿姨家",
    ...     urgency=Urgency.EMERGENCY,
    ...     lock_title="烟雾报警", lock_body="请打开应答", ttl_s=25, collapse_key="offer-7",
    ...     actions=(Action(id="accept", label="我去"), Action(id="decline", label="去不了")),
    ...     url="/field", sent_at=datetime(2025, 6, 1, tzinfo=UTC))
    >>> message.for_lock_screen()
    LockScreen(title='【演练】烟雾报警', body='请打开应答')
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

MAX_BYTES = 3_900
"""Plaintext of one message, bytes of UTF-8 JSON. A push service accepts 4096 bytes of
ciphertext; encryption adds 103 and the rest is margin."""

MAX_ACTIONS = 2
"""What a browser shows below a notification."""


class Audience(StrEnum):
    """Whom a message is for; with the urgency it chooses the ladder."""

    STAFF = "staff"
    DESK = "desk"
    RESIDENT = "resident"
    OFFICE = "office"


class Urgency(StrEnum):
    """How soon it matters. Quiet hours and bundling never touch ``EMERGENCY``."""

    EMERGENCY = "emergency"
    HIGH = "high"
    NORMAL = "normal"


class Handling(StrEnum):
    """May people act on it? (CAP 1.2 ``status``.)"""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


Locale = Literal["zh", "en"]

_MARKS: Mapping[tuple[Handling, Locale], str] = {
    (Handling.ACTUAL, "zh"): "",
    (Handling.ACTUAL, "en"): "",
    (Handling.EXERCISE, "zh"): "【演练】",
    (Handling.EXERCISE, "en"): "[Exercise] ",
    (Handling.TEST, "zh"): "【测试】",
    (Handling.TEST, "en"): "[Test] ",
}


class Action(msgspec.Struct, frozen=True, rename="camel"):
    """A button under the notification.

    Args:
        id: what the phone reports back, such as ``accept``.
        label: what the person reads, in the message's locale.
    """

    id: str
    label: str


class LockScreen(msgspec.Struct, frozen=True):
    """The two lines that anybody near the phone may read."""

    title: str
    body: str


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message to one person.

    Args:
        id: receipts name it; the same id sent twice is one message to the phone.
        title, body: for the open app; may name place and person.
        lock_title, lock_body: for the lock screen: no person's name, no health, no full address.
        urgency: see ``Urgency``.
        ttl_s: seconds after ``sent_at`` in which it is worth showing, 0 or more.
        collapse_key: a later message with the same key replaces this one on the phone.
        actions: at most two buttons.
        url: the page that a tap opens: a path of our own site, starting with one slash.
        data: small facts for the app; no personal data beyond what ``body`` says.
        sent_at: UTC.

    Raises:
        ValueError: a field is outside what is said above.
    """

    id: UUID
    audience: Audience
    title: str
    body: str
    lock_title: str
    lock_body: str
    urgency: Urgency
    handling: Handling
    ttl_s: int
    sent_at: datetime
    collapse_key: str = ""
    actions: tuple[Action, ...] = ()
    locale: Locale = "zh"
    url: str = "/"
    data: dict[str, str | int | float | bool | None] = {}

    def __post_init__(self) -> None:
        if self.ttl_s < 0:
            raise ValueError("ttl_s must be 0 or more")
        if self.sent_at.tzinfo is None:
            raise ValueError("sent_at must say its time zone")
        if len(self.actions) > MAX_ACTIONS:
            raise ValueError(f"a notification has at most {MAX_ACTIONS} actions")
        # Browsers read "//host" and "/\host" as another site.
        if not self.url.startswith("/") or self.url[1:2] in ("/", "\\"):
            raise ValueError("url must be a path of our own site")

    def for_lock_screen(self) -> LockScreen:
        """The lines for a locked screen, marked when this is an exercise or a test."""
        mark = _MARKS[self.handling, self.locale]
        return LockScreen(mark + self.lock_title, self.lock_body)

    def for_open_app(self) -> tuple[str, str]:
        """Title and body for the open app, marked when this is an exercise or a test."""
        return _MARKS[self.handling, self.locale] + self.title, self.body


_OVER: Mapping[Locale, tuple[str, str]] = {
    "zh": ("已结束", "无需再答复"),
    "en": ("It is over", "No answer is needed"),
}
OVER_TTL_S = 60
"""What replaces a message outlives it by this much: a phone may have got that one just now."""


def replacing(message: Message, id_: UUID, *, at: datetime) -> Message:
    """The quiet message that takes the place of one which no longer asks for anything.

    It is shown, so that no browser counts a silent push against us, but it rings nobody and has
    no buttons.

    Args:
        message: what a screen may still show; it must have a ``collapse_key``.
        id_: the new one's.
        at: UTC.
    """
    title, body = _OVER[message.locale]
    until = message.sent_at + timedelta(seconds=message.ttl_s + OVER_TTL_S)
    return msgspec.structs.replace(
        message,
        id=id_,
        title=f"{title}：{message.title}"
        if message.locale == "zh"
        else f"{title}: {message.title}",
        body=body,
        lock_title=title,
        lock_body=body,
        urgency=Urgency.NORMAL,
        actions=(),
        ttl_s=max(OVER_TTL_S, int((until - at).total_seconds())),
        sent_at=at,
        data={"kind": "over", "of": str(message.id)},
    )


class TooLargeError(ValueError):
    """The message does not fit even with its words cut short."""


_LINES = (("body", 0), ("lock_body", 0), ("title", 240), ("lock_title", 120))
"""What is cut, in this order, and to how many bytes at least: a title names the place."""


def encode(message: Message, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The JSON that a phone receives, cut to fit.

    Long words are shortened, with an ellipsis, rather than losing the alarm: the body first, a
    title only at its end. Buttons, the page and ``data`` are never touched: without them the
    person could see the alarm and do nothing.

    Args:
        message: what to send.
        max_bytes: the most that may come back.

    Returns:
        UTF-8 JSON in camel case with the fields of ``Message``; ``title`` and ``lockTitle``
        carry the exercise mark.

    Raises:
        TooLargeError: it does not fit although everything is cut that may be.
    """
    title, _ = message.for_open_app()
    marked = msgspec.structs.replace(
        message, title=title, lock_title=message.for_lock_screen().title
    )
    encoded = msgspec.json.encode(marked)
    for name, least in _LINES:
        text = whole = str(getattr(marked, name))
        while len(encoded) > max_bytes and len(text.encode()) > least:
            spare = len(encoded) - max_bytes + len("…".encode())
            kept = max(least, len(text.encode()) - spare)
            text = text.encode()[:kept].decode(errors="ignore")
            shown = text + "…" if text and text != whole else text
            marked = msgspec.structs.replace(marked, **{name: shown})
            encoded = msgspec.json.encode(marked)
    if len(encoded) > max_bytes:
        raise TooLargeError(f"{len(encoded)} bytes when cut short, {max_bytes} allowed")
    return encoded
