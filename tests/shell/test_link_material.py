"""What a page without an account needs besides its own facts: the words, and a report's map."""

from datetime import timedelta
from uuid import uuid4

from backend.access import links
from tests.plugin.world import World


async def _link(world: World, purpose: links.Purpose) -> str:
    return await links.mint(
        purpose, uuid4(), timedelta(days=1), actor=uuid4(), role="desk", at=world.clock.now()
    )


async def test_a_household_link_brings_the_words_but_no_map(world: World) -> None:
    token = await _link(world, "household")
    async with world.client() as client:
        book = await client.get(f"/api/link/{token}/rulebook")
        assert book.status_code == 200
        assert book.json()["states"]["dispatching"]["zh"]
        assert (await client.get(f"/api/link/{token}/map")).status_code == 404


async def test_a_report_link_brings_the_map(world: World) -> None:
    token = await _link(world, "report")
    async with world.client() as client:
        area = await client.get(f"/api/link/{token}/map")
    assert area.status_code == 200
    assert area.json()["type"] == "FeatureCollection"


async def test_a_token_that_is_none_brings_nothing(world: World) -> None:
    async with world.client() as client:
        for what in ("rulebook", "map"):
            answer = await client.get(f"/api/link/{'x' * 43}/{what}")
            assert answer.status_code == 404
            assert answer.json()["type"] == "urn:jiean:problem:link-not-valid"
