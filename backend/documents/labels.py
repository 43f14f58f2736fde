"""A sheet of labels, printed by the press."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from backend.documents import press

TEMPLATE = Path(__file__).with_name("labels.typ")
AT_MOST = 480
"""▲ Twenty sheets: three seconds of the press."""


def sheet(labels: Sequence[tuple[str, str, str, bytes]]) -> bytes:
    """A PDF of A4 sheets with 24 labels each.

    Args:
        labels: number, kind, place and the code as SVG, in the order of printing.
    """
    with tempfile.TemporaryDirectory(prefix="jiean-labels-") as folder:
        shown = []
        for at, (number, kind, place, code) in enumerate(labels):
            (Path(folder) / f"{at}.svg").write_bytes(code)
            shown.append({"number": number, "kind": kind, "place": place, "file": f"{at}.svg"})
        return press.compiled(TEMPLATE, Path(folder), "labels", shown)
