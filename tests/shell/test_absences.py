"""Nobody at home: said by the home or its community office, kept with consent, for one purpose."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.edge.detectors import message
from tests.journey.street import HOMES, Person, Street


def spell(street: Street, days: float, *, consent: bool = True) -> dict[str, object]:
    now = street.world.clock.now()
    until = now + timedelta(days=days)
    ends = {"fromAt": now.isoformat(), "toAt": until.isoformat()}
    return {"id": str(uuid4()), **ends, "consent": consent}


async def quiet_gate(street: Street, hours: int) -> int:
    """A gate that says for so long that it is closed; how many incidents there are then."""
    for _ in range(0, hours, 6):
        street.world.clock.forward(seconds=6 * 3600)
        await street.store.write([message(street.world, {"contact": True}, "zigbee2mqtt/door")])
        await street.store.elapse()
    await street.settle()
    found: int = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
    return found


async def say(page: Person, wish: dict[str, object]) -> int:
    answer = await page.client.post(f"{page.path}/absences", json=wish)
    return answer.status_code


@pytest.mark.clause("5.1.1.1-g")
async def test_an_empty_home_s_gate_raises_nothing_until_they_should_be_back(
    street: Street,
) -> None:
    page = await street.resident("far")
    wish = spell(street, 2.5)
    assert await say(page, wish) == 200
    assert await say(page, wish) == 200, "said twice is said once"
    home = await page.get(f"{page.path}/absences")
    assert home["watched"]
    assert len(home["absences"]) == 1
    assert await quiet_gate(street, 60) == 0
    assert await quiet_gate(street, 54) == 1


async def test_an_absence_needs_consent_and_sense_and_is_the_home_s_own(street: Street) -> None:
    page, other = await street.resident("far"), await street.resident("east")
    assert await say(page, spell(street, 2, consent=False)) == 422
    assert await say(page, spell(street, -1)) == 422
    assert await say(page, spell(street, 400)) == 422
    wish = spell(street, 2)
    assert await say(page, wish) == 200
    taken = await other.client.delete(f"{other.path}/absences/{wish['id']}")
    assert taken.status_code == 404
    assert (await page.client.delete(f"{page.path}/absences/{wish['id']}")).status_code == 200
    rows = await street.world.identity.fetch(
        "SELECT action, actor FROM audit_entry WHERE action LIKE 'absence.%' ORDER BY id"
    )
    assert [(row["action"], row["actor"]) for row in rows] == [
        ("absence.said", "page"),
        ("absence.taken_back", "page"),
    ]


async def test_a_community_office_writes_it_down_for_homes_of_its_area_only(
    street: Street,
) -> None:
    community, fire = await street.office(), await street.office("fire")
    at = f"/api/office/homes/{HOMES['east']}/absences"
    assert (await community.client.post(at, json=spell(street, 3))).status_code == 200
    assert len((await community.client.get(at)).json()["absences"]) == 1
    assert (await fire.client.get(at)).status_code == 403
    nowhere = f"/api/office/homes/{uuid4()}/absences"
    assert (await community.client.get(nowhere)).status_code == 404
