"""Muting one detector for a set time, after it called people for nothing (lifecycle section 9).

Pure. A mute ends by itself; what is still over the limit then raises at that moment.
"""

from datetime import datetime

import msgspec

from backend.sensing.flow import DetectorState, Watch, cleared

LIFE_AT_MOST_MIN = 120  # ▲
AT_MOST_MIN = 24 * 60  # ▲
LIFE = frozenset({"smoke", "gas"})
"""Kinds whose silence may cost a life within the hour."""


def at_most_min(kind: str) -> int:
    """How many minutes a detector of this kind may be muted at once.

    >>> at_most_min("gas"), at_most_min("water")
    (120, 1440)
    """
    return LIFE_AT_MOST_MIN if kind in LIFE else AT_MOST_MIN


def muted(state: DetectorState, until: datetime) -> DetectorState:
    """The detector with its mute, in place of one that stands. ``until`` now or past lifts it.

    An alarm that is on ends without a word and waits as an exceeded limit: it raises anew at
    ``until`` unless a reading below the limit comes before.
    """
    watches = {key: _quiet(watch) for key, watch in state.watches.items()}
    return msgspec.structs.replace(state, watches=watches, muted_until=until)


def _quiet(watch: Watch) -> Watch:
    if watch.episode is None:
        return watch
    over_since = None if watch.normals else watch.last_at
    quiet = msgspec.structs.replace(cleared(watch), over_since=over_since)
    if watch.memory is None or quiet.memory is None:
        return quiet
    memory = msgspec.structs.replace(quiet.memory, overs=watch.memory.overs)
    return msgspec.structs.replace(quiet, memory=memory)
