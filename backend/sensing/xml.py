"""A small, safe XML reader: no document type, no entities of its own, bounded in every direction.

expat itself, with its dangerous parts refused: a document type declaration ends the reading, so
neither entity bombs nor outside files can happen.
"""

from collections.abc import Iterator
from xml.parsers import expat

from backend.sensing.body import Refused

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 5000


class Node:
    """An element: its name without namespace, its own text, its children in order."""

    __slots__ = ("children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: list[Node] = []

    def find(self, name: str) -> str | None:
        """The text of the first child of this name; None without one or when it is empty."""
        for child in self.children:
            if child.name == name:
                return child.text.strip() or None
        return None

    def walk(self) -> Iterator["Node"]:
        """This element and all below it, in document order."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            yield here
            waiting.extend(reversed(here.children))


def read(raw: bytes) -> Node:
    """The root element.

    Raises:
        Refused: ``too-big``, ``too-deep``, or ``not-xml`` (also for any document type).
    """
    if len(raw) > MAX_BYTES:
        raise Refused("too-big", f"{len(raw)} bytes, at most {MAX_BYTES}")
    top = Node("")
    path = [top]
    count = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(path) > MAX_DEPTH or count > MAX_NODES:
            raise Refused("too-deep", f"deeper than {MAX_DEPTH} or over {MAX_NODES} elements")
        node = Node(name.rpartition(":")[2])
        path[-1].children.append(node)
        path.append(node)

    def end(_name: str) -> None:
        path.pop()

    def text(found: str) -> None:
        path[-1].text += found

    def refuse(*_: object) -> int:
        raise Refused("not-xml", "document types and entities are refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as wrong:
        raise Refused("not-xml", str(wrong)) from wrong
    except (LookupError, ValueError) as wrong:  # an encoding that nobody knows
        raise Refused("not-xml", str(wrong)) from wrong
    return top.children[0]
