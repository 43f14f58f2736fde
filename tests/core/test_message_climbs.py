"""Any history of one message: crashes, answers, full and failing providers, the night.

The claim and what is written after it are played without a database, around the product's own
``plan``; the same with two real carriers on PostgreSQL is in ``test_messages_carrier``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backend.messages.jobs import TELLING, Doors, Job, Quiet
from backend.messages.outbox import lane_of
from backend.messages.plans import Known, plan
from push.lanes import Lanes
from push.message import Audience, Handling, Message, Urgency
from push.port import Outcome, Reach, ReceiptKind

MIDNIGHT = datetime(2025, 6, 1, 0, 30, tzinfo=UTC)
NIGHT = Quiet(zone=ZoneInfo("UTC"), from_hour=22, to_hour=7)
HOME = "household:1"
LEASE = timedelta(seconds=14)
REACHES = {
    "live": Reach.LOOPBACK,
    "webpush": Reach.INTERNET,
    "sms": Reach.INTERNET,
    "voice": Reach.INTERNET,
}
DEVICE = {"id": UUID(int=9), "door": "webpush", "endpoint": "https://a.example", "p256dh": "B",
          "auth": "A"}  # fmt: skip


class Climbing:
    """One message in one outbox, worked by a process that may die."""

    def __init__(self, urgency: Urgency, audience: Audience, *, quiet: Quiet | None) -> None:
        self.message = Message(
            id=UUID(int=7),
            audience=audience,
            handling=Handling.ACTUAL,
            urgency=urgency,
            title="t",
            body="b",
            lock_title="t",
            lock_body="",
            ttl_s=600,
            sent_at=MIDNIGHT,
        )
        self.lanes = Lanes(most=2, kept=1)
        self.quiet, self.online = quiet, False
        self.now = MIDNIGHT
        self.next_at: datetime | None = MIDNIGHT
        self.ended: str | None = None
        self.told = False
        self.attempts: list[dict[str, Any]] = []
        self.flying: Job | None = None
        self.handed: list[tuple[str, datetime]] = []

    def step(self) -> None:
        """Claim while it is due, as the carrier's loop does."""
        for _ in range(20):
            if self.flying is not None or self.next_at is None or self.next_at > self.now:
                return
            for attempt in self.attempts:
                if attempt["outcome"] is None:
                    attempt |= {"outcome": "retry", "code": "lost"}
            self._claim()
        raise AssertionError("it is claimed again and again")

    def _claim(self) -> None:
        row = {
            "id": self.message.id,
            "address": HOME,
            "body": msgspec.json.encode(self.message),
            "incident_id": None,
            "told_person": self.told,
            "lane": lane_of(self.message),
            "only_doors": None,
        }
        known = Known(
            attempts={self.message.id: cast("Any", self.attempts)},
            devices={HOME: cast("Any", [DEVICE])},
            elsewhere={},
            ways={HOME: {"sms": "1", "voice": "1"}},
        )
        doors = Doors(
            reaches=REACHES,
            leases=dict.fromkeys((*REACHES, TELLING), LEASE),
            lanes=self.lanes,
            node=UUID(int=1),
            connected=lambda _: self.online,
            quiet=self.quiet,
        )
        planned = plan(cast("Any", row), known, self.now, doors)
        assert (planned.next_at is None) == (planned.ended is not None)
        self.next_at, self.ended = planned.next_at, planned.ended
        if planned.nobody_here:
            self._attempt("live", "retry")
        if (job := planned.job) is None:
            return
        if job.door is None:
            self.told, self.next_at = True, self.now
            return
        self.told |= job.tell
        self._attempt(job.door, None)
        self.handed.append((job.door, self.now))
        self.flying = job

    def _attempt(self, door: str, outcome: str | None) -> None:
        self.attempts.append(
            {"door": door, "at": self.now, "outcome": outcome, "code": "", "retry_after_s": None}
        )

    def answers(self, outcome: Outcome) -> None:
        """The door that has it comes back."""
        if self.flying is None:
            return
        job, self.flying = self.flying, None
        for place in job.places:
            self.lanes.give(place)
        self.attempts[-1]["outcome"] = outcome.value
        if self.next_at is not None:
            taken = outcome is Outcome.SENT and job.rest_until is not None
            self.next_at = job.rest_until if taken else self.now

    def dies(self) -> None:
        """The process is killed, its places with it; another one goes on after the lease."""
        self.flying = None
        self.lanes = Lanes(most=2, kept=1)

    def acknowledged(self) -> None:
        if self.next_at is not None:
            self.next_at, self.ended = None, ReceiptKind.ACTED.value


