"""Link tokens: what opens nothing, and what opens one thing only."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.access import links
from backend.access.problems import LinkNotValid
from backend.shared.ids import uuid7
from tests.plugin.world import World

DAY = timedelta(days=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(token=st.text(max_size=80))
async def test_a_garbage_token_opens_nothing(world: World, token: str) -> None:
    with pytest.raises(LinkNotValid):
        await links.resolve(token, at=world.clock.now())


async def test_an_expired_a_revoked_and_a_never_made_token_answer_alike(world: World) -> None:
    household, report = uuid7(), uuid7()
    expired = await links.mint("household", household, DAY, actor="t", at=world.clock.now())
    revoked = await links.mint("report", report, 3 * DAY, actor="t", at=world.clock.now())
    world.clock.forward(days=1)
    assert await links.revoke("report", report, actor="t", at=world.clock.now()) == 1
    said = set()
    for token in (expired, revoked, "never-made"):
        with pytest.raises(LinkNotValid) as refused:
            await links.resolve(token, at=world.clock.now())
        said.add(refused.value.detail)
    assert len(said) == 1


async def test_a_token_opens_its_one_subject_until_it_ends(world: World) -> None:
    household = uuid7()
    token = await links.mint("household", household, DAY, actor="t", at=world.clock.now())
    for _ in range(3):
        assert await links.resolve(token, at=world.clock.now()) == links.Link(
            purpose="household", subject_id=household
        )
        world.clock.forward(hours=7)


async def test_only_the_hash_of_a_token_is_stored(world: World) -> None:
    token = await links.mint("report", uuid7(), DAY, actor="t", at=world.clock.now())
    await links.resolve(token, at=world.clock.now())
    for table in ("link", "audit_entry"):
        rows = await world.operations.fetch(f"SELECT t::text AS text FROM {table} t")
        assert rows
        assert all(token not in row["text"] for row in rows)


async def test_the_use_of_a_link_is_audited_without_a_row_for_every_refresh(world: World) -> None:
    token = await links.mint("household", uuid7(), DAY, actor="t", at=world.clock.now())
    used = "SELECT count(*) FROM audit_entry WHERE action = 'access.link_used'"
    for minutes, rows in ((0, 1), (5, 1), (4, 1), (1, 2)):
        world.clock.forward(minutes=minutes)
        await links.resolve(token, at=world.clock.now())
        assert await world.operations.fetch_value(used) == rows


async def test_revoking_one_subject_leaves_the_others(world: World) -> None:
    mine, other = uuid7(), uuid7()
    now = world.clock.now()
    await links.mint("household", mine, DAY, actor="t", at=now)
    await links.mint("household", mine, DAY, actor="t", at=now)
    token = await links.mint("household", other, DAY, actor="t", at=now)
    assert await links.revoke("household", mine, actor="t", at=now) == 2
    assert await links.revoke("household", mine, actor="t", at=now) == 0
    assert (await links.resolve(token, at=now)).subject_id == other
