"""The one door to typst: a paper and its number in, PDF bytes out."""

from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import msgspec

from backend.documents.flow import TITLES, Paper

TEMPLATE = Path(__file__).with_name("paper.typ")
PDF_A: Literal["a-2b"] = "a-2b"
"""For keeping (6.3.7.2): everything that is needed to show the page is inside the file."""


def pdf_of(paper: Paper, number: str) -> bytes:
    """Print. The same paper and number give the same bytes; a tenth of a second at first."""
    return _printed(paper, number, form="pdf")


def png_of(paper: Paper, number: str) -> bytes:
    """The first page as a picture, for eyes and tests; 110 dots per inch."""
    return _printed(paper, number, form="png")


def _printed(paper: Paper, number: str, *, form: Literal["pdf", "png"]) -> bytes:
    # 20 MB of fonts and compiler: not worth a server's start
    import pylopdf_fonts_zh_cn
    import typst

    shown = {
        **msgspec.to_builtins(paper),
        "title": TITLES[paper.kind],
        "number": number,
    }
    press: Any = typst.compile  # its stub joins the types of source and folder into one
    printed = press(
        TEMPLATE.read_bytes(),
        format=form,
        font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
        ignore_system_fonts=True,
        sys_inputs={"paper": msgspec.json.encode(shown).decode()},
        timestamp=round(paper.filed_at.astimezone(UTC).timestamp()),
        ppi=110.0,
        pdf_standards=PDF_A if form == "pdf" else None,
    )
    pages = printed if isinstance(printed, list) else [printed]  # several pictures come as a list
    return bytes(pages[0])
