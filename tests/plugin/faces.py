"""A drawn face that the detector takes for one: nobody's photograph is in this repository."""

import io

from PIL import Image, ImageDraw, ImageFilter

SKIN, HAIR, WALL = (214, 176, 150), (45, 35, 30), (150, 150, 140)


def face(
    size: tuple[int, int] = (640, 480), at: tuple[int, int] = (320, 220), radius: int = 90
) -> Image.Image:
    """Somebody who looks into the camera, before a wall."""
    image = Image.new("RGB", size, WALL)
    pen = ImageDraw.Draw(image)
    (x, y), r = at, radius

    def oval(cx: float, cy: float, w: float, h: float, colour: tuple[int, int, int]) -> None:
        pen.ellipse(
            (x + (cx - w) * r, y + (cy - h) * r, x + (cx + w) * r, y + (cy + h) * r), colour
        )

    oval(0, -0.1, 1.0, 1.35, HAIR)
    oval(0, 0.05, 0.85, 1.2, SKIN)
    for side in (-1, 1):
        eye = side * 0.38
        oval(eye, -0.15, 0.24, 0.14, (110, 80, 65))
        oval(eye, -0.15, 0.17, 0.07, (235, 235, 235))
        oval(eye, -0.15, 0.08, 0.08, (25, 20, 20))
        brow = (x + (eye - 0.27) * r, y - 0.42 * r, x + (eye + 0.27) * r, y - 0.45 * r)
        pen.line(brow, fill=(50, 35, 30), width=round(0.09 * r))
    oval(0, 0.38, 0.17, 0.06, (160, 115, 95))
    oval(0, 0.71, 0.36, 0.09, (150, 75, 70))
    return image.filter(ImageFilter.GaussianBlur(r * 0.04))


def jpeg(image: Image.Image, **more: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=92, **more)
    return sink.getvalue()
