"""The wire shapes of commands and their answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.incidents.flow.commands import AnyCommand

SKEW_MOST_MS = 4_000_000_000_000
"""126 years: a phone whose clock went back to 1970 is still heard."""
Instant = Annotated[datetime, Meta(tz=True)]


class Where(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A phone's position at the tap, degrees WGS-84."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    at: Instant | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A command as a phone or a browser sends it; ids are made by the sender."""

    command_id: UUID
    incident_id: UUID
    occurred_at: Instant
    command: AnyCommand
    seen_version: int | None = None
    device_id: Annotated[str, Meta(max_length=64)] | None = None
    seq: int | None = None
    elapsed_ms: int | None = None
    skew_ms: Annotated[int, Meta(ge=-SKEW_MOST_MS, le=SKEW_MOST_MS)] | None = None
    """Server minus phone clock in milliseconds, as measured at last contact."""
    position: Where | None = None
    signature: str | None = None
    """By the phone's key over everything else, as sent; checked where the phone has a key."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Envelopes one by one, so that a single broken one never holds back the others."""

    commands: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=500)]


class Named(msgspec.Struct, frozen=True, rename="camel"):
    """The least of an envelope that can be answered."""

    command_id: UUID


class RefusalView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why not, in words, and what to do."""

    code: str
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""
    missing: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to one command; the same command again gets the same, with ``repeated``."""

    command_id: UUID
    outcome: Literal["accepted", "late_statement", "refused"]
    version: int | None = None
    refusal: RefusalView | None = None
    repeated: bool = False


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    answers: list[Answer]
