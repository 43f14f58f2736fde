"""Where the bytes of photographs are kept: a port, and a local folder behind it."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

BLOCK = 256 * 1024


class StoreAway(Exception):
    """The store cannot be used now, or its settings are wrong; a sentence for a person."""


class Store(Protocol):
    """Bytes by their SHA-256; what is once there is never changed.

    Every method may raise ``StoreAway``.
    """

    async def has(self, sha256: str) -> bool:
        """Whether the bytes are there."""
        ...

    async def put(self, sha256: str, file: Path) -> None:
        """Keep a finished file whose hash was checked, and perhaps move it away. Durable when this
        returns; putting the same again, also at the same time, is no error."""
        ...

    def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes in blocks.

        Raises:
            FileNotFoundError: at the first block, when they are not there.
        """
        ...

    async def ready(self) -> None:
        """Whether it can be written; asked once at the start.

        Raises:
            StoreAway: with the reason.
        """
        ...


class LocalFolder:
    """``<folder>/ab/cdef…``: two digits of the hash, then the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]

    async def has(self, sha256: str) -> bool:
        """See ``Store``."""
        return await asyncio.to_thread(self._path(sha256).is_file)

    async def put(self, sha256: str, file: Path) -> None:
        """See ``Store``. ``file`` must be on the same file system: it is renamed."""
        await asyncio.to_thread(_move, file, self._path(sha256))

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See ``Store``."""
        source = await asyncio.to_thread(self._path(sha256).open, "rb")
        with source:
            while block := await asyncio.to_thread(source.read, BLOCK):
                yield block

    async def ready(self) -> None:
        """See ``Store``."""
        try:
            await asyncio.to_thread(_try, self._folder)
        except OSError as failed:
            raise StoreAway(str(failed)) from failed


def _try(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _move(file: Path, to: Path) -> None:
    """Bytes on the disk first, then the name: a power cut leaves the whole file or none."""
    with file.open("rb") as source:
        os.fsync(source.fileno())
    to.parent.mkdir(parents=True, exist_ok=True)
    file.replace(to)
    for folder in (to.parent, to.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
