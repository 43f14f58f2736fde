"""Whose clock to believe when a device's time and ours are far apart. Pure.

A reading whose time is past is history (a gateway kept it while its line was down): it never
raises. But nobody keeps history for more than a month: older than that, it is news from a device
whose clock is wrong, as it is after every loss of power where 1970 is where a clock begins. News
must raise, so it is judged by the time at which it came; both times are kept with it.
"""

from datetime import timedelta

import msgspec

from backend.sensing.reading import Reading

HISTORY_AT_MOST = timedelta(days=31)
"""▲ What is older is no history."""


def believed(reading: Reading) -> Reading:
    """A reading as it is judged: one that is too old to be history loses its flag ``late``.

    What the device itself calls history (flag ``history``) stays late, however old it is.

    A clock that is wrong by less than a month cannot be told from history: that is told to the
    desk as late, with both times.
    """
    if "late" not in reading.flags or "history" in reading.flags:
        return reading
    if reading.received_at - reading.measured_at <= HISTORY_AT_MOST:
        return reading
    flags = tuple(flag for flag in reading.flags if flag != "late")
    return msgspec.structs.replace(reading, flags=flags)


def known_by_time(reading: Reading) -> bool:
    """Whether two readings of one time and value are one: not where the clock is wrong.

    A clock that stands still would make every alarm after the first a repeat.
    """
    return reading.timed and ("clock" not in reading.flags or "late" in reading.flags)
