"""Deadlines are rows: what is due is done at its time, once, after any restart."""

import asyncio
from uuid import UUID

import pytest

from backend.incidents import journal
from backend.incidents.flow.commands import PresentToDesk
from backend.worker import Worker
from tests.journey.street import Person, Street


async def asked(phone: Person) -> bool:
    """Whether an offer is open on this phone now."""
    return bool((await phone.get("/api/field/home"))["offers"])


async def overheated(street: Street) -> str:
    """An electrical alert: one of those that wait for the telephone first."""
    await street.hears("electric", temperature=90)
    street.world.clock.forward(seconds=31)
    return await street.alarm("electric", temperature=90)


async def restarted(street: Street) -> None:
    """The process died and another one took over: nothing is left but the databases."""
    journal._cache.clear()
    street.worker = Worker(street.world.ctx)


@pytest.mark.clause("6.2.3-c")
async def test_who_does_not_answer_is_followed_by_the_next_nearest_when_the_offer_ends(
    street: Street,
) -> None:
    near, second = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    [offer] = (await near.get("/api/field/home"))["offers"]
    await street.forward(24)
    assert (await asked(near), await asked(second)) == (True, False)
    await street.forward(2)
    assert (await asked(near), await asked(second)) == (False, True)
    late = await near.is_refused(incident, "accept", offerId=offer["id"])
    assert late["code"] == "offer_over"
    assert await asked(second)


@pytest.mark.clause("6.2.3-c")
async def test_a_lead_who_does_not_get_there_has_the_next_nearest_come_as_well(
    street: Street,
) -> None:
    near, second = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm()
    [offer] = (await near.get("/api/field/home"))["offers"]
    await near.does(incident, "accept", offerId=offer["id"])
    await street.forward(181)
    assert await street.told(desk, "en_route") == 1
    [beside] = (await second.get("/api/field/home"))["offers"]
    await second.does(incident, "accept", offerId=beside["id"])
    view = await desk.get(f"/api/incidents/{incident}")
    assert view["lead"]["name"] == "周建国"
    assert [one["name"] for one in view["helpers"]] == ["李明"]


async def test_an_offer_of_the_next_round_of_asking_is_shorter(street: Street) -> None:
    for name in ("周建国", "李明", "王芳"):
        await street.phone(name)
    incident = await street.alarm()
    await street.forward(26)
    await street.forward(19)
    assert await street.events(incident, "OfferExpired") == ["OfferExpired"]
    await street.forward(2)
    assert len(await street.events(incident, "OfferExpired")) == 2


@pytest.mark.clause("4.2.4.2")
async def test_when_nobody_is_left_the_desk_lead_hears_and_who_comes_on_duty_is_asked(
    street: Street,
) -> None:
    lead = await street.desk_lead()
    incident = await street.alarm()
    assert await street.events(incident, "NobodyLeftToAsk") == ["NobodyLeftToAsk"]
    assert await street.told(lead, "nobody") == 1
    phone = await street.phone("王芳")
    assert not await asked(phone)
    await street.forward(21)
    assert await asked(phone)
    assert await street.told(lead, "nobody") == 1


async def test_the_search_goes_on_however_long_nobody_is_there(street: Street) -> None:
    incident = await street.alarm()
    for _ in range(12):
        await street.forward(21)
    phone = await street.phone("李明")
    await street.forward(21)
    await street.to_the_scene(phone, incident)
    assert await street.state(incident) == "on_scene"


async def test_ninety_seconds_without_a_lead_are_said_once_more(street: Street) -> None:
    lead = await street.desk_lead()
    await street.alarm()
    await street.forward(89)
    assert await street.told(lead, "nobody_left") == 0
    await street.forward(2)
    assert await street.told(lead, "nobody_left") == 1


@pytest.mark.clause("4.1-c")
async def test_with_no_desk_within_two_seconds_somebody_is_sent_without_one(
    street: Street,
) -> None:
    lead, phone = await street.desk_lead(), await street.phone("周建国")
    incident = await overheated(street)
    assert await street.state(incident) == "raised"
    await street.forward(1.9)
    assert not await asked(phone)
    await street.forward(0.2)
    assert await asked(phone)
    assert await street.told(lead, "no_desk") == 1
    assert await street.events(incident, "DeskMissing") == ["DeskMissing"]


