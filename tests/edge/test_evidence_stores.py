"""One contract for both stores of photographs: a folder, and a bucket over S3's real protocol."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backend.evidence.s3 import Bucket
from backend.evidence.store import BLOCK, LocalFolder, Store, StoreAway
from backend.evidence.stores import store_of
from backend.settings import Evidence, SettingsError, load
from tests.edge.s3_server import BUCKET, KEY_ID, REGION, S3, SECRET, s3_server
from tests.plugin.world import Server, made_world
from tests.shell.test_evidence import named, picture, put, refused

Kept = Callable[[bytes], Path]


@pytest.fixture
async def s3() -> AsyncIterator[S3]:
    async with s3_server() as made:
        yield made


def bucket(s3: S3, **more: object) -> Bucket:
    given: dict[str, object] = {
        "s3_bucket": BUCKET, "s3_endpoint": s3.url, "s3_region": REGION, "s3_key_id": KEY_ID,
        "s3_key_secret": SECRET, "s3_prefix": "photos/", "s3_timeout_s": 5.0,
    }  # fmt: skip
    return Bucket(Evidence(**(given | more)))  # type: ignore[arg-type]


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> Store:
    return LocalFolder(tmp_path / "store") if request.param == "folder" else bucket(s3)


@pytest.fixture
def file(tmp_path: Path) -> Kept:
    """A finished file with these bytes."""

    def made(content: bytes) -> Path:
        path = tmp_path / f"in-{len(list(tmp_path.iterdir()))}"
        path.write_bytes(content)
        return path

    return made


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def content_of(store: Store, sha256: str) -> bytes:
    return b"".join([block async for block in store.read(sha256)])


LARGE = bytes(range(256)) * (3 * BLOCK // 256) + b"end"


@pytest.mark.parametrize("content", [b"x", LARGE], ids=["small", "large"])
async def test_what_was_put_comes_out_byte_for_byte(
    store: Store, file: Kept, content: bytes
) -> None:
    assert not await store.has(sha(content))
    await store.put(sha(content), file(content))
    assert await store.has(sha(content))
    assert await content_of(store, sha(content)) == content


async def test_what_was_never_put_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        await content_of(store, "0" * 64)


async def test_putting_the_same_again_also_at_the_same_time_is_no_error(
    store: Store, file: Kept
) -> None:
    await asyncio.gather(*(store.put(sha(b"x"), file(b"x")) for _ in range(4)))
    assert await content_of(store, sha(b"x")) == b"x"


async def test_a_usable_store_is_ready(store: Store) -> None:
    await store.ready()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreAway):
        await LocalFolder(tmp_path / "file").ready()


# --- the bucket's own -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"s3_key_secret": "not-the-secret"}, {"s3_key_id": "STRANGER"}, {"s3_region": "eu-1"},
     {"s3_bucket": "other"}, {"s3_endpoint": "http://127.0.0.1:9"}],
    ids=["secret", "key", "region", "bucket", "address"],
)  # fmt: skip
async def test_wrong_settings_are_told_at_the_start_without_the_secret(
    s3: S3, wrong: dict[str, object]
) -> None:
    with pytest.raises(StoreAway) as told:
        await bucket(s3, **wrong).ready()
    assert SECRET not in str(told.value)
    assert "not-the-secret" not in str(told.value)
    assert s3.objects == {}


async def test_a_wrong_signature_is_refused_by_the_bucket_itself(s3: S3, file: Kept) -> None:
    with pytest.raises(StoreAway):
        await bucket(s3, s3_key_secret="wrong").put(sha(b"x"), file(b"x"))
    assert s3.objects == {}


async def test_names_are_under_the_prefix_as_in_a_folder(s3: S3, file: Kept) -> None:
    await bucket(s3).put(sha(b"x"), file(b"x"))
    assert list(s3.objects) == [f"photos/{sha(b'x')[:2]}/{sha(b'x')[2:]}"]


async def test_a_passing_fault_is_tried_again(s3: S3, file: Kept) -> None:
    s3.faults = [503, 500]
    await bucket(s3).put(sha(b"x"), file(b"x"))
    assert len(s3.asked) == 3
    await bucket(s3).put(sha(LARGE), file(LARGE))
    s3.faults = ["half"]
    assert await content_of(bucket(s3), sha(LARGE)) == LARGE, "it goes on where it broke off"


async def test_a_lasting_fault_is_told_and_the_callers_file_stays(s3: S3, file: Kept) -> None:
    s3.faults = [500] * 9
    mine = file(b"x")
    with pytest.raises(StoreAway):
        await bucket(s3).put(sha(b"x"), mine)
    assert mine.read_bytes() == b"x"


async def test_an_answer_broken_off_is_never_half_a_photo(s3: S3, file: Kept) -> None:
    await bucket(s3).put(sha(LARGE), file(LARGE))
    s3.faults = ["half"] * 9
    got = b""
    with pytest.raises(StoreAway):
        async for block in bucket(s3).read(sha(LARGE)):
            got += block
    assert len(got) < len(LARGE)


async def test_a_bucket_that_says_nothing_is_waited_for_only_so_long(s3: S3) -> None:
    s3.faults = ["deaf"] * 9
    with pytest.raises(StoreAway):
        await bucket(s3, s3_timeout_s=0.2).has("0" * 64)


# --- through the service --------------------------------------------------------------------


def variables(s3: S3) -> dict[str, str]:
    return {
        "JIEAN_EVIDENCE_S3_BUCKET": BUCKET, "JIEAN_EVIDENCE_S3_ENDPOINT": s3.url,
        "JIEAN_EVIDENCE_S3_REGION": REGION, "JIEAN_EVIDENCE_S3_KEY_ID": KEY_ID,
        "JIEAN_EVIDENCE_S3_KEY_SECRET": SECRET,
    }  # fmt: skip


async def test_a_photo_is_in_the_bucket_before_the_phone_hears_so(
    database_server: Server, tmp_path: Path, s3: S3
) -> None:
    async with made_world(database_server, tmp_path, variables(s3)) as world:
        async with world.client("field") as client:
            s3.faults = [500] * 3
            assert refused(await put(client, picture()), 503, "unavailable")
            assert await world.operations.fetch_value("SELECT count(*) FROM evidence") == 0
            s3.faults = []
            assert (await put(client, picture())).status_code == 201
            assert s3.objects == {f"{named(picture())[:2]}/{named(picture())[2:]}": picture()}
        async with world.client("desk") as client:
            got = await client.get(f"/api/evidence/{named(picture())}")
            assert got.content == picture()
            s3.faults = [500] * 9
            assert refused(
                await client.get(f"/api/evidence/{named(picture())}"), 503, "unavailable"
            )
        assert photos_in(tmp_path) == [], "no file on one node's disk"


def photos_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "evidence").rglob("*") if path.is_file()]


def test_a_bucket_without_its_key_is_told_before_anything_starts() -> None:
    with pytest.raises(SettingsError, match="S3_KEY_ID"):
        load({"JIEAN_EVIDENCE_S3_BUCKET": "evidence"})
    with pytest.raises(SettingsError):
        load({"JIEAN_EVIDENCE_S3_BUCKET": "Not A Name"})
    with pytest.raises(SettingsError):
        load({"JIEAN_EVIDENCE_S3_ENDPOINT": "ftp://x"})


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    there = {"JIEAN_DATA": str(tmp_path)}
    assert isinstance(store_of(load(there)), LocalFolder)
    chosen = {"BUCKET": "evidence", "KEY_ID": "k", "KEY_SECRET": "s"}
    given = {f"JIEAN_EVIDENCE_S3_{name}": value for name, value in chosen.items()}
    assert isinstance(store_of(load(there | given)), Bucket)
