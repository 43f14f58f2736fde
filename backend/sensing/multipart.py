"""The parts of a multipart body as cameras send it: the boundary is its own first line. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

MAX_PARTS = 64


class Part(NamedTuple):
    """One part: its header lines as one lower-case text, and its bytes."""

    head: str
    body: bytes


def parts(raw: bytes) -> Iterator[Part]:
    """The parts between the boundaries. A declared length is not believed."""
    mark = raw.lstrip(b"\r\n").partition(b"\n")[0].strip()
    if not mark.startswith(b"--") or len(mark) < 3:
        return
    for place, piece in enumerate(raw.split(mark)[1:]):
        if place >= MAX_PARTS or piece.startswith(b"--"):
            return
        piece = piece.removeprefix(b"\r").removeprefix(b"\n")
        head, _, body = piece.replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
        yield Part(head.decode("utf-8", errors="replace").lower(), body.strip(b"\r\n"))