async def test_an_alert_that_a_desk_shows_in_time_waits_for_the_telephone(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await overheated(street)
    await street.worker.pipeline.incidents.say(UUID(incident), PresentToDesk(desk="沈静"))
    await street.forward(3)
    assert await street.events(incident, "DeskMissing", "Offered") == []
    await street.forward(58)
    assert await asked(phone), "60 s without a word of the party: somebody is sent in parallel"


async def test_an_alert_that_nobody_claims_goes_to_the_other_desks_and_then_to_the_desk_lead(
    street: Street,
) -> None:
    lead, desk = await street.desk_lead(), await street.desk()
    await street.alarm()
    await street.forward(14)
    assert await street.told(desk, "desk_claim") == 0
    await street.forward(2)
    assert await street.told(desk, "desk_claim") == 1
    assert await street.told(lead, "desk_claim_lead") == 0
    await street.forward(15)
    assert await street.told(lead, "desk_claim_lead") == 1


async def test_a_claimed_alert_reminds_nobody(street: Street) -> None:
    lead, desk = await street.desk_lead(), await street.desk()
    incident = await street.alarm()
    await desk.does(incident, "claim")
    await street.forward(40)
    assert await street.told(desk, "desk_claim") == 0
    assert await street.told(lead, "desk_claim_lead") == 0


@pytest.mark.clause("6.3.4.1-a")
async def test_a_report_that_no_office_takes_is_said_to_the_desk_until_somebody_telephones(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "assess_controllable", controllable=False, reason="火大")
    await street.forward(21)
    assert await street.told(desk, "report_delivered") == 4
    community = await street.office("community")
    [report] = (await community.get("/api/office/inbox"))["reports"]
    await community.does(incident, "acknowledge_report", reportId=report["id"], sent=True)
    await street.forward(40)
    assert await street.told(desk, "report_voice") == 3


async def test_deadlines_outlive_the_process_that_set_them(street: Street) -> None:
    near, second = await street.phone("周建国"), await street.phone("李明")
    lead = await street.desk_lead()
    await street.alarm()
    assert await asked(near)
    await restarted(street)
    street.world.clock.forward(seconds=26)
    await restarted(street)
    await street.settle()
    assert (await asked(near), await asked(second)) == (False, True)
    await restarted(street)
    await street.forward(5)
    assert await street.told(lead, "desk_claim_lead") == 1


class Both:
    """Two workers on one database, busy at the same time."""

    def __init__(self, street: Street) -> None:
        self.workers = (Worker(street.world.ctx), Worker(street.world.ctx))

    async def run_until_idle(self) -> None:
        await asyncio.gather(*(worker.run_until_idle() for worker in self.workers))
        await self.workers[0].run_until_idle()


async def whole_journey(street: Street) -> tuple[list[str], int]:
    """From the alarm to the seal; the events' types and the number of messages."""
    near, second = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm()
    await desk.does(incident, "claim")
    await street.forward(26)
    assert not await asked(near)
    await street.to_the_scene(second, incident)
    await street.handled(second, incident)
    await street.closed(second, desk, incident)
    assert await street.state(incident) == "archived"
    messages = await street.world.operations.fetch_value("SELECT count(*) FROM message")
    return await street.events(incident), messages


async def test_two_workers_at_once_do_each_piece_of_work_once(street: Street) -> None:
    street.worker = Both(street)  # type: ignore[assignment]
    types, messages = await whole_journey(street)
    once = ("AlertRaised", "DispatchRequested", "OfferExpired", "ArchiveRequested", "Archived")
    assert {name: types.count(name) for name in once} == dict.fromkeys(once, 1)
    assert types.count("Offered") == 2
    left = await street.world.operations.fetch_value("SELECT count(*) FROM work")
    assert left == 0
    offers = await street.world.operations.fetch_value(
        "SELECT count(*) FROM message WHERE body -> 'data' ->> 'kind' = 'offer'"
    )
    assert offers == 2
    assert messages >= 3


async def test_a_reaction_done_twice_changes_nothing(street: Street) -> None:
    """A crash between the work and its mark: the row is still there and is done again."""
    types, messages = await whole_journey(street)
    rows = await street.world.operations.fetch("SELECT seq FROM event ORDER BY seq")
    for row in rows:
        await street.worker.pipeline.react(row["seq"])
    incident = await street.newest()
    await street.settle()
    assert await street.events(incident) == types
    assert await street.world.operations.fetch_value("SELECT count(*) FROM message") == messages
