"""One device on one round: six items, photographs, the test, and what becomes of the bad ones."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.inspection.flow import check as c
from backend.inspection.flow.refused import Refused

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ZHOU = UUID(int=1)
POLICY = c.Policy()
LETTERS = dict(zip("abcdef", c.ITEMS, strict=True))


class Round:
    """A check that steps are taken on, a minute apart."""

    def __init__(self) -> None:
        self.now, self.at, self.events = c.Check(), AT, list[c.Event]()

    def step(self, said: c.Said, **more: object) -> c.Step:
        self.at += timedelta(minutes=1)
        facts = {"command_id": uuid4(), "at": self.at, "by": ZHOU, "by_name": "周建国", **more}
        return c.Step(said=said, **facts)  # type: ignore[arg-type]

    def take(self, said: c.Said, **more: object) -> None:
        for event in c.decide(self.now, self.step(said, **more), POLICY):
            self.now = c.evolve(self.now, event, POLICY)
            self.events.append(event)

    def refused(self, said: c.Said, **more: object) -> Refused:
        with pytest.raises(Refused) as why:
            self.take(said, **more)
        assert why.value.words()
        return why.value

    def item(self, item: str, result: c.Result = "ok", note: str = "", **more: object) -> None:
        self.take(c.Answer(item=item, result=result, note=note), **more)  # type: ignore[arg-type]

    def photo(self, about: str = "whole") -> None:
        self.take(c.Picture(sha256="a" * 64, taken_at=self.at, about=about))  # type: ignore[arg-type]

    def all_good(self, *, but: str = "") -> None:
        for item in c.ITEMS:
            if item != but:
                self.item(item)
        self.photo()
        self.take(c.Test())

    def close(self, **more: object) -> None:
        self.take(c.Close(), **{"signal_at": self.at, **more})


@pytest.mark.parametrize(
    "letter",
    [pytest.param(each, marks=pytest.mark.clause(f"5.1.2.1-{each}")) for each in "abcdef"],
)
def test_no_device_is_closed_while_one_of_the_six_is_missing(letter: str) -> None:
    one = Round()
    one.all_good(but=LETTERS[letter])
    no = one.refused(c.Close(), signal_at=one.at)
    assert (no.code, no.missing) == ("inspection_items", (LETTERS[letter],))
    one.item(LETTERS[letter])
    one.close()
    assert one.now.state == "done"
    assert set(one.now.items) == set(c.ITEMS)


def test_a_device_is_closed_with_a_photograph_of_it_only() -> None:
    one = Round()
    for item in c.ITEMS:
        one.item(item)
    one.take(c.Test())
    assert one.refused(c.Close(), signal_at=one.at).code == "inspection_photo"
    one.photo()
    one.close()
    assert one.now.state == "done"


def test_what_is_bad_is_photographed_and_dealt_with_before_the_end() -> None:
    one = Round()
    one.all_good()
    one.item("wiring", "bad", "线皮破损")
    assert one.refused(c.Close(), signal_at=one.at).missing == ("wiring",)
    one.photo("wiring")
    no = one.refused(c.Close(), signal_at=one.at)
    assert (no.code, no.missing) == ("inspection_owed", ("wiring",))
    one.take(c.HandOver(what="要换线"))
    one.close()
    assert one.now.state == "done"
    assert one.now.was_bad == ("wiring",)
    assert one.refused(c.HandOver()).code == "inspection_done"


@pytest.mark.clause("5.1.2.2-a")
@given(st.sampled_from(c.ITEMS))
def test_a_bad_item_is_a_fault_at_once_and_once(item: str) -> None:
    one = Round()
    one.item(item, "bad")
    one.item(item, "bad", "补充说明")
    faults = [e.fact for e in one.events if isinstance(e.fact, c.FaultOpened)]
    assert faults == [c.FaultOpened(item=item)]  # type: ignore[arg-type]


def test_a_repair_on_the_spot_wants_a_picture_after_it_and_a_test_after_it() -> None:
    one = Round()
    one.all_good()
    one.item("fixed", "bad", "松动")
    one.photo("fixed")
    one.take(c.Repair(what="重新打胶固定"))
    assert one.refused(c.Close(), signal_at=one.at).missing == ("after",)
    one.photo("after")
    assert one.refused(c.Close(), signal_at=one.at).code == "inspection_test"
    one.take(c.Test())
    one.close()
    assert one.now.state == "done"
    assert one.now.was_bad == ("fixed",)
    assert one.now.repaired == "重新打胶固定"


@pytest.mark.clause("5.1.2.1-d")
@pytest.mark.parametrize(
    ("after_min", "taken"), [(0.0, True), (10.0, True), (10.02, False), (-0.02, False)]
)
def test_it_works_when_the_platform_saw_its_test_within_ten_minutes(
    after_min: float, taken: bool
) -> None:
    one = Round()
    one.all_good()
    seen = one.at + timedelta(minutes=after_min)
    if taken:
        one.close(signal_at=seen)
        assert one.now.proved_at == seen
    else:
        assert one.refused(c.Close(), signal_at=seen).code == "inspection_no_signal"
        assert one.refused(c.Close()).code == "inspection_no_signal"


def test_it_works_is_nobodys_word_without_a_test() -> None:
    one = Round()
    for item in c.ITEMS:
        one.item(item)
    one.photo()
    assert one.refused(c.Close(), signal_at=one.at).code == "inspection_test"


@pytest.mark.clause("5.1.2.1-e")
@pytest.mark.parametrize(
    ("m", "accuracy_m", "question"),
    [(30.0, 0.0, False), (30.1, 0.0, True), (80.0, 60.0, False), (95.0, 60.0, True),
     (None, None, False)],
)  # fmt: skip
def test_a_place_over_thirty_metres_off_is_asked_about_as_far_as_the_fix_can_tell(
    m: float | None, accuracy_m: float | None, question: bool
) -> None:
    one = Round()
    one.all_good(but="place")
    one.item("place", m=m, accuracy_m=accuracy_m)
    if question:
        no = one.refused(c.Close(), signal_at=one.at)
        assert (no.code, no.facts) == ("inspection_place", {"m": round(m or 0)})
        one.item("place", note="登记坐标有误", m=m, accuracy_m=accuracy_m)
    one.close()
    assert one.now.state == "done"


def test_not_applicable_says_why() -> None:
    one = Round()
    assert one.refused(c.Answer(item="battery", result="na")).missing == ("battery",)
    one.item("battery", "na", "市电供电，没有电池")
    assert one.now.items["battery"].result == "na"


STEPS = st.lists(
    st.one_of(
        st.builds(c.Answer, item=st.sampled_from(c.ITEMS), result=st.sampled_from(["ok", "bad"])),
        st.builds(c.Picture, sha256=st.just("b" * 64), taken_at=st.just(AT),
                  about=st.sampled_from([*c.ITEMS, "whole", "after"])),
        st.sampled_from([c.Test(), c.Repair(what="紧固"), c.HandOver(), c.Close(), c.Begin()]),
    ),
    max_size=30,
)  # fmt: skip


@given(STEPS)
def test_whatever_is_said_a_closed_check_has_all_that_it_needs_and_replays_the_same(
    said: list[c.Said],
) -> None:
    one = Round()
    for each in said:
        step = one.step(each, signal_at=one.at)
        try:
            events = c.decide(one.now, step, POLICY)
        except Refused as why:
            why.words()
            continue
        for event in events:
            one.now = c.evolve(one.now, event, POLICY)
        one.events += events
        assert c.decide(one.now, step, POLICY) == ()
    assert c.replay(one.events, POLICY) == one.now
    if one.now.state == "done":
        assert set(one.now.items) == set(c.ITEMS)
        assert one.now.photos
        assert not one.now.bad or one.now.handed is not None or one.now.repaired is not None
