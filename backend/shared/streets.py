"""The street network that a deployment named by ``JIEAN_STREETS``, read once."""

from functools import lru_cache
from pathlib import Path

from backend.settings import Streets
from geo.streets import StreetNetwork


@lru_cache(maxsize=1)
def network_of(streets: Streets) -> StreetNetwork | None:
    """The network in the file; None where none is named. A district takes about a second.

    Raises:
        geo.extract.StreetsError: with a sentence for whoever named it.
    """
    if not streets.file:
        return None
    from geo.extract import load  # the reader of OpenStreetMap only where a file is to be read

    return load(Path(streets.file), snap_m=streets.snap_m)
