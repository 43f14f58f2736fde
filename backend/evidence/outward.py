"""Copies of photographs for outside the incident: faces hidden, nothing but the picture inside.

A copy is made once and kept under its own hash; the original never changes. Where faces cannot be
looked for, the copy is coarse all over. A clear photograph never leaves.
"""

import asyncio
import hashlib
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import msgspec

from backend.evidence import faces
from backend.evidence.service import known
from backend.evidence.store import Store
from backend.shared.db import OPERATIONS

log = logging.getLogger("jiean.evidence")

How = Literal["clear", "blurred", "pixelated"]
"""clear: no face was found · blurred: each face is hidden · pixelated: faces could not be looked
for, so nothing can be made out."""

PROGRAM = (sys.executable, "-m", "backend.evidence.faces")
FIELDS = 10
"""▲ Fields across a pixelated picture."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Outward(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that may leave; ``sha256`` is its own."""

    sha256: str
    how: How
    faces: int


async def outward(
    store: Store,
    work: Path,
    sha256s: Sequence[str | None],
    *,
    timeout_s: float,
    at: datetime,
    program: Sequence[str] = PROGRAM,
) -> Outward | None:
    """The copy of the first of these photographs that is here; None when none is, or none opens.

    Args:
        work: folder for unfinished files, on the store's file system where it has one.
        sha256s: the same picture in several forms, the best for readers first.
        program: finds and hides the faces; called with source and target.
    """
    for sha256 in sha256s:
        if sha256 is None or await known(sha256) is None:
            continue
        made = await _made_before(sha256)
        if made is not None:
            if await store.has(made.sha256):
                return made
            await OPERATIONS.execute("DELETE FROM evidence_outward WHERE sha256 = $1", sha256)
        # one at a time: each may take a second of a processor and 200 MB
        async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(1)):
            made = await _made_before(sha256) or await _make(
                store, work, sha256, timeout_s=timeout_s, at=at, program=program
            )
        if made is not None:
            return made
    return None


async def content(store: Store, copy: Outward) -> bytes:
    """The bytes of a copy, a JPEG of some hundred kB."""
    return b"".join([block async for block in store.read(copy.sha256)])


async def _made_before(sha256: str) -> Outward | None:
    row = await OPERATIONS.fetch_one(
        "SELECT outward_sha256 AS sha256, how, faces FROM evidence_outward WHERE sha256 = $1",
        sha256,
    )
    return None if row is None else Outward(**dict(row))


async def _make(
    store: Store, work: Path, sha256: str, *, timeout_s: float, at: datetime, program: Sequence[str]
) -> Outward | None:
    await asyncio.to_thread(work.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        try:
            with source.open("wb") as sink:
                async for block in store.read(sha256):
                    sink.write(block)  # into the page cache: not worth a thread
        except FileNotFoundError:
            return None
        found = await _hide(program, source, target, timeout_s)
        how: How = "pixelated" if found is None else "blurred" if found else "clear"
        if found is None:
            try:
                await asyncio.to_thread(_pixelate, source, target)
            except (OSError, ValueError) as failed:
                log.warning("photograph %s cannot be opened for a copy: %s", sha256, failed)
                return None
        bytes_ = await asyncio.to_thread(target.read_bytes)
        made = Outward(sha256=hashlib.sha256(bytes_).hexdigest(), how=how, faces=found or 0)
        await store.put(made.sha256, target)
    if how == "pixelated":
        return made  # not remembered: next time faces may be looked for
    await OPERATIONS.execute(
        "INSERT INTO evidence_outward (sha256, outward_sha256, how, faces, made_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sha256) DO NOTHING",
        sha256, made.sha256, made.how, made.faces, at,
    )  # fmt: skip
    return made


async def _hide(program: Sequence[str], source: Path, target: Path, limit_s: float) -> int | None:
    """How many faces were hidden; None when they could not be looked for."""
    try:
        child = await asyncio.create_subprocess_exec(
            *program, str(source), str(target),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as failed:
        log.warning("faces cannot be looked for: %s", failed)
        return None
    try:
        out, wrong = await asyncio.wait_for(child.communicate(), limit_s)
        if child.returncode == 0:
            return int(json.loads(out)["faces"])
        said = wrong.decode(errors="replace").strip().splitlines()
        log.warning("faces cannot be looked for: %s", said[-1] if said else child.returncode)
    except (TimeoutError, ValueError, KeyError) as failed:
        log.warning("faces cannot be looked for: %r", failed)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return None


def _pixelate(source: Path, target: Path) -> None:
    faces.save(faces.coarse(faces.opened(source), across=FIELDS), target)
