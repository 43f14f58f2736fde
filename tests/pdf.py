"""The words of a PDF, as a reader would copy them."""

import io

from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
    """Everything that is printed, without spaces and line ends: Chinese is broken anywhere."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text() for page in pages).split())