HAPPENINGS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 5.0, 15.0, 60.0])),
    st.tuples(st.just("answer"), st.sampled_from(list(Outcome))),
    st.tuples(st.just("die"), st.none()),
    st.tuples(st.just("fill"), st.sampled_from(["webpush:a.example", "sms", "voice"])),
    st.tuples(st.just("empty"), st.none()),
    st.tuples(st.just("screen"), st.booleans()),
)
HISTORY = st.lists(HAPPENINGS, max_size=30)


def play(one: Climbing, history: list[tuple[str, Any]]) -> None:
    one.step()
    for what, how in history:
        match what:
            case "wait":
                one.now += timedelta(seconds=how)
            case "answer":
                one.answers(how)
            case "die":
                one.dies()
            case "fill":
                one.lanes.take(how, alarm=True)
            case "empty" if one.flying is None:
                one.lanes = Lanes(most=2, kept=1)
            case "screen":
                one.online = how
        one.step()


def in_good_hands(one: Climbing) -> None:
    """From now on nothing fails, until it is over."""
    one.answers(Outcome.SENT)
    one.lanes = Lanes(most=2, kept=1)
    while one.ended is None:
        one.step()
        one.answers(Outcome.SENT)
        one.now += timedelta(seconds=1)


WHO = st.sampled_from([Audience.RESIDENT, Audience.STAFF])


@given(HISTORY, st.sampled_from(list(Urgency)), WHO)
def test_a_message_is_handed_over_or_dead_and_nothing_between_whatever_happens(
    history: list[tuple[str, Any]], urgency: Urgency, who: Audience
) -> None:
    one = Climbing(urgency, who, quiet=None)
    play(one, history)
    early = one.now - MIDNIGHT < timedelta(seconds=500)
    refused = {"rejected", "forget_device"} & {str(a["outcome"]) for a in one.attempts}
    in_good_hands(one)
    taken = any(attempt["outcome"] == "sent" for attempt in one.attempts)
    assert one.ended == ("expired" if taken else "dead")
    assert taken or refused or not early, "there was time, and nothing failed any more"


@given(HISTORY, st.sampled_from(list(Urgency)), WHO)
def test_a_door_has_a_message_twice_only_when_a_process_died_or_it_said_no(
    history: list[tuple[str, Any]], urgency: Urgency, who: Audience
) -> None:
    one = Climbing(urgency, who, quiet=None)
    play(one, history)
    in_good_hands(one)
    for door in REACHES:
        outcomes = [a["outcome"] for a in one.attempts if a["door"] == door]
        assert all(outcome == "retry" for outcome in outcomes[:-1]), (door, outcomes)


@given(HISTORY, HISTORY, st.sampled_from(list(Urgency)), WHO)
def test_after_an_answer_is_kept_nobody_is_rung_again(
    before: list[tuple[str, Any]],
    later: list[tuple[str, Any]],
    urgency: Urgency,
    who: Audience,
) -> None:
    one = Climbing(urgency, who, quiet=None)
    play(one, before)
    one.acknowledged()
    handed = list(one.handed)
    play(one, later)
    assert one.handed == handed


@given(HISTORY, st.sampled_from([Urgency.EMERGENCY, Urgency.HIGH]), WHO)
def test_the_night_changes_nothing_for_what_is_urgent(
    history: list[tuple[str, Any]], urgency: Urgency, who: Audience
) -> None:
    by_night, by_day = (Climbing(urgency, who, quiet=quiet) for quiet in (NIGHT, None))
    for one in (by_night, by_day):
        play(one, history)
        in_good_hands(one)
    assert by_night.handed == by_day.handed


@given(HISTORY)
def test_small_news_leaves_no_house_by_night(history: list[tuple[str, Any]]) -> None:
    one = Climbing(Urgency.NORMAL, Audience.RESIDENT, quiet=NIGHT)
    play(one, history)
    in_good_hands(one)
    assert {door for door, _ in one.handed} <= {"live"}
