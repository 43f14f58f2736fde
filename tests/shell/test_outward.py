"""What leaves the incident shows no face; the original never changes and never leaves."""

import asyncio
import hashlib
import io
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader

from backend.access import links
from backend.evidence import faces, outward
from backend.evidence.outward import Outward, content
from backend.evidence.stores import store_of
from tests.journey.street import Person, Street
from tests.pdf import text_of
from tests.plugin.faces import face, jpeg
from tests.plugin.world import World
from tests.shell.test_evidence import named, picture, put

BROKEN = {
    "not there": ("no-such-program",),
    "fails": (sys.executable, "-c", "raise SystemExit('no library')"),
    "hangs": (sys.executable, "-c", "import time; time.sleep(60)"),
    "talks nonsense": (sys.executable, "-c", "print('all well')"),
    "crashes": (sys.executable, "-c", "import os; os.abort()"),
}


async def kept(world: World, bytes_: bytes) -> str:
    async with world.client() as client:
        await world.login(client, "field", login="camera")
        assert (await put(client, bytes_)).status_code in (200, 201)
    return named(bytes_)


async def copy_of(world: World, *sha256s: str | None, **more: Any) -> Outward | None:
    return await outward.outward(
        store_of(world.settings), world.ctx.data / "evidence" / "incoming", sha256s,
        at=world.clock.now(), **({"timeout_s": 60.0} | more),
    )  # fmt: skip


async def shown(world: World, copy: Outward | None) -> Image.Image:
    assert copy is not None
    bytes_ = await content(store_of(world.settings), copy)
    assert hashlib.sha256(bytes_).hexdigest() == copy.sha256
    return Image.open(io.BytesIO(bytes_)).convert("RGB")


def detail(image: Image.Image, box: tuple[int, int, int, int]) -> float:
    """How much neighbouring pixels differ there, 0 to 255."""
    part = image.convert("L").crop(box)
    moved = part.transform(part.size, Image.Transform.AFFINE, (1, 0, 2, 0, 1, 0))
    pairs = list(zip(part.tobytes(), moved.tobytes(), strict=True))
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


EYES = (270, 185, 370, 225)


async def test_a_face_is_hidden_and_the_rest_stays_readable(world: World) -> None:
    drawn = face()
    drawn.paste((20, 20, 20), (20, 430, 60, 470))
    original = jpeg(drawn)
    copy = await copy_of(world, await kept(world, original))
    assert copy is not None
    assert (copy.how, copy.faces > 0) == ("blurred", True)
    seen = await shown(world, copy)
    assert seen.size == (640, 480)
    assert detail(seen, EYES) < detail(drawn, EYES) / 2
    assert faces.faces_in(seen) == [], "even the detector finds nobody any more"
    assert seen.getpixel((40, 450))[0] < 60, "what is no face is as it was"  # type: ignore[index]
    async with world.client("desk") as client:
        got = await client.get(f"/api/evidence/{named(original)}")
        assert got.content == original, "the original is what it was"


async def test_a_copy_is_made_once_and_carries_nothing_beside_the_picture(world: World) -> None:
    exif = Image.Exif()
    exif[0x010E] = "陈阿婆家"
    exif[0x0112] = 6
    sha256 = await kept(world, jpeg(face(), exif=exif))
    first, again = await asyncio.gather(copy_of(world, sha256), copy_of(world, sha256))
    assert first == again
    bytes_ = await content(store_of(world.settings), first or pytest.fail("no copy"))
    seen = Image.open(io.BytesIO(bytes_))
    assert seen.size == (480, 640), "upright as the camera was held"
    assert dict(seen.getexif()) == {}
    made = await copy_of(world, sha256, program=BROKEN["fails"])
    assert made == first, "kept by the hash: nothing is looked for again"


async def test_a_picture_without_people_stays_clear(world: World) -> None:
    copy = await copy_of(world, await kept(world, picture(size=(320, 240))))
    assert copy is not None
    assert (copy.how, copy.faces) == ("clear", 0)


@pytest.mark.parametrize("fault", BROKEN)
async def test_when_faces_cannot_be_looked_for_nothing_can_be_made_out(
    world: World, fault: str
) -> None:
    sha256 = await kept(world, jpeg(face()))
    limit = 0.3 if fault == "hangs" else 20.0
    copy = await copy_of(world, sha256, program=BROKEN[fault], timeout_s=limit)
    assert copy is not None
    assert copy.how == "pixelated"
    assert detail(await shown(world, copy), (0, 0, 640, 480)) < 3
    assert faces.faces_in(await shown(world, copy)) == []


