"""The one door to typst: a paper and its number in, PDF bytes out."""

import tempfile
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import msgspec

from backend.documents.flow import TITLES, Paper, Print

TEMPLATE = Path(__file__).with_name("paper.typ")
PDF_A: Literal["a-2b"] = "a-2b"
"""For keeping (6.3.7.2): everything that is needed to show the page is inside the file."""


NO_PRINTS: Mapping[str, Print] = {}


def pdf_of(paper: Paper, number: str, prints: Mapping[str, Print] = NO_PRINTS) -> bytes:
    """Print. The same paper, number and prints give the same bytes; a tenth of a second at first.

    Args:
        prints: copies of the paper's pictures by the hash of the original; a picture without one
            is named by its hash alone.
    """
    return _printed(paper, number, prints, form="pdf")[0]


def png_of(
    paper: Paper, number: str, prints: Mapping[str, Print] = NO_PRINTS, page: int = 0
) -> bytes:
    """A page as a picture, for eyes and tests; 110 dots per inch."""
    return _printed(paper, number, prints, form="png")[page]


def _printed(
    paper: Paper, number: str, prints: Mapping[str, Print], *, form: Literal["pdf", "png"]
) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="jiean-paper-") as folder:
        for sha256, one in prints.items():
            (Path(folder) / f"{sha256}.jpg").write_bytes(one.jpeg)
        return _compiled(paper, number, prints, Path(folder), form=form)


def _compiled(
    paper: Paper,
    number: str,
    prints: Mapping[str, Print],
    folder: Path,
    *,
    form: Literal["pdf", "png"],
) -> list[bytes]:
    shown = {
        **msgspec.to_builtins(paper),
        "title": TITLES[paper.kind],
        "number": number,
        "notes": {sha256: one.note for sha256, one in prints.items()},
    }
    at_s = round(paper.filed_at.astimezone(UTC).timestamp())
    return _pressed(TEMPLATE, folder, {"paper": shown}, form=form, at_s=at_s)


def compiled(template: Path, folder: Path, name: str, shown: Any) -> bytes:
    """A PDF of another template, which finds ``shown`` as JSON under ``name`` and its pictures in
    ``folder``."""
    return _pressed(template, folder, {name: shown}, form="pdf", at_s=0, keeping=False)[0]


def _pressed(
    template: Path,
    folder: Path,
    inputs: Mapping[str, Any],
    *,
    form: Literal["pdf", "png"],
    at_s: int,
    keeping: bool = True,
) -> list[bytes]:
    # 20 MB of fonts and compiler: not worth a server's start
    import pylopdf_fonts_zh_cn
    import typst

    press: Any = typst.compile  # its stub joins the types of source and folder into one
    printed = press(
        template.read_bytes(),
        root=folder,
        format=form,
        font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
        ignore_system_fonts=True,
        sys_inputs={name: msgspec.json.encode(each).decode() for name, each in inputs.items()},
        timestamp=at_s,
        ppi=110.0,
        pdf_standards=PDF_A if form == "pdf" and keeping else None,
    )
    pages = printed if isinstance(printed, list) else [printed]  # several pictures come as a list
    return [bytes(page) for page in pages]
