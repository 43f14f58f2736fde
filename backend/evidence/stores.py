"""Which store this installation keeps its photographs in."""

from functools import lru_cache
from pathlib import Path

from backend.evidence.s3 import Bucket
from backend.evidence.store import LocalFolder, Store
from backend.settings import Evidence, Settings


def store_of(settings: Settings) -> Store:
    """The bucket where one is set, else a folder of the data folder."""
    return _opened(settings.evidence, settings.data.folder.absolute())


@lru_cache(maxsize=8)
def _opened(settings: Evidence, data: Path) -> Store:
    return Bucket(settings) if settings.s3_bucket else LocalFolder(data / "evidence")
