"""The street for tests of one domain, and somebody on scene whose phone signs."""

from collections.abc import AsyncIterator

import pytest

from tests.journey.street import Person, Street, street_of
from tests.plugin.phone import Phone, registers
from tests.plugin.world import World


@pytest.fixture
async def street(world: World) -> AsyncIterator[Street]:
    """A short street with people, detectors and offices, at rest."""
    async with street_of(world) as made:
        yield made


@pytest.fixture
def phone() -> Phone:
    """A phone with a key of its own."""
    return Phone()


@pytest.fixture
async def zhou(street: Street, phone: Phone) -> Person:
    """On scene, with a registered phone."""
    who = await street.phone("周建国")
    await street.to_the_scene(who, await street.alarm())
    await registers(who, phone)
    return who
