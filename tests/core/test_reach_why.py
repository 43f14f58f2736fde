# ruff: noqa: E501 - each story is read in one line, and our letters count twice
"""为什么没收到: one story per cause, and each rung that was not tried says why."""

import ast
import inspect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.reach.flow import why
from backend.reach.flow.door_words import DOORS, answer, span
from backend.reach.flow.why import SKIPPED, Attempt, Facts, Receipt, cause, rungs
from push.ladder import LADDERS
from push.message import Audience, Handling, Urgency
from push.port import Outcome, ReceiptKind

SENT = datetime(2026, 3, 2, 6, tzinfo=UTC)
ALL = frozenset(DOORS)
SENT_OK, RETRY = Outcome.SENT, Outcome.RETRY


def after(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def tried(door: str, outcome: Outcome | None = SENT_OK, code: str = "", at: float = 0) -> Attempt:
    ended = None if outcome is None else after(at + 0.2)
    return Attempt(door=door, at=after(at), ended_at=ended, outcome=outcome, code=code)


def came(kind: ReceiptKind = ReceiptKind.DELIVERED, at: float = 4, door: str = "live") -> Receipt:
    return Receipt(kind=kind, received_at=after(at), door=door)


def offer(**changes: Any) -> Facts:
    """An offer to a person on duty with a phone and a browser, an hour ago, that expired."""
    given: dict[str, Any] = {
        "audience": Audience.STAFF,
        "urgency": Urgency.EMERGENCY,
        "handling": Handling.ACTUAL,
        "sent_at": SENT,
        "expires_at": after(25),
        "ended": "expired",
        "has": ALL,
        "opened": ALL,
        "now": after(3600),
    }
    return Facts(**(given | changes))


NOT_OPEN = tried("live", RETRY, "not-connected")
STORIES: Sequence[tuple[str, Facts, str]] = (
    ("came", offer(attempts=[tried("live")], receipts=[came()]), "已送到手机，还没有人看（打开的应用，用时 4 秒）。"),
    ("came", offer(receipts=[came(), came(ReceiptKind.SEEN, 9)]), "已收到并已看到（打开的应用，用时 4 秒）。"),
    ("came", offer(receipts=[came(), came(ReceiptKind.ACTED, 9)]), "已收到并已答复（打开的应用，用时 4 秒）。"),
    ("came_late", offer(attempts=[tried("webpush")], receipts=[came(at=600, door="push")]), "到得太晚：手机 10 分钟后才收到，消息已经过期。多半是当时没有网络或手机关机。"),
    ("bundled", offer(ended="bundled"), "消息太多，合并在一条清单里告知。"),
    ("withdrawn", offer(ended="withdrawn", attempts=[NOT_OPEN]), "还没有发出就撤回了：事情已经不需要您处理。"),
    ("withdrawn_sent", offer(ended="withdrawn", attempts=[tried("webpush")]), "发出后没等到回执就撤回了：事情已经不需要您处理。"),
    ("unreadable", offer(ended="unreadable"), "系统无法读出这条消息，请通知技术人员。"),
    ("quiet_hours", offer(audience=Audience.RESIDENT, urgency=Urgency.NORMAL, ended=None, expires_at=after(9e4), quiet_until=after(7200), attempts=[NOT_OPEN]), "现在是静默时段，不急的消息早上再发；打开应用就能看到。"),
    ("nobody_works", offer(ended=None, now=after(20)), "还没有开始发送：后台发送程序没有运行，请通知技术人员。"),
    ("climbing", offer(ended=None, now=after(2), attempts=[tried("live")]), "正在发送，还没有回执。"),
    ("nobody_worked", offer(ended="dead"), "直到过期都没有发送：当时后台发送程序没有运行。"),
    ("no_receipt", offer(attempts=[NOT_OPEN, tried("webpush", code="201")]), "已交给网页推送，但手机没有回执：可能关机、没有网络、被系统省电关闭，或通知被关掉。"),
    ("screen_silent", offer(attempts=[tried("live", code="queued")], has=frozenset()), "应用开着，但没有回执：屏幕可能被系统冻结，也没有别的方式可用。"),
    ("no_token", offer(attempts=[NOT_OPEN], has=frozenset()), "应用没有打开，也没有可用的推送地址或号码。请重新上岗并允许通知。"),
    ("off_duty", offer(attempts=[NOT_OPEN], has=frozenset(), off_duty=True), "当时不在岗，应用没有打开。"),
    ("stays_inside", offer(handling=Handling.EXERCISE, attempts=[NOT_OPEN]), "演练和测试消息只送到打开的应用，当时应用没有打开。"),
    ("token_gone", offer(attempts=[NOT_OPEN, tried("webpush", Outcome.FORGET_DEVICE, "410")]), "这部手机的推送地址已失效（卸载、清除数据或换了手机）。请重新上岗登记。"),
    ("breaker_open", offer(attempts=[NOT_OPEN, tried("webpush", RETRY, "breaker-open")]), "网页推送当时连续失败，已暂停使用，也没有别的方式可用。"),
    ("rejected", offer(attempts=[NOT_OPEN, tried("webpush", Outcome.REJECTED, "403")]), "网页推送拒绝了这条消息（密钥不被接受），请通知技术人员。"),
    ("provider_failed", offer(attempts=[NOT_OPEN, tried("sms", RETRY, "timeout")]), "短信没有接收（没有在时限内回应），直到过期也没有成功。"),
)  # fmt: skip


@pytest.mark.parametrize(("code", "facts", "sentence"), STORIES)
def test_the_cause_is_told_in_one_sentence(code: str, facts: Facts, sentence: str) -> None:
    found = cause(facts)
    assert (found.code, found.said.zh) == (code, sentence)
    assert found.said.en.endswith(".")
    assert found.came == (code in {"came", "bundled"})


def test_every_cause_has_its_story() -> None:
    tree = ast.parse(inspect.getsource(why))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    by_no = {c.args[0].value for c in calls if getattr(c.func, "id", "") == "_no" and isinstance(c.args[0], ast.Constant)}  # fmt: skip
    by_cause = {
        word.value.value
        for c in calls
        if getattr(c.func, "id", "") == "Cause"
        for word in c.keywords
        if word.arg == "code" and isinstance(word.value, ast.Constant)
    }
    assert by_no | by_cause == {code for code, _, _ in STORIES}


def skipped(facts: Facts) -> dict[str, str | None]:
    return {rung.door: rung.skipped for rung in rungs(facts)}


def test_rungs_stand_at_their_planned_times() -> None:
    planned = {rung.door: (rung.planned_at - SENT).total_seconds() for rung in rungs(offer())}
    assert planned["live"] == 0
    assert planned["webpush"] == planned["fcm"] == planned["apns"] == 3
    assert planned["voice"] == 8  # 8 s without a receipt: the person is phoned


def test_the_others_are_cancelled_by_the_first_receipt() -> None:
    found = skipped(offer(attempts=[tried("live")], receipts=[came()]))
    assert found["live"] is None
    assert {found[door] for door in ("webpush", "sms", "voice")} == {"cancelled"}


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("no_address", {"has": frozenset()}),
        ("not_opened", {"opened": frozenset({"live"})}),
        ("stays_inside", {"handling": Handling.TEST}),
        ("not_this_way", {"only": frozenset({"live"})}),
        ("withdrawn", {"ended": "withdrawn"}),
        ("expired", {}),
        ("waiting", {"ended": None, "now": after(1)}),
    ],
)
def test_a_rung_that_was_not_tried_says_why(reason: str, changes: dict[str, Any]) -> None:
    assert skipped(offer(attempts=[NOT_OPEN], **changes))["sms"] == reason


