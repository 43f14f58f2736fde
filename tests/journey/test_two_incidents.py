"""Two incidents want one person at the same moment, on two nodes and one real PostgreSQL."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from backend.incidents import journal
from backend.pipeline import Pipeline
from tests.journey.street import PEOPLE, Street


async def two_incidents(street: Street) -> tuple[UUID, UUID]:
    """Both look for a lead and ask nobody: there is nobody on duty."""
    first = await street.alarm()
    street.world.clock.forward(seconds=1)
    await street.measures("smoke_own", "smoke", True)
    second = await street.newest()
    assert first != second
    return UUID(first), UUID(second)


async def asked(street: Street) -> list[tuple[UUID, str]]:
    """Which incident asked whom, in order."""
    rows = await street.world.operations.fetch(
        "SELECT incident_id, body -> 'fact' ->> 'staffName' AS who FROM event"
        " WHERE type = 'Offered' ORDER BY seq"
    )
    return [(row["incident_id"], row["who"]) for row in rows]


async def nodes_look_at_once(street: Street, *incidents: UUID) -> None:
    """One node for each incident; all have looked at the people before any of them asks."""
    looked = asyncio.Barrier(len(incidents))

    async def one(incident: UUID) -> None:
        node = Pipeline(street.world.ctx)
        look, first = node.finding.choice, [True]

        async def choice(*args: Any, **more: Any) -> Any:
            found = await look(*args, **more)
            if first.pop() if first else False:
                await looked.wait()
            return found

        node.finding.choice = choice  # type: ignore[method-assign]
        await node.offer_nearest(await journal.load(incident), uuid4())

    async with asyncio.timeout(60):
        await asyncio.gather(*(one(incident) for incident in incidents))


@pytest.mark.clause("6.2.3-c")
async def test_two_nodes_that_chose_the_same_person_ask_them_once_and_the_other_incident_the_next(
    street: Street,
) -> None:
    incidents = await two_incidents(street)
    await street.phone("周建国")
    await street.phone("李明")
    await nodes_look_at_once(street, *incidents)
    found = await asked(street)
    assert {incident for incident, _ in found} == set(incidents)
    assert sorted(who for _, who in found) == ["周建国", "李明"]


async def test_the_only_person_is_asked_by_one_and_by_the_other_as_soon_as_they_say_no(
    street: Street,
) -> None:
    incidents = await two_incidents(street)
    phone = await street.phone("周建国")
    await nodes_look_at_once(street, *incidents)
    [(first, _)] = await asked(street)
    [other] = set(incidents) - {first}
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await phone.does(first, "decline", offerId=offer["id"], reason="too_far")
    assert await asked(street) == [(first, "周建国"), (other, "周建国")]


async def test_who_accepted_one_is_never_put_to_the_other(street: Street) -> None:
    incidents = await two_incidents(street)
    phone = await street.phone("周建国")
    await nodes_look_at_once(street, *incidents)
    [(first, _)] = await asked(street)
    await street.to_the_scene(phone, str(first))
    await street.forward(120)
    assert await asked(street) == [(first, "周建国")]


async def test_the_record_says_which_other_incident_was_asking(street: Street) -> None:
    await street.phone("周建国")
    first, second = await two_incidents(street)
    [(asking, _)] = await asked(street)
    assert asking == first
    [one] = (await journal.load(second)).candidates
    assert (one.name, one.passed_over) == ("周建国", "asked_elsewhere")
    assert one.elsewhere == (await journal.load(first)).no


async def test_the_database_itself_holds_no_second_offer_of_a_person(street: Street) -> None:
    await street.phone("周建国")
    _, other = await two_incidents(street)
    assert len(await asked(street)) == 1
    with pytest.raises(asyncpg.UniqueViolationError):
        await street.world.operations.execute(
            "UPDATE incident SET asked_staff = $1 WHERE id = $2", PEOPLE["周建国"][0], other
        )


async def test_a_lead_called_false_who_went_on_to_the_next_is_not_torn_back_by_a_new_alarm(
    street: Street,
) -> None:
    phone = await street.phone("周建国")
    first = await street.alarm()
    await street.to_the_scene(phone, first)
    await phone.does(first, "field_declares_false", noPhotoReason="看过")
    await street.quiet("smoke")
    await street.measures("smoke_own", "smoke", True)
    second = await street.newest()
    await street.to_the_scene(phone, second)
    await street.hears("smoke", smoke=True)
    assert await street.state(first) == "dispatching", "the alarm is raised; somebody else comes"
    assert await street.state(second) == "on_scene"
