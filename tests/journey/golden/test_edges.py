"""Golden scenarios 17, 18 and 19: no desk, a sealed record, and the turn of the year.

The others are told elsewhere; see README.md beside this file.
"""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from tests.journey.golden.reading import in_order
from tests.journey.street import Street


@pytest.mark.clause("4.1-c", "6.2.3-c")
async def test_17_with_no_desk_signed_in_somebody_is_asked_within_two_seconds(
    street: Street,
) -> None:
    phone = await street.phone("周建国")
    await street.hears("electric", temperature=90)
    street.world.clock.forward(seconds=31)
    incident = await street.alarm("electric", temperature=90)
    await street.forward(1.9)
    assert (await phone.get("/api/field/home"))["offers"] == []
    await street.forward(0.1)
    assert len((await phone.get("/api/field/home"))["offers"]) == 1
    in_order(
        await street.events(incident), "AlertRaised", "DeskMissing", "DispatchRequested", "Offered"
    )


@pytest.mark.clause("6.3.7.2")
async def test_18_a_sealed_record_is_changed_by_nobody_and_takes_an_addendum_of_two(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await street.closed(phone, desk, incident)
    before = await street.record(desk, incident)
    for command, more in (
        ("note", {"text": "补一句"}),
        ("lift_cordon", {}),
        ("desk_release_real", {"category": "other"}),
    ):
        assert (await desk.is_refused(incident, command, **more))["code"] in {
            "archived", "wrong_state",
        }  # fmt: skip
    with pytest.raises(asyncpg.PostgresError):
        await street.world.records.execute(
            "UPDATE sealed SET export = '{}' WHERE incident_id = $1", UUID(incident)
        )
    with pytest.raises(asyncpg.PostgresError):
        await street.world.operations.execute(
            "UPDATE event SET type = 'Other' WHERE incident_id = $1", UUID(incident)
        )
    alone = await desk.is_refused(
        incident, "addendum", reason="更正", text="门牌为 12 号", approvedBy="沈静"
    )
    assert alone["code"] == "two_persons_needed"
    lead = await street.desk_lead()
    me = await lead.get("/api/session")
    await desk.does(
        incident, "addendum", reason="更正", text="门牌为 12 号", approvedBy=me["accountId"]
    )
    assert await street.state(incident) == "archived"
    assert await street.record(desk, incident) == before, "the sealed part never changes"
    assert (await street.events(incident))[-1] == "AddendumAppended"


async def test_19_an_incident_of_new_years_eve_belongs_to_the_old_year(street: Street) -> None:
    eve = datetime(2026, 12, 31, 15, 59, 50, tzinfo=UTC)  # ten seconds to midnight in Suzhou
    street.world.clock.forward(seconds=(eve - street.world.clock.now()).total_seconds())
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm()
    street.world.clock.forward(seconds=20)
    later = await street.alarm("smoke_far")
    numbers = {row["id"]: row["no"] for row in (await desk.get("/api/desk/board"))["incidents"]}
    assert numbers == {incident: "20261231-0001", later: "20270101-0001"}
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await street.closed(phone, desk, incident)
    record = await street.record(desk, incident)
    assert record["no"] == "20261231-0001"
    assert record["raisedAt"] < "2026-12-31T16:00:00Z" < record["releasedAt"]
