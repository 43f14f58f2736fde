"""The street of the journeys."""

from collections.abc import AsyncIterator

import pytest

from tests.journey.street import Street, street_of
from tests.plugin.world import World


@pytest.fixture
async def street(world: World) -> AsyncIterator[Street]:
    """A short street with people, detectors and offices, at rest."""
    async with street_of(world) as made:
        yield made
