"""Whether bytes are an image, found by decoding them; in bounded memory, on any thread."""

import struct
import zlib
from pathlib import Path

import msgspec
from PIL import Image

PIXELS_MAX = 50_000_000
"""▲ A phone's largest ordinary photograph. A small file can unpack to gigabytes."""

MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, OverflowError,
    MemoryError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
"""What Pillow raises on bytes that somebody broke on purpose."""


class Shape(msgspec.Struct, frozen=True):
    """Size in pixels and the real kind, whatever the sender called it."""

    width: int
    height: int
    mime: str


def shape_of(file: Path) -> Shape | None:
    """Decode a whole image.

    Returns:
        None when it is no JPEG, PNG or WebP, is cut short or broken, or has too many pixels.
    """
    try:
        with Image.open(file, formats=tuple(MIME)) as image:
            width, height = image.size
            if not 0 < width * height <= PIXELS_MAX:
                return None
            mime = MIME[image.format or ""]
            # a JPEG is read to its end but unpacked at an eighth of its size
            image.draft("RGB", (width // 8, height // 8))
            image.load()
    except _BROKEN:
        return None
    return Shape(width, height, mime)
