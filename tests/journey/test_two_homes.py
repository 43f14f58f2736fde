"""Golden scenario 15: two detectors in two homes are one incident; one home is split off."""

from tests.journey.street import HOMES, Street


async def test_two_homes_of_a_court_are_one_incident_until_the_desk_splits_one(
    street: Street,
) -> None:
    await street.phone("周建国")
    helper = await street.phone("李明")
    desk = await street.desk()
    one = await street.alarm("smoke", smoke=True)
    assert await street.alarm("smoke2", smoke=True) == one
    west = str(HOMES["west"])
    await desk.does(one, "log_call", contact="西厢", result="reached", householdId=west)
    view = await desk.get(f"/api/incidents/{one}")
    assert view["threads"][west]["phase"] == "reached"

    await desk.does(one, "split", householdId=west, reason="分开处置")
    rows = (await desk.get("/api/desk/board"))["incidents"]
    assert len(rows) == 2
    [other] = [row["id"] for row in rows if row["id"] != one]
    second = await desk.get(f"/api/incidents/{other}")
    assert second["links"]["follows"] == one
    assert [d["householdId"] for d in second["detectors"]] == [west]
    [offer] = (await helper.get("/api/field/home"))["offers"]
    assert offer["incidentId"] == other


async def test_two_incidents_merged_are_released_by_the_winners_conditions(street: Street) -> None:
    await street.phone("周建国")
    desk = await street.desk()
    one = await street.alarm("smoke", smoke=True)
    street.world.clock.forward(seconds=1200)
    other = await street.alarm("smoke2", smoke=True)
    assert other != one
    await desk.does(other, "merge", into=one)
    winner = await desk.get(f"/api/incidents/{one}")
    assert len(winner["detectors"]) == 2
    assert (await desk.get(f"/api/incidents/{other}"))["releasedHow"] == "merged"
    await street.quiet("smoke")
    assert (await desk.get(f"/api/incidents/{one}"))["c1"] is None
    await street.quiet("smoke2")
    assert (await desk.get(f"/api/incidents/{one}"))["c1"] is not None
