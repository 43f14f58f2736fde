"""Off duty means off: the end of a shift, before, during and after an incident."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from backend import notices
from backend.incidents import journal
from tests.journey.street import PEOPLE, Street


async def ends_at(street: Street, name: str, at: datetime) -> None:
    """This person's shift ends then."""
    await street.world.operations.execute(
        "UPDATE shift SET until_at = $2 WHERE person_id = $1", PEOPLE[name][0], at
    )


@pytest.mark.clause("6.2.3-c")
async def test_whose_shift_is_over_is_not_asked_and_the_record_says_why(street: Street) -> None:
    near, far = await street.phone("周建国"), await street.phone("王芳")
    await ends_at(street, "周建国", street.world.clock.now() + timedelta(minutes=5))
    street.world.clock.forward(minutes=6)
    incident = await street.alarm()
    assert (await near.get("/api/field/home"))["offers"] == []
    assert len((await far.get("/api/field/home"))["offers"]) == 1
    body = await street.world.operations.fetch_value(
        "SELECT body::text FROM event WHERE incident_id = $1 AND type = 'Offered'", UUID(incident)
    )
    assert "off_shift" in body


async def test_who_leads_when_the_shift_ends_is_asked_to_stay_and_nothing_is_dropped(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await ends_at(street, "周建国", street.world.clock.now() + timedelta(minutes=1))
    street.world.clock.forward(minutes=2)
    for _ in range(2):
        await street.worker.step_roster()
        await street.settle()
    assert await street.told(desk, "shift_over") == 1
    assert await street.told(phone, "shift_over") == 1
    assert (await phone.get("/api/field/home"))["duty"]["over"]

    off = await phone.client.post("/api/field/duty", json={"on": False, "deviceId": "d1"})
    assert off.status_code == 409
    assert off.json()["type"].endswith("leads-incident")
    street.world.clock.forward(hours=2)  # far past the grace: still theirs
    await street.worker.step_roster()
    home = await phone.get("/api/field/home")
    assert (home["duty"]["on"], [one["id"] for one in home["incidents"]]) == (True, [incident])

    stay = {"on": True, "deviceId": "d1", "reason": "留下处置"}
    answer = await phone.client.post("/api/field/duty", json=stay)
    assert (answer.json()["over"], answer.json()["extra"]) == (False, "留下处置")


async def test_what_asks_for_work_is_not_sent_after_somebody_who_went_home(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await journal.load(UUID(await street.alarm()))
    ready = notices.be_ready(incident, message_id=uuid4(), at=street.world.clock.now())
    address = f"staff:{PEOPLE['周建国'][0]}"
    await phone.client.post("/api/field/duty", json={"on": False, "deviceId": "d1"})
    await street.worker.pipeline.send(ready, address, incident)
    assert "be_ready" not in await street.said_to(address)
    await phone.client.post("/api/field/duty", json={"on": True, "deviceId": "d1"})
    await street.worker.pipeline.send(ready, address, incident)
    assert "be_ready" in await street.said_to(address)
