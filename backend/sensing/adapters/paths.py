"""Where a value stands in a message: JMESPath, bounded in time and memory. Pure.

jmespath parses; we evaluate, because its interpreter has no bound. Of the language everything that
picks is allowed and everything that builds is not (lists and objects of one's own, ``map``, ``&``):
what an expression finds is then never larger than the message. A budget of steps, counted where
something is repeated, bounds the time. ``tests`` compare every allowed form with jmespath itself.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

MAX_TEXT = 300
MAX_NESTED = 40
STEPS = 20_000
"""Elements looked at for one message, over all its expressions."""
FUNCTIONS = frozenset(
    {"abs", "avg", "ceil", "contains", "ends_with", "floor", "join", "keys", "length", "max",
     "min", "not_null", "reverse", "sort", "starts_with", "sum", "to_number", "type", "values"}
)  # fmt: skip
UNFIT = (JMESPathError, TypeError, ValueError, RecursionError, ArithmeticError)
"""What an expression can fail with on a message that it does not fit."""
WORDS = {"multi_select_list": "[a, b]", "multi_select_dict": "{a: b}", "expref": "&"}

Node = dict[str, Any]
Find = Callable[[Any], Any]


class BadPath(ValueError):
    """An expression that cannot be used. ``code`` is stable, ``at`` the character or None."""

    def __init__(self, code: str, at: int | None = None, what: str = "") -> None:
        super().__init__(f"{code} {what}".strip())
        self.code, self.at, self.what = code, at, what


class TooMuchWork(ValueError):
    """The budget of a message is used up."""


class Budget:
    """Steps left for the message that is read now."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def begin(self) -> None:
        """The next message."""
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Take from it.

        Raises:
            TooMuchWork: nothing is left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork(f"more than {STEPS} steps")


@lru_cache(maxsize=2000)
def parsed(text: str) -> Node:
    """The expression's tree, checked.

    Raises:
        BadPath: ``too-long``, ``syntax``, ``not-allowed`` (what, by name) or ``too-nested``.
    """
    if len(text) > MAX_TEXT:
        raise BadPath("too-long", what=str(MAX_TEXT))
    try:
        tree: Node = jmespath.compile(text).parsed
    except ParseError as wrong:
        raise BadPath("syntax", getattr(wrong, "lex_position", None)) from wrong
    except (JMESPathError, ValueError, RecursionError) as wrong:
        raise BadPath("syntax", what=str(wrong)[:80]) from wrong
    waiting = [(tree, 1)]
    while waiting:
        node, level = waiting.pop()
        kind = node["type"]
        if level > MAX_NESTED:
            raise BadPath("too-nested", what=str(MAX_NESTED))
        if kind not in BUILDERS:
            raise BadPath("not-allowed", what=WORDS.get(kind) or kind)
        if kind == "function_expression" and node["value"] not in FUNCTIONS:
            raise BadPath("not-allowed", what=f"{node['value']}()")
        if kind != "slice":
            waiting += [(child, level + 1) for child in node["children"]]
    return tree


def ready(text: str, budget: Budget) -> Find:
    """The expression as a function of a value, which may raise ``TooMuchWork`` or ``UNFIT``.

    Raises:
        BadPath: see ``parsed``.
    """
    return _built(parsed(text), budget)


def _built(node: Node, budget: Budget) -> Find:
    return BUILDERS[node["type"]](node, budget)


def _field(node: Node, _: Budget) -> Find:
    key = node["value"]
    return lambda value: value.get(key) if isinstance(value, dict) else None


def _index(node: Node, _: Budget) -> Find:
    place = node["value"]

    def find(value: Any) -> Any:
        if not isinstance(value, list) or not -len(value) <= place < len(value):
            return None
        return value[place]

    return find


def _chain(node: Node, budget: Budget) -> Find:
    steps = [_built(child, budget) for child in node["children"]]
    if len(steps) == 2:
        first, second = steps
        return lambda value: second(first(value))

    def find(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return find


def _itself(_node: Node, _: Budget) -> Find:
    return lambda value: value


def _literal(node: Node, _: Budget) -> Find:
    said = node["value"]
    return lambda _value: said


def _slice(node: Node, budget: Budget) -> Find:
    part = slice(*node["children"])

    def find(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        budget.spend(len(value))
        return value[part]

    return find


def _comparator(node: Node, budget: Budget) -> Find:
    left, right = (_built(child, budget) for child in node["children"])
    compare, ordered = TreeInterpreter.COMPARATOR_FUNC[node["value"]], node["value"] not in EQUAL

    def find(value: Any) -> Any:
        one, other = left(value), right(value)
        if ordered and not (_number(one) and _number(other)):
            return None
        return compare(one, other)

    return find


def _or(node: Node, budget: Budget) -> Find:
    first, second = (_built(child, budget) for child in node["children"])

    def find(value: Any) -> Any:
        found = first(value)
        return second(value) if _empty(found) else found

    return find


def _and(node: Node, budget: Budget) -> Find:
    first, second = (_built(child, budget) for child in node["children"])

    def find(value: Any) -> Any:
        found = first(value)
        return found if _empty(found) else second(value)

    return find


def _not(node: Node, budget: Budget) -> Find:
    inner = _built(node["children"][0], budget)

    def find(value: Any) -> Any:
        found = inner(value)
        return False if _number(found) else not found

    return find


def _projection(node: Node, budget: Budget) -> Find:
    """Of each element (of a list, or of an object's values) what the right side finds."""
    base, each = (_built(child, budget) for child in node["children"][:2])
    of_values = node["type"] == "value_projection"
    filters = node["type"] == "filter_projection"
    holds = _built(node["children"][2], budget) if filters else None

    def find(value: Any) -> Any:
        elements = base(value)
        if of_values:
            elements = list(elements.values()) if isinstance(elements, dict) else None
        if not isinstance(elements, list):
            return None
        budget.spend(len(elements))
        if holds is not None:
            elements = [element for element in elements if not _empty(holds(element))]
        return [found for element in elements if (found := each(element)) is not None]

    return find


def _flatten(node: Node, budget: Budget) -> Find:
    base = _built(node["children"][0], budget)

    def find(value: Any) -> Any:
        elements = base(value)
        if not isinstance(elements, list):
            return None
        flat: list[Any] = []
        for element in elements:
            flat += element if isinstance(element, list) else [element]
        budget.spend(len(elements) + len(flat))
        return flat

    return find


def _function(node: Node, budget: Budget) -> Find:
    name, given = node["value"], [_built(child, budget) for child in node["children"]]
    call = Functions().call_function

    def find(value: Any) -> Any:
        arguments = [one(value) for one in given]
        budget.spend(10 + sum(len(a) for a in arguments if isinstance(a, list | dict | str)))
        return call(name, arguments)

    return find


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _empty(value: object) -> bool:
    """What JMESPath takes for false; zero is true."""
    return value is None or value is False or value in ("", [], {})


EQUAL = ("eq", "ne")
BUILDERS: dict[str, Callable[[Node, Budget], Find]] = {
    "field": _field,
    "index": _index,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "current": _itself,
    "identity": _itself,
    "literal": _literal,
    "slice": _slice,
    "comparator": _comparator,
    "or_expression": _or,
    "and_expression": _and,
    "not_expression": _not,
    "projection": _projection,
    "value_projection": _projection,
    "filter_projection": _projection,
    "flatten": _flatten,
    "function_expression": _function,
}
