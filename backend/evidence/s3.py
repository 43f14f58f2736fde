"""Photographs in an S3 bucket, or in anything that speaks its protocol; the one door to obstore."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from backend.evidence.store import BLOCK, StoreAway
from backend.settings import Evidence

if TYPE_CHECKING:
    from obstore.store import S3Store

RETRIES = 2
"""▲ A phone waits for the answer; what still fails then it sends again by itself."""


class Bucket:
    """``<prefix>ab/cdef…``, as in the local folder."""

    def __init__(self, settings: Evidence) -> None:
        self._settings = settings
        self._opened: S3Store | None = None

    @property
    def _bucket(self) -> "S3Store":
        if self._opened is None:
            from obstore.store import S3Store  # 25 MB of library: only where it is wanted

            ours = self._settings
            self._opened = S3Store(
                ours.s3_bucket,
                endpoint=ours.s3_endpoint or None,
                region=ours.s3_region,
                access_key_id=ours.s3_key_id,
                secret_access_key=ours.s3_key_secret,
                virtual_hosted_style_request=not ours.s3_path_style,
                client_options={
                    "allow_http": ours.s3_endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=ours.s3_timeout_s),
                    "connect_timeout": timedelta(seconds=min(5.0, ours.s3_timeout_s)),
                },
                retry_config={
                    "max_retries": RETRIES,
                    "retry_timeout": timedelta(seconds=2 * ours.s3_timeout_s),
                    "backoff": {
                        "init_backoff": timedelta(milliseconds=100),
                        "max_backoff": timedelta(seconds=1),
                        "base": 2,
                    },
                },
            )
        return self._opened

    def _name(self, sha256: str) -> str:
        return f"{self._settings.s3_prefix}{sha256[:2]}/{sha256[2:]}"

    async def has(self, sha256: str) -> bool:
        """See ``Store``."""
        from obstore import head_async
        from obstore.exceptions import BaseError

        try:
            await head_async(self._bucket, self._name(sha256))
        except FileNotFoundError:
            return False
        except BaseError as failed:
            raise _away(failed) from failed
        return True

    async def put(self, sha256: str, file: Path) -> None:
        """See ``Store``. A bucket answers once the object is kept; ``file`` stays the caller's."""
        from obstore import put_async
        from obstore.exceptions import BaseError

        try:
            # one request, so that the signature covers the hash of the whole object
            await put_async(self._bucket, self._name(sha256), file, use_multipart=False)
        except BaseError as failed:
            raise _away(failed) from failed

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See ``Store``."""
        from obstore import get_async
        from obstore.exceptions import BaseError

        try:
            found = await get_async(self._bucket, self._name(sha256))
            async for block in found.stream(min_chunk_size=BLOCK):
                yield bytes(block)
        except BaseError as failed:
            raise _away(failed) from failed

    async def ready(self) -> None:
        """See ``Store``. A small object is written: only that shows that the key may."""
        from obstore import put_async
        from obstore.exceptions import BaseError

        try:
            await put_async(self._bucket, f"{self._settings.s3_prefix}ready", b"jiean")
        except (BaseError, FileNotFoundError) as failed:
            raise _away(failed) from failed


def _away(failed: Exception) -> StoreAway:
    """The first line only: the rest is the library's own debugging, and may name the request."""
    return StoreAway(str(failed).strip().splitlines()[0][:300])
