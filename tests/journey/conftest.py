"""The street of the journeys, and the one Chromium of those that go through its screens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.journey.screens import PATIENCE_MS, StreetOnScreens, street_on_screens
from tests.journey.stage import FLAGS
from tests.journey.street import Street, street_of
from tests.plugin.world import Server, World, made_world


@pytest.fixture
async def street(world: World) -> AsyncIterator[Street]:
    """A short street with people, detectors and offices, at rest."""
    async with street_of(world) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: Path) -> AsyncIterator[Browser]:
    """One Chromium for all scenarios; whoever takes part has a context of their own."""
    expect.set_options(timeout=PATIENCE_MS)  # a busy machine is no fault of a screen
    async with async_playwright() as driver:
        opened = await driver.chromium.launch(executable_path=str(chromium_path), args=list(FLAGS))
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screens(
    database_server: Server, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[StreetOnScreens]:
    """The short street, its people with devices in their hands."""
    variables = getattr(request, "param", None)
    async with (
        made_world(database_server, tmp_path, variables) as world,
        street_on_screens(world, browser) as street,
    ):
        failed = request.session.testsfailed
        yield street
        if request.session.testsfailed > failed:
            await street.pictures(tmp_path)