async def test_the_next_time_faces_are_looked_for_again(world: World) -> None:
    sha256 = await kept(world, jpeg(face()))
    await copy_of(world, sha256, program=BROKEN["fails"])
    again = await copy_of(world, sha256)
    assert again is not None
    assert again.how == "blurred"


async def test_the_first_form_that_is_here_is_taken_and_none_is_none(world: World) -> None:
    small = await kept(world, picture(size=(64, 48)))
    copy = await copy_of(world, None, "a" * 64, small)
    assert (await shown(world, copy)).size == (64, 48)
    assert await copy_of(world, None, "a" * 64) is None


async def test_a_copy_whose_file_was_lost_is_made_again(world: World) -> None:
    sha256 = await kept(world, picture(size=(64, 48)))
    first = await copy_of(world, sha256)
    assert first is not None
    lose(world, first.sha256)
    assert await copy_of(world, sha256) == first
    assert await store_of(world.settings).has(first.sha256)


def lose(world: World, sha256: str) -> None:
    (world.ctx.data / "evidence" / sha256[:2] / sha256[2:]).unlink()


# --- papers and offices ---------------------------------------------------------------------


async def photographed(street: Street, phone: Person, incident: str) -> str:
    original = jpeg(face())
    at = street.world.clock.now().isoformat()
    await phone.does(incident, "photo", sha256=named(original), takenAt=at, caption="探测器")
    await put(phone.client, original)
    return named(original)


def pictures_in(pdf: bytes) -> list[Image.Image]:
    return [image.image for page in PdfReader(io.BytesIO(pdf)).pages for image in page.images
            if image.image is not None]  # fmt: skip


@pytest.mark.clause("6.2.4-d")
async def test_a_paper_shows_its_photographs_without_faces(street: Street) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await photographed(street, phone, incident)
    at = street.world.clock.now().isoformat()
    await phone.does(incident, "photo", sha256="e" * 64, takenAt=at, caption="还没传的")
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await phone.does(
        incident, "submit_false_report", cause="cooking", analysis="油烟", measure="通风"
    )
    [line] = await desk.get(f"/api/incidents/{incident}/documents")
    pdf = (await desk.client.get(f"/api/documents/{line['sha256']}")).content
    [printed] = pictures_in(pdf)
    assert faces.faces_in(printed.convert("RGB")) == []
    text = text_of(pdf)
    assert "人脸已自动遮盖" in text
    assert "未能附图" in text, "the one that is still on the phone"


async def by_link(street: Street, report_id: str) -> tuple[httpx.AsyncClient, str]:
    at = street.world.clock.now()
    token = await links.mint("report", UUID(report_id), timedelta(days=1), actor="t", at=at)
    return await street.stack.enter_async_context(
        street.world.client()
    ), f"/api/link/{token}/photos"


async def test_an_office_gets_photographs_of_its_own_report_without_faces(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    sha256 = await photographed(street, phone, incident)
    await phone.does(incident, "report_trapped", count=1, place="阁楼")
    fire = await street.office("fire")
    [report] = (await fire.get("/api/office/inbox"))["reports"]
    client, path = await by_link(street, report["id"])
    for get, start in (
        (fire.client.get, f"/api/reports/{report['id']}/photos"),
        (client.get, path),
    ):
        [listed] = (await get(start)).json()
        assert (listed["sha256"], listed["caption"]) == (sha256, "探测器")
        got = await get(f"{start}/{sha256}")
        assert (got.status_code, got.headers["x-faces"]) == (200, "blurred")
        assert got.headers["content-type"] == "image/jpeg"
        assert faces.faces_in(Image.open(io.BytesIO(got.content)).convert("RGB")) == []
        assert (await get(f"{start}/{'0' * 64}")).status_code == 404
    other = await street.office("street")
    assert (await other.client.get(f"/api/reports/{report['id']}/photos")).status_code == 404
    for person in (fire, other):
        assert (await person.client.get(f"/api/evidence/{sha256}")).status_code == 403
    resident = await street.resident()
    assert (await resident.client.get(f"{resident.path}/photos")).status_code == 404
    assert (await client.get(f"/api/evidence/{sha256}")).status_code == 401
