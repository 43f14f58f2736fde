"""Why this person: the journal alone answers, in the order in which it happened."""

from uuid import UUID

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow.vocabulary import SYSTEM, Candidate
from backend.incidents.searches import Search, searches_of
from tests.core.incident_steps import ANNA, BEN, DESK, LEAD, Story, field


def looked(*people: tuple[UUID, str | None]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(staff_id=who, name=f"staff {who.int}", metres=10.0 * n, minutes=1.0,
                  basis="streets", fix_age_s=4, tier=0, chosen=n == 0, passed_over=why)
        for n, (who, why) in enumerate(people)
    )  # fmt: skip


def told(story: Story) -> list[Search]:
    found = searches_of(story.events)
    assert searches_of(story.events) == found, "the same journal, the same answer"
    return list(found)


@pytest.mark.clause("6.2.3-c")
def test_each_offer_keeps_who_was_looked_at_and_what_came_of_it() -> None:
    story = Story()
    first = story.offered(ANNA)
    story.say(field(ANNA), c.Decline(offer_id=first, reason="too_far"))
    second = c.Offer(
        offer_id=UUID(int=77), staff_id=BEN, name_="ben", metres=10.0, minutes=1.0,
        basis="streets", expires_at=story.now,
        candidates=looked((BEN, None), (ANNA, "asked_already")),
    )  # fmt: skip
    story.say(SYSTEM, second)
    story.now = second.expires_at
    story.say(field(BEN), c.SelfAssign(), metres=3.0)
    [search] = told(story)
    assert (search.round, search.reason, search.by) == (1, "kind_rule", "")
    assert [(one.staff_id, one.outcome, one.reason) for one in search.asked] == [
        (ANNA, "declined", "too_far"), (BEN, "released", "taken"),
    ]  # fmt: skip
    assert [one.passed_over for one in search.asked[1].candidates] == [None, "asked_already"]
    assert search.asked[0].answered_at is not None
    assert [(one.staff_id, one.lead) for one in search.joined] == [(BEN, True)]


def test_what_the_desk_chose_stands_with_its_words_and_its_name() -> None:
    story = Story()
    story.offered(ANNA)
    story.say(DESK, c.Reassign(reason="懂吴语，认识住户", to=BEN))
    story.offered(BEN)
    first, second = told(story)
    assert [(one.outcome, one.reason) for one in first.asked] == [("released", "reassigned")]
    assert (second.reason, second.by, second.preferred) == ("懂吴语，认识住户", DESK.name, BEN)
    assert (second.round, second.asked[0].desk_chose) == (1, True)
    assert not first.asked[0].desk_chose


def test_an_answer_that_comes_after_the_next_round_began_stands_with_its_own_offer() -> None:
    story = Story()
    offer_id = story.offered(ANNA)
    story.now = story.state.offers[0].expires_at
    story.say(SYSTEM, c.ExpireOffer(offer_id=offer_id))
    story.say(SYSTEM, c.NobodyLeft(candidates=looked((ANNA, "asked_already"))))
    story.say(LEAD, c.DispatchNow(reason="再问一轮"))
    again = story.offered(ANNA)
    story.say(field(ANNA), c.Accept(offer_id=again))
    first, second = told(story)
    assert [one.outcome for one in first.asked] == ["expired"]
    assert [one.passed_over for one in first.nobody[0].candidates] == ["asked_already"]
    assert (second.round, second.asked[0].outcome) == (2, "accepted")


def test_who_comes_beside_the_lead_is_a_search_of_its_own() -> None:
    story = Story()
    story.on_scene(ANNA)
    offer_id = story.helper_offered(BEN)
    story.say(field(BEN), c.Accept(offer_id=offer_id))
    _, helping = told(story)
    assert (helping.round, helping.reason) == (None, "人手不够")
    assert [(one.helper, one.outcome) for one in helping.asked] == [(True, "accepted")]
