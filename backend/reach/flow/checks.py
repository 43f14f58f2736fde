"""When somebody is tested, and what came of it. Pure: time comes in as a value.

A shift's tests have numbers: 0 at its beginning, then one every ``every_s``. A number is tested
once, however many nodes look; where nobody looked for hours only the newest is made up for.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class Sound(StrEnum):
    """Whether a test may be heard: what the person chose."""

    NEVER = "never"
    DAY = "day"
    ALWAYS = "always"


LEAST_S = 600.0
"""▲ More often would be a nuisance, and proves nothing more."""
EveryS = Annotated[float, Meta(ge=LEAST_S, le=604_800)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person's tests. ``every_s`` None: none but the first; ``at_start`` False: no first."""

    every_s: EveryS | None
    at_start: bool = True
    sound: Sound = Sound.NEVER


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A test that should have begun at ``planned_at``; ``number`` counts within the shift."""

    number: int
    planned_at: datetime


def due(plan: Plan, on_since: datetime, now: datetime) -> Due | None:
    """The newest test of this shift that has come due; None when there is none.

    Args:
        on_since: UTC, when the shift began.
        now: UTC.
    """
    number = 0
    if plan.every_s is not None and now > on_since:
        number = int((now - on_since).total_seconds() // plan.every_s)
    if number == 0 and (not plan.at_start or now < on_since):
        return None
    step = timedelta(seconds=(plan.every_s or 0.0) * number)
    return Due(number=number, planned_at=on_since + step)


def audible(sound: Sound, local_hour: int, *, night_from: int, night_to: int) -> bool:
    """Whether a test makes a noise: never at night unless the person wants it always.

    Args:
        local_hour: 0 to 23, where the person is.
        night_from, night_to: the quiet hours, over midnight or not.
    """
    night = (local_hour - night_from) % 24 < (night_to - night_from) % 24
    return sound is Sound.ALWAYS or (sound is Sound.DAY and not night)
