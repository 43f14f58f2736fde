"""MQTT topic filters: whether one is well formed, serves a topic, covers or meets another. Pure."""

MAX_FILTER = 200
MAX_LEVELS = 12


def faulty(wanted: str) -> str | None:
    """Why it is no filter of ours, as a stable code; None when it is one.

    The first level has to be a name: a template for ``#`` or ``+/up`` would read what belongs to
    others.
    """
    levels = wanted.split("/")
    if not wanted or len(wanted) > MAX_FILTER or len(levels) > MAX_LEVELS:
        return "topic-size"
    if not wanted.isprintable():
        return "topic-form"
    if levels[0] in ("", "+", "#") or levels[0].startswith("$"):
        return "topic-first"
    for place, level in enumerate(levels):
        if ("+" in level and level != "+") or ("#" in level and level != "#"):
            return "topic-form"
        if level == "#" and place != len(levels) - 1:
            return "topic-form"
    return None


def serves(wanted: list[str], given: list[str]) -> bool:
    """A filter, split at its slashes, matches a topic (``+`` one level, ``#`` all the rest)."""
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


def meet(one: str, other: str) -> bool:
    """Some topic is matched by both."""
    first, second = one.split("/"), other.split("/")
    for left, right in zip(first, second, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    if len(first) == len(second):
        return True
    longer = max(first, second, key=len)
    return longer[min(len(first), len(second))] == "#"


def covers(wide: str, narrow: str) -> bool:
    """Every topic of ``narrow`` is one of ``wide``."""
    first, second = wide.split("/"), narrow.split("/")
    for place, level in enumerate(first):
        if level == "#":
            return True
        if place >= len(second) or second[place] == "#":
            return False
        if level != "+" and level != second[place]:
            return False
    return len(first) == len(second)
