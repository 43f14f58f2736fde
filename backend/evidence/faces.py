"""Find and hide the faces of one picture: ``python -m backend.evidence.faces SOURCE TARGET``.

It runs beside the service, with a limit on memory and time, because a picture comes from outside
and the library is large native code: whatever happens to it, the service goes on and takes the
missing answer for "do not show this picture clearly".

Source: OpenCV 4 with its own Haar cascades (Viola and Jones 2001), which need no download. They
find faces turned to the camera or to a side, upright, from a sixtieth of the picture on; each is
hidden with a wide margin. We look eagerly: hiding a lamp is harmless, showing a neighbour is not.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIDE = 1600
"""▲ Longest side of a copy that leaves, pixels."""
MEMORY = 3 * 1024**3
"""▲ Address space, bytes; the library maps far more than it uses."""
SEARCHED = 1200
"""▲ Longest side of what is searched, pixels: a second of one processor."""
SMALLEST = 20
"""▲ Smallest face that is looked for, pixels of that."""
MARGIN = 0.35
"""▲ Hidden around a face, as part of its width."""
CASCADES = (
    ("haarcascade_frontalface_default.xml", 4),
    ("haarcascade_frontalface_alt2.xml", 3),
    ("haarcascade_profileface.xml", 4),
)
"""File, and how many neighbouring hits make a face."""

Box = tuple[int, int, int, int]


def faces_in(picture: Image.Image) -> list[Box]:
    """Left, top, right, bottom of everything that looks like a face; boxes may overlap.

    Raises:
        Exception: the library or its data cannot be used.
    """
    import cv2
    import numpy

    cv2.setNumThreads(1)
    searched = picture.convert("L")
    searched.thumbnail((SEARCHED, SEARCHED))
    grey: Any = cv2.equalizeHist(numpy.asarray(searched))
    width, larger = searched.width, picture.width / searched.width
    found: list[Box] = []
    for name, neighbours in CASCADES:
        cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name))
        if cascade.empty():
            raise FileNotFoundError(name)
        turned = [(grey, False)]
        if "profile" in name:  # it knows one side only
            turned.append((cv2.flip(grey, 1), True))
        for seen, mirrored in turned:
            hits = cascade.detectMultiScale(seen, 1.12, neighbours, minSize=(SMALLEST, SMALLEST))
            for x, y, w, h in hits:
                left = width - x - w if mirrored else x
                edges = [round(float(edge) * larger) for edge in (left, y, left + w, y + h)]
                found.append((edges[0], edges[1], edges[2], edges[3]))
    return found


def hidden(picture: Image.Image, boxes: list[Box]) -> Image.Image:
    """A copy in which nobody can be told inside the boxes."""
    copy = picture.copy()
    for left, top, right, bottom in boxes:
        margin = round((right - left) * MARGIN)
        area = (
            max(0, left - margin), max(0, top - margin),
            min(copy.width, right + margin), min(copy.height, bottom + margin),
        )  # fmt: skip
        part = coarse(copy.crop(area), across=5)
        mask = Image.new("L", part.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, part.width - 1, part.height - 1), fill=255)
        copy.paste(part, area[:2], mask)
    return copy


def coarse(picture: Image.Image, *, across: int) -> Image.Image:
    """The picture in ``across`` fields, softened: what was in it cannot be had back."""
    high = max(1, round(across * picture.height / max(1, picture.width)))
    small = picture.resize((across, high), Image.Resampling.BOX)
    large = small.resize(picture.size, Image.Resampling.NEAREST)
    return large.filter(ImageFilter.GaussianBlur(max(1.0, picture.width / across / 3)))


def opened(file: Path) -> Image.Image:
    """Upright, in colour, at most ``SIDE`` long, and without what a camera writes beside it."""
    with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as source:
        source.draft("RGB", (SIDE, SIDE))
        upright = ImageOps.exif_transpose(source).convert("RGB")
    upright.thumbnail((SIDE, SIDE))
    return upright


def save(picture: Image.Image, file: Path) -> None:
    """A JPEG with nothing but the picture in it; the same picture gives the same bytes."""
    clean = Image.frombytes("RGB", picture.size, picture.tobytes())
    clean.save(file, "JPEG", quality=80)


def main(argv: list[str]) -> int:
    """``SOURCE TARGET``: write the copy, print how many faces it hides as JSON."""
    source, target = map(Path, argv)
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY if limit == resource.RLIM_INFINITY else min(MEMORY, limit)
    resource.setrlimit(resource.RLIMIT_AS, (most, limit))
    os.nice(10)
    picture = opened(source)
    boxes = faces_in(picture)
    save(hidden(picture, boxes), target)
    print(json.dumps({"faces": len(boxes)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
