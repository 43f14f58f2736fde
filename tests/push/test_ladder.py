from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.ladder import (
    LADDERS,
    Attempt,
    Climb,
    Ending,
    Facts,
    Step,
    Stop,
    TellAPerson,
    Try,
    Wait,
    decide_next,
)
from push.message import Audience, Handling, Urgency
from push.port import Outcome, Reach, ReceiptKind
from tests.push.world import NOON

DOORS = {"live": Reach.LOOPBACK, "webpush": Reach.INTERNET}
OFFER = Climb(
    audience=Audience.STAFF,
    urgency=Urgency.EMERGENCY,
    handling=Handling.ACTUAL,
    sent_at=NOON,
    ttl_s=25,
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def tried(climb: Climb, *attempts: Attempt) -> Climb:
    return msgspec.structs.replace(climb, attempts=(*climb.attempts, *attempts))


def sent(door: str, seconds: float) -> Attempt:
    return Attempt(door, at(seconds), Outcome.SENT)


def after(climb: Climb, seconds: float, *receipts: ReceiptKind, told: bool = False) -> object:
    facts = Facts(doors=DOORS, receipts=frozenset(receipts), person_told=told)
    return decide_next(climb, at(seconds), facts)


def test_an_offer_first_goes_to_the_open_screen() -> None:
    assert after(OFFER, 0) == (Try("live"),)


def test_without_a_receipt_in_3_s_it_goes_out_as_web_push() -> None:
    climb = tried(OFFER, sent("live", 0))
    assert after(climb, 2.9) == (Wait(at(3)),)
    assert after(climb, 3) == (Try("webpush"),)


def test_without_any_receipt_in_8_s_a_person_is_told_once() -> None:
    climb = tried(OFFER, sent("live", 0), sent("webpush", 3))
    assert after(climb, 7.9) == (Wait(at(8)),)
    assert after(climb, 8) == (TellAPerson(), Wait(at(25)))
    assert after(climb, 8, told=True) == (Wait(at(25)),)


def test_a_delivered_receipt_keeps_it_on_its_rung() -> None:
    climb = tried(OFFER, sent("live", 0))
    assert after(climb, 20, ReceiptKind.DELIVERED) == (Wait(at(25)),)


def test_sent_alone_never_counts_as_delivered() -> None:
    climb = tried(OFFER, sent("live", 0))
    assert after(climb, 3) == (Try("webpush"),)


@pytest.mark.parametrize("seconds", [0, 3, 8, 24.9, 60])
def test_an_acknowledgement_stops_it_at_any_time(seconds: float) -> None:
    climb = tried(OFFER, sent("live", 0))
    assert after(climb, seconds, ReceiptKind.ACTED) == (Stop(Ending.ACKNOWLEDGED),)


def test_when_its_time_is_over_it_stops() -> None:
    assert after(OFFER, 25) == (Stop(Ending.EXPIRED),)
    assert after(tried(OFFER, sent("live", 0)), 25, ReceiptKind.SEEN) == (Stop(Ending.EXPIRED),)


@pytest.mark.parametrize("outcome", [Outcome.RETRY, Outcome.FORGET_DEVICE, Outcome.REJECTED])
def test_a_door_that_says_no_costs_no_waiting(outcome: Outcome) -> None:
    climb = tried(OFFER, Attempt("live", at(0), outcome))
    assert after(climb, 0.1) == (Try("webpush"),)


def test_a_busy_door_is_asked_again_at_the_time_it_named() -> None:
    climb = tried(
        OFFER,
        Attempt("live", at(0), Outcome.REJECTED),
        Attempt("webpush", at(0), Outcome.RETRY, retry_after_s=6),
    )
    assert after(climb, 1) == (TellAPerson(), Wait(at(6)))
    assert after(climb, 6, told=True) == (Try("webpush"),)


def test_a_screen_that_connects_again_gets_the_message_although_web_push_took_it() -> None:
    climb = tried(OFFER, Attempt("live", at(0), Outcome.RETRY), sent("webpush", 0))
    assert after(climb, 1) == (Wait(at(2)),)
    assert after(climb, 2) == (Try("live"),)
    again = tried(climb, Attempt("live", at(2), Outcome.RETRY))
    assert after(again, 3) == (Wait(at(5)),)
    assert after(again, 5) == (TellAPerson(), Wait(at(6)))


def test_somebody_without_any_address_is_a_person_s_work_at_once() -> None:
    assert decide_next(OFFER, at(0), Facts(doors={})) == (TellAPerson(), Wait(at(25)))


def test_an_attempt_that_a_crash_cut_short_does_not_hold_the_ladder() -> None:
    climb = tried(OFFER, Attempt("live", at(0), None))
    assert after(climb, 3) == (Try("webpush"),)


def test_every_audience_has_a_ladder_for_every_urgency() -> None:
    assert set(LADDERS) == {(a, u) for a in Audience for u in Urgency}


EVERY = {
    **dict.fromkeys(("webpush", "fcm", "apns", "sms", "voice", "family", "rooms"), Reach.INTERNET),
    "live": Reach.LOOPBACK,
}


def climbed(
    audience: Audience, urgency: Urgency, seconds: int, doors: dict[str, Reach] = EVERY
) -> tuple[list[tuple[str, int]], list[int]]:
    """(door, second) of every try, and the seconds at which a person is told, unanswered."""
    climb = Climb(
        audience=audience, urgency=urgency, handling=Handling.ACTUAL, sent_at=NOON, ttl_s=seconds
    )
    tries: list[tuple[str, int]] = []
    told: list[int] = []
    for second in range(seconds):
        while True:
            facts = Facts(doors=doors, person_told=bool(told))
            steps = decide_next(climb, at(second), facts)
            told += [second for step in steps if isinstance(step, TellAPerson)]
            knocks = [step.door for step in steps if isinstance(step, Try)]
            if not knocks:
                break
            tries.append((knocks[0], second))
            climb = tried(climb, sent(knocks[0], second))
    return tries, told


def test_an_emergency_to_staff_rings_within_8_s_and_a_person_hears_before_the_offer_ends() -> None:
    tries, told = climbed(Audience.STAFF, Urgency.EMERGENCY, 25)
    assert tries == [
        ("live", 0),
        ("webpush", 3),
        ("fcm", 3),
        ("apns", 3),
        ("sms", 8),
        ("voice", 8),
    ]
    assert told == [20]


def test_without_telephones_a_person_is_told_at_8_s() -> None:
    assert climbed(Audience.STAFF, Urgency.EMERGENCY, 25, DOORS)[1] == [8]


def test_the_floor_for_residents_is_a_voice_and_for_offices_a_room_is_never_the_last() -> None:
    doors = [door for door, _ in climbed(Audience.RESIDENT, Urgency.EMERGENCY, 300)[0]]
    assert doors == ["live", "webpush", "fcm", "apns", "sms", "voice", "family"]
    for (audience, urgency), ladder in LADDERS.items():
        names = [rung.door for rung in ladder]
        assert names[0] == "live"
        assert names != ["rooms"]
        if audience is Audience.RESIDENT and urgency is not Urgency.NORMAL:
            assert names[-2:] == ["voice", "family"]
        if "rooms" in names and urgency is not Urgency.NORMAL:
            assert names[-1] == "voice"


def test_at_night_what_is_not_urgent_waits_and_an_alarm_does_not() -> None:
    night = Facts(doors=EVERY, quiet_until=at(600))
    for urgency in Urgency:
        climb = Climb(
            audience=Audience.RESIDENT,
            urgency=urgency,
            handling=Handling.ACTUAL,
            sent_at=NOON,
            ttl_s=3600,
            attempts=(sent("live", 0),),
        )
        quiet = urgency is Urgency.NORMAL
        assert decide_next(climb, at(60), night) == (
            (Wait(at(600)),) if quiet else (Try("webpush"),)
        )
        assert decide_next(climb, at(600), night) == (Try("webpush"),)


attempts = st.lists(
    st.builds(
        Attempt,
        door=st.sampled_from(["live", "webpush"]),
        at=st.floats(0, 100).map(at),
        outcome=st.none() | st.sampled_from(Outcome),
        retry_after_s=st.none() | st.floats(0, 100),
    ),
    max_size=6,
).map(lambda tries: tuple(sorted(tries, key=lambda a: a.at)))


@given(
    audience=st.sampled_from(Audience),
    urgency=st.sampled_from(Urgency),
    handling=st.sampled_from([Handling.EXERCISE, Handling.TEST]),
    attempts=attempts,
    seconds=st.floats(0, 200),
)
def test_an_exercise_never_leaves_by_a_door_to_the_internet(
    audience: Audience,
    urgency: Urgency,
    handling: Handling,
    attempts: tuple[Attempt, ...],
    seconds: float,
) -> None:
    climb = Climb(
        audience=audience,
        urgency=urgency,
        handling=handling,
        sent_at=NOON,
        ttl_s=120,
        attempts=attempts,
    )
    assert Try("webpush") not in decide_next(climb, at(seconds), Facts(doors=DOORS))


@given(attempts=attempts, seconds=st.floats(0, 200), told=st.booleans())
def test_every_answer_leads_on_waiting_always_ends_later_and_never_past_the_end(
    attempts: tuple[Attempt, ...], seconds: float, told: bool
) -> None:
    now = at(seconds)
    climb = msgspec.structs.replace(OFFER, ttl_s=120, attempts=attempts)
    steps: tuple[Step, ...] = decide_next(climb, now, Facts(doors=DOORS, person_told=told))
    assert steps
    assert isinstance(steps[-1], Try | Wait | Stop)
    if isinstance(steps[-1], Wait):
        assert now < steps[-1].until <= at(120)
