"""Photographs over HTTP: what is refused first, then what is kept."""

import asyncio
import hashlib
import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from backend.evidence import service
from backend.evidence.image import shape_of
from backend.evidence.service import BYTES_MAX
from backend.evidence.store import LocalFolder
from backend.shared.ids import uuid7
from tests.plugin.world import World


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), colour: str = "red") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", size, colour).save(sink, kind)
    return sink.getvalue()


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def put(
    client: httpx.AsyncClient, content: bytes, *, sha256: str = "", kind: str = "image/jpeg"
) -> httpx.Response:
    return await client.put(
        f"/api/evidence/{sha256 or named(content)}", content=content, headers={"Content-Type": kind}
    )


def files(world: World) -> list[Path]:
    return [path for path in (world.ctx.data / "evidence").rglob("*") if path.is_file()]


async def nothing_kept(world: World) -> bool:
    rows = await world.operations.fetch_value("SELECT count(*) FROM evidence")
    return not files(world) and rows == 0


def refused(answer: httpx.Response, status: int, slug: str) -> bool:
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:jiean:problem:{slug}")
    return True


async def test_text_is_no_image_whatever_it_calls_itself(world: World) -> None:
    async with world.client("field") as client:
        assert refused(await put(client, b"not a photo", kind="text/plain"), 415, "not-an-image")
        assert refused(await put(client, b"not a photo"), 415, "not-an-image")
        assert refused(await put(client, b""), 415, "not-an-image")
    assert await nothing_kept(world)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PDF"])
async def test_only_the_three_kinds_are_decoded(world: World, kind: str) -> None:
    async with world.client("field") as client:
        assert refused(await put(client, picture(kind)), 415, "not-an-image")


