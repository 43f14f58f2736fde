"""Finished rows go after their time, in batches; what is needed still stays."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.audit import service as audit
from backend.messages import ledger, retention
from backend.messages.carrier import Carrier
from backend.worker import Worker
from push.port import ReceiptKind
from tests.plugin.world import World
from tests.shell.test_messages_carrier import FakeDoor, idle, receive, say

KEEP = timedelta(days=30)


async def test_what_ended_long_ago_goes_whole_and_what_is_younger_or_climbs_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    carrier = Carrier(world.ctx, (FakeDoor(),))
    old = [await say(world) for _ in range(3)]
    await idle(carrier)
    for message in old:
        await receive(world, message, ReceiptKind.ACTED)
    climbing = await say(world, ttl_s=90 * 86_400)
    world.clock.forward(seconds=31 * 86_400)
    young = await say(world)
    swept = [await retention.sweep(world.clock.now(), keep=KEEP) for _ in range(3)]
    assert swept == [2, 1, 0]
    left = await ledger.of_messages([each.id for each in (*old, climbing, young)])
    assert [line.message_id for line in left] == [climbing.id, young.id]
    for table in ("delivery", "receipt"):
        orphans = f"SELECT count(*) FROM {table} WHERE message_id <> ALL($1::uuid[])"
        kept = [climbing.id, young.id]
        assert await world.operations.fetch_value(orphans, kept) == 0


async def test_audit_rows_go_only_once_the_log_has_had_them_for_a_week(world: World) -> None:
    now = datetime.now(UTC)  # the database's own clock guards them
    for _ in range(3):
        async with world.operations.transaction():
            await audit.record(
                world.operations, actor="t", role="t", action="a.done", subject="s", at=now
            )
    count = "SELECT count(*) FROM audit_entry"
    assert await audit.forget(100, before=now) == 0, "not shipped"
    await audit.ship(2, at=now - timedelta(days=8))
    assert await audit.forget(1, before=now - timedelta(days=7)) == 1
    await audit.ship(1, at=now - timedelta(days=1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit.forget(100, before=now)
    assert await world.operations.fetch_value(count) == 2
    assert await world.records.fetch_value("SELECT count(*) FROM audit_log") == 3


async def test_a_reaction_that_failed_for_good_goes_after_its_time(world: World) -> None:
    now = world.clock.now()
    for dead_at in (now - timedelta(days=31), now - timedelta(days=29), None):
        await world.operations.execute(
            "INSERT INTO work (incident_id, event_seq, available_at, dead_at)"
            " VALUES (gen_random_uuid(), 1, $1, $2)",
            now,
            dead_at,
        )
    worker = Worker(world.ctx)
    assert await worker.step_retention()
    assert not await worker.step_retention()
    assert await world.operations.fetch_value("SELECT count(*) FROM work") == 2