def test_quiet_hours_hold_back_what_is_not_urgent() -> None:
    calm = offer(
        audience=Audience.RESIDENT, urgency=Urgency.NORMAL, ended=None, expires_at=after(9e4),
        quiet_until=after(7200),
    )  # fmt: skip
    found = skipped(calm)
    assert found["sms"] == "quiet_hours"
    assert found["live"] == "waiting"  # an open screen is never held back


def test_a_receipt_stands_at_the_way_it_came_by() -> None:
    found = rungs(offer(attempts=[NOT_OPEN, tried("webpush")], receipts=[came(door="push")]))
    assert [rung.door for rung in found if rung.delivered_at] == ["webpush"]


attempts = st.builds(
    tried,
    st.sampled_from(sorted(DOORS)),
    st.sampled_from([None, *Outcome]),
    st.sampled_from(["", "201", "410", "503", "timeout", "breaker-open", "Strange"]),
    st.floats(0, 100),
)
receipts = st.builds(
    came,
    st.sampled_from(ReceiptKind),
    st.floats(0, 9e4),
    st.sampled_from([None, "live", "push", "sms", "voice"]),
)
anything = st.builds(
    offer,
    audience=st.sampled_from(Audience),
    urgency=st.sampled_from(Urgency),
    handling=st.sampled_from(Handling),
    ended=st.sampled_from([None, "expired", "dead", "withdrawn", "received", "given_up"]),
    attempts=st.lists(attempts, max_size=6),
    receipts=st.lists(receipts, max_size=3),
    has=st.frozensets(st.sampled_from(sorted(DOORS))),
    opened=st.frozensets(st.sampled_from(sorted(DOORS))),
    off_duty=st.sampled_from([None, True, False]),
)


@given(anything)
def test_whatever_the_ledger_holds_there_is_a_sentence_and_every_rung_says_itself(
    facts: Facts,
) -> None:
    found = cause(facts)
    assert found.said.zh.endswith("。")
    assert not found.came or facts.receipts or facts.ended == "bundled"
    ways = rungs(facts)
    assert [rung.door for rung in ways] == [
        each.door for each in LADDERS[facts.audience, facts.urgency]
    ]
    for rung in ways:
        assert (rung.skipped is None) == bool(rung.steps)
        assert rung.skipped is None or rung.skipped in SKIPPED
        assert rung.said.zh
        assert rung.said.en


def test_an_unknown_code_of_a_provider_is_shown_behind_our_words() -> None:
    assert answer(RETRY, "Strange").zh == "没有接收，稍后再试（Strange）"
    assert answer(RETRY, "503").zh == "服务商故障（503）"
    assert answer(None, "").zh == "还没有回应"


def test_times_are_in_one_unit() -> None:
    assert [span(s).zh for s in (4, 600, 7200)] == ["4 秒", "10 分钟", "2 小时"]
