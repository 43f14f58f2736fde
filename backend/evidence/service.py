"""Take photographs in, once, and hand them out."""

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from backend.audit import service as audit
from backend.evidence import parts
from backend.evidence.image import MIME, shape_of
from backend.evidence.problems import HashMismatch, NotAnImage
from backend.evidence.store import Store, StoreAway
from backend.shared.db import OPERATIONS
from backend.shared.problems import Malformed, TooLarge, Unavailable

log = logging.getLogger("jiean.evidence")

BYTES_MAX = 12 * 1024 * 1024
KINDS = frozenset(MIME.values())

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A stored photograph."""

    sha256: str
    bytes: int
    width: int
    height: int
    mime: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """``Content-Range: bytes start-last/total``; no ``length`` asks what is here."""

    start: int
    length: int
    total: int


class Partial(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are here from the start on; the next part begins there."""

    received: int


async def known(sha256: str) -> Photo | None:
    """A photograph that was stored before, or None."""
    row = await OPERATIONS.fetch_one(
        "SELECT sha256, bytes, width, height, mime FROM evidence WHERE sha256 = $1", sha256
    )
    return None if row is None else Photo(**dict(row))


async def stored(store: Store, sha256: str) -> Photo | None:
    """The same, where its bytes are really there.

    Raises:
        Unavailable: the store does not answer.
    """
    photo = await known(sha256)
    try:
        return photo if photo is not None and await store.has(sha256) else None
    except StoreAway as why:
        raise away(why) from why


def away(why: StoreAway) -> Unavailable:
    """The store as a problem; the reason is for the log, it may name the bucket."""
    log.error("the evidence store cannot be used: %s", why)
    return Unavailable("照片存储暂不可用 The photograph store is away", retryAfterS=5)


async def receive_part(
    store: Store,
    incoming: Path,
    sha256: str,
    part: Part,
    chunks: AsyncIterator[bytes],
    *,
    kind: str,
    by: UUID,
    role: str,
    at: datetime,
) -> tuple[Photo, bool] | Partial:
    """Keep one part of a photograph; with the last one, store it as ``receive`` does.

    A part that is not the next one changes nothing: the answer says where to go on.

    Raises:
        Malformed: the part is longer than it says, or than is taken at once.
        TooLarge: the whole is over 12 MB.
        NotAnImage, HashMismatch: as ``receive``; the parts are then forgotten.
    """
    there = await stored(store, sha256)
    if there is not None:
        return there, False
    if part.total > BYTES_MAX:
        raise _too_large()
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > min(part.length, parts.PART_MAX):
            raise Malformed("the part is longer than its Content-Range, or than 1 MB")
    if len(content) != part.length:
        raise Malformed("the part is shorter than its Content-Range")
    count = await parts.add(sha256, by, part.start, bytes(content), at=at)
    if count < part.total:
        return Partial(received=count)
    try:
        stored_now = await receive(
            store, incoming, sha256, parts.whole(sha256, by),
            announced_bytes=count, kind=kind, by=by, role=role, at=at,
        )  # fmt: skip
    except (HashMismatch, NotAnImage, TooLarge):
        await parts.forget(sha256, by)
        raise
    await parts.forget(sha256, by)
    return stored_now


async def missing(sha256s: list[str]) -> list[str]:
    """Which of these are not stored yet, in the order given."""
    rows = await OPERATIONS.fetch(
        "SELECT sha256 FROM evidence WHERE sha256 = ANY($1::text[])", sha256s
    )
    there = {row["sha256"] for row in rows}
    return [sha256 for sha256 in sha256s if sha256 not in there]


async def receive(
    store: Store,
    incoming: Path,
    sha256: str,
    chunks: AsyncIterator[bytes],
    *,
    announced_bytes: int | None,
    kind: str,
    by: UUID,
    role: str,
    at: datetime,
) -> tuple[Photo, bool]:
    """Store a photograph under the hash that the sender names.

    Sent twice, also at the same time, it is stored once. When it is here already, ``chunks``
    are not read at all.

    Args:
        incoming: folder for the unfinished file, on the store's file system.
        chunks: the bytes as they come.
        announced_bytes: ``Content-Length``, where there is one.
        kind: the MIME type that the sender says; the stored one is what the bytes show.

    Returns:
        The photograph, and whether it is new.

    Raises:
        NotAnImage: the kind is not taken, or the bytes do not decode.
        TooLarge: over 12 MB, announced or counted; the rest is not read.
        HashMismatch: the bytes have another hash.
    """
    there = await stored(store, sha256)
    if there is not None:
        return there, False
    if kind not in KINDS:
        raise NotAnImage("只接受 JPEG、PNG、WebP 照片 Only JPEG, PNG and WebP", kinds=sorted(KINDS))
    if announced_bytes is not None and announced_bytes > BYTES_MAX:
        raise _too_large()
    with _unfinished(incoming) as file:
        photo = await _checked(file, sha256, chunks)
        try:
            await store.put(sha256, file)
        except StoreAway as why:
            raise away(why) from why
    async with OPERATIONS.transaction():
        new = await OPERATIONS.execute(
            "INSERT INTO evidence (sha256, bytes, width, height, mime, uploaded_by, uploaded_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING",
            sha256, photo.bytes, photo.width, photo.height, photo.mime, by, at,
        )  # fmt: skip
        if new:
            await audit.record(
                OPERATIONS, actor=by, role=role, action="evidence.stored", subject=sha256,
                after={"bytes": photo.bytes, "mime": photo.mime}, at=at,
            )  # fmt: skip
    return photo, bool(new)


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A new empty file that is gone at the end, unless it was moved away."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as sink:
        file = Path(sink.name)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


async def _checked(file: Path, sha256: str, chunks: AsyncIterator[bytes]) -> Photo:
    """Write the bytes down as they come, then judge them."""
    digest, count = hashlib.sha256(), 0
    with file.open("wb") as sink:
        async for chunk in chunks:
            count += len(chunk)
            if count > BYTES_MAX:
                raise _too_large()
            digest.update(chunk)
            sink.write(chunk)  # 64 kB into the page cache: not worth a thread
    if digest.hexdigest() != sha256:
        raise HashMismatch("文件校验不符，请重新上传 Bytes do not match", got=digest.hexdigest())
    # one at a time: two large PNGs unpacked at once would be half of our memory
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(1)):
        shape = await asyncio.to_thread(shape_of, file)
    if shape is None:
        raise NotAnImage("不是可用的照片 The bytes are no usable image")
    return Photo(
        sha256=sha256, bytes=count, width=shape.width, height=shape.height, mime=shape.mime
    )


def _too_large() -> TooLarge:
    return TooLarge("照片超过 12 MB Photo is over 12 MB", maxBytes=BYTES_MAX)