async def test_a_photo_cut_short_is_no_image(world: World) -> None:
    whole = picture(size=(640, 480))
    async with world.client("field") as client:
        for length in (20, len(whole) // 2, len(whole) - 10):
            assert refused(await put(client, whole[:length]), 415, "not-an-image")
    assert await nothing_kept(world)


def png_that_unpacks_to(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        sealed = name + content
        return struct.pack(">I", len(content)) + sealed + struct.pack(">I", zlib.crc32(sealed))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    # whole where that is quick to make, so that only the number of pixels can be the reason
    rows = zlib.compress(b"\0" * ((width + 1) * height if width < 8_000 else 1_000), 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000, 60_000])
async def test_a_small_file_that_unpacks_to_gigabytes_is_refused(world: World, side: int) -> None:
    async with world.client("field") as client:
        bomb = png_that_unpacks_to(side, side)
        assert refused(await put(client, bomb, kind="image/png"), 415, "not-an-image")


async def test_bytes_of_another_hash_are_refused(world: World) -> None:
    async with world.client("field") as client:
        answer = await put(client, picture(), sha256="0" * 64)
    assert refused(answer, 400, "hash-mismatch")
    assert await nothing_kept(world)


@pytest.mark.parametrize("sha256", ["x", "A" * 64, "0" * 63, "..%2f..%2fetc%2fpasswd", "0" * 65])
async def test_an_address_that_is_no_hash_is_refused(world: World, sha256: str) -> None:
    async with world.client("field") as client:
        answer = await client.put(f"/api/evidence/{sha256}", content=picture())
    assert answer.status_code in (400, 404)
    assert await nothing_kept(world)


async def test_forty_megabytes_announced_are_refused_without_reading_them(world: World) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(40):
            read += 1
            yield b"\xff" * 1_000_000

    async with world.client("field") as client:
        headers = {"Content-Type": "image/jpeg", "Content-Length": "40000000"}
        answer = await client.put("/api/evidence/" + "0" * 64, content=body(), headers=headers)
    assert refused(answer, 413, "too-large")
    assert read <= 1
    assert await nothing_kept(world)


async def test_a_body_longer_than_announced_is_cut_off_at_twelve_megabytes(world: World) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(40):
            read += 1_000_000
            yield b"\xff" * 1_000_000

    async with world.client("field") as client:
        headers = {"Content-Type": "image/jpeg"}
        answer = await client.put("/api/evidence/" + "0" * 64, content=body(), headers=headers)
    assert refused(answer, 413, "too-large")
    assert read <= BYTES_MAX + 2_000_000
    assert await nothing_kept(world)


async def test_an_upload_broken_off_leaves_nothing(world: World) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield picture()[:100]
        raise ConnectionResetError("the phone lost its network")

    folder = world.ctx.data / "evidence"
    with pytest.raises(ConnectionResetError):
        await service.receive(
            LocalFolder(folder),
            folder / "incoming",
            named(picture()),
            body(),
            announced_bytes=None,
            kind="image/jpeg",
            by=uuid7(),
            role="field",
            at=world.clock.now(),
        )
    assert await nothing_kept(world)


@pytest.mark.parametrize("role", ["office", "system_admin", "audit_admin", None])
async def test_who_is_no_staff_neither_stores_nor_sees(world: World, role: str | None) -> None:
    async with world.client("field") as client:
        await put(client, picture())
    async with world.client(role) as client:
        expected = 401 if role is None else 403
        assert (await put(client, picture(colour="blue"))).status_code == expected
        assert (await client.get(f"/api/evidence/{named(picture())}")).status_code == expected


async def test_a_photo_that_nobody_sent_is_not_found(world: World) -> None:
    async with world.client("desk") as client:
        assert (await client.get("/api/evidence/" + "0" * 64)).status_code == 404
        assert (await client.get("/api/evidence/..%2f..%2f")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
async def test_a_photo_comes_out_as_it_went_in(world: World, kind: str, mime: str) -> None:
    content = picture(kind, (64, 48))
    async with world.client("field") as client:
        answer = await put(client, content, kind=mime)
        assert answer.status_code == 201
        assert answer.json() == {
            "sha256": named(content),
            "bytes": len(content),
            "width": 64,
            "height": 48,
            "mime": mime,
        }
    async with world.client("desk") as client:
        got = await client.get(f"/api/evidence/{named(content)}")
    assert got.content == content
    assert got.headers["content-type"] == mime
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == "inline"
    assert "immutable" in got.headers["cache-control"]
    assert "private" in got.headers["cache-control"]
    assert "content-encoding" not in got.headers


async def test_what_the_bytes_are_counts_and_not_what_the_phone_says(world: World) -> None:
    async with world.client("field") as client:
        assert (await put(client, picture("PNG"), kind="image/jpeg")).json()["mime"] == "image/png"


async def test_the_same_photo_sent_twice_is_stored_once(world: World) -> None:
    async with world.client("field") as client:
        assert (await put(client, picture())).status_code == 201
        assert (await put(client, picture())).status_code == 200
    assert len(files(world)) == 1
    audited = "SELECT count(*) FROM audit_entry WHERE action = 'evidence.stored'"
    assert await world.operations.fetch_value(audited) == 1


async def test_the_same_photo_sent_at_the_same_time_is_stored_once(world: World) -> None:
    async with world.client("field") as client:
        answers = await asyncio.gather(*(put(client, picture()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len(files(world)) == 1
    audited = "SELECT count(*) FROM audit_entry WHERE action = 'evidence.stored'"
    assert await world.operations.fetch_value(audited) == 1


async def test_a_photo_whose_file_was_lost_is_taken_again(world: World) -> None:
    async with world.client("desk") as client:
        await put(client, picture())
        files(world)[0].unlink()
        assert (await client.get(f"/api/evidence/{named(picture())}")).status_code == 404
        assert (await put(client, picture())).status_code == 200
        assert (await client.get(f"/api/evidence/{named(picture())}")).content == picture()


async def test_a_file_without_its_row_is_no_evidence_and_is_taken_again(world: World) -> None:
    # killed between the file and its row
    stray = world.ctx.data / "stray"
    stray.write_bytes(picture())
    await LocalFolder(world.ctx.data / "evidence").put(named(picture()), stray)
    async with world.client("field") as client:
        assert (await client.get(f"/api/evidence/{named(picture())}")).status_code == 404
        assert (await put(client, picture())).status_code == 201


def test_a_photo_of_a_large_phone_is_decoded_at_an_eighth(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    file.write_bytes(picture(size=(8000, 6000)))
    shape = shape_of(file)
    assert shape is not None
    assert (shape.width, shape.height) == (8000, 6000)


async def test_an_upload_over_a_real_connection_is_cut_off(world: World) -> None:
    async with world.serving() as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        client.headers["X-Jiean"] = "1"
        await world.login(client, "field")
        assert refused(await put(client, b"\xff" * 40_000_000), 413, "too-large")
        assert (await put(client, picture())).status_code == 201
