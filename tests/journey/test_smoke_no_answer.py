"""Golden scenario: smoke, nobody answers, the nearest declines, the next handles it to the seal."""

import json
from pathlib import Path

import pytest

from backend.archive.verify import main as verify
from tests.journey.street import Street


@pytest.mark.clause("3.2", "6.3.1", "6.3.7.1-a", "6.3.7.1-c")
async def test_one_alarm_from_the_detectors_bytes_to_the_sealed_record(
    street: Street, tmp_path: Path
) -> None:
    near, next_near = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm("smoke", smoke=True)
    await desk.does(incident, "claim")
    for _ in range(2):
        await desk.does(incident, "log_call", contact="户主", result="no_answer")

    [offer] = (await near.get("/api/field/home"))["offers"]
    await near.does(incident, "decline", offerId=offer["id"], reason="busy")
    assert (await near.get("/api/field/home"))["offers"] == []
    await street.to_the_scene(next_near, incident)
    await street.handled(next_near, incident)
    await street.quiet("smoke")
    await next_near.does(incident, "final_check")
    await next_near.does(incident, "field_confirm_eliminated")
    await desk.does(incident, "desk_release_real", category="real_fire")
    await street.settled_debts(next_near, incident)
    await desk.does(incident, "archive")

    assert await street.state(incident) == "archived"
    record = await desk.client.get(f"/api/incidents/{incident}/archive")
    file = tmp_path / "record.json"
    file.write_bytes(record.content)
    assert verify([str(file)]) == 0
    kept = json.loads(record.content)["document"]
    six = ("raisedAt", "kind", "category", "place", "measures", "releasedAt")
    assert all(kept[field] for field in six)
