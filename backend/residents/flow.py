"""What is shown of a resident, and by which telephone a household is reached. Pure."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


def masked_name(name: str) -> str:
    """The first character and two stars, so that the length says nothing: ``陈**``."""
    return f"{name[:1]}**"


def masked_phone(phone: str) -> str:
    """``138****1234``; of a number under eleven digits only the last two are left."""
    digits = "".join(filter(str.isdigit, phone))
    if len(digits) >= 11:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:] if len(digits) > 4 else ''}"


class Way(StrEnum):
    """How somebody wants to be reached (4.1-f)."""

    CALL = "call"
    """Texts, and an automatic call when nobody answers: whoever says nothing else."""
    TEXT = "text"
    """Who does not hear: texts and vibration, never a call; a call goes to the family."""
    FAMILY = "family"
    """Who cannot act upon it alone: texts and calls go to somebody of the family first."""


class Reachable(msgspec.Struct, frozen=True):
    """One person of a household, in the order of calling; ``phone`` possibly empty."""

    phone: str
    way: Way = Way.CALL


def ways_of(people: Sequence[Reachable]) -> dict[str, str]:
    """Door → number for a household's messages; doors that nobody has are left out.

    ``sms`` and ``voice`` are the first person's, as that person wants it; ``family`` is whoever
    comes next and hears a call. Nobody who asked for text is ever called, and nobody who asked
    for the family is left without any way because there is none.
    """
    having = [each for each in people if each.phone]
    if not having:
        return {}
    first, hear = having[0], [each.phone for each in having[1:] if each.way is Way.CALL]
    others = [phone for phone in dict.fromkeys(hear) if phone != first.phone]
    if first.way is Way.FAMILY and others:
        ways = {"sms": others[0], "voice": others[0], "family": "".join(others[1:2])}
    elif first.way is Way.TEXT:
        ways = {"sms": first.phone, "family": "".join(others[:1])}
    else:
        ways = {"sms": first.phone, "voice": first.phone, "family": "".join(others[:1])}
    return {door: number for door, number in ways.items() if number}
