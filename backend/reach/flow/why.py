"""Why a message did not come: what became of each rung, and the cause in one sentence. Pure.

Start at ``cause``. Everything is told from the delivery ledger: what was planned by the ladder,
what each door answered, what came back. Nothing is guessed beyond it, and where only the phone
itself could know more, the sentence says so.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from backend.reach.flow.door_words import DOORS, PUSHES, answer, door_name, span
from backend.reach.flow.score import Said
from push.ladder import LADDERS
from push.message import Audience, Handling, Urgency
from push.port import Outcome, ReceiptKind

LATE_S = 10.0
"""A message that no door has had by then waits for a worker that is not there."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One knock at a door: claimed ``at``, answered ``ended_at``; ``outcome`` None until then."""

    door: str
    at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    code: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt, at the server's time; ``door`` None when it can have been any."""

    kind: ReceiptKind
    received_at: datetime
    door: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One message as the ledger has it.

    Args:
        ended: the ledger's word, None while it climbs.
        only: the only doors by which it may leave; None for those of its ladder.
        has: doors by which this person has an address now.
        opened: doors that this installation has; in an exercise only the open screen.
        quiet_until: UTC; the end of the quiet hours in which it was sent.
        off_duty: they were off duty when it was sent; None where that is not known.
        now: UTC.
    """

    audience: Audience
    urgency: Urgency
    handling: Handling
    sent_at: datetime
    expires_at: datetime
    ended: str | None
    ended_at: datetime | None = None
    attempts: Sequence[Attempt] = ()
    receipts: Sequence[Receipt] = ()
    only: frozenset[str] | None = None
    has: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    quiet_until: datetime | None = None
    off_duty: bool | None = None
    now: datetime


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One knock, with the provider's answer in words."""

    claimed_at: datetime
    answered_at: datetime | None
    outcome: str | None
    said: Said


class Rung(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One way: when it was to be tried at the latest, what was tried, or why it was not.

    ``skipped`` is a code (cancelled, not_this_way, stays_inside, not_opened, no_address,
    withdrawn, expired, quiet_hours, waiting) and None where it was tried.
    """

    door: str
    name: Said
    planned_at: datetime
    steps: tuple[Step, ...]
    delivered_at: datetime | None
    skipped: str | None
    said: Said


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The one sentence; ``came`` is whether the person had it in time."""

    code: str
    came: bool
    said: Said


def rungs(facts: Facts) -> tuple[Rung, ...]:
    """Every way of its ladder in order, tried or not."""
    found: list[Rung] = []
    planned = at = facts.sent_at
    beside = ""
    for each in LADDERS[facts.audience, facts.urgency]:
        if not each.beside or each.beside != beside:
            planned, at = at, at + timedelta(seconds=each.wait_s)
        beside = each.beside
        tried = [one for one in facts.attempts if one.door == each.door]
        steps = tuple(_step(one) for one in tried)
        came = _came_by(facts, each.door)
        skipped = None if tried else _skipped(facts, each.door)
        found.append(
            Rung(
                door=each.door,
                name=door_name(each.door),
                planned_at=planned,
                steps=steps,
                delivered_at=came,
                skipped=skipped,
                said=_delivered(facts, came)
                if came
                else steps[-1].said
                if steps
                else SKIPPED[skipped or ""],
            )
        )
    return tuple(found)


def _delivered(facts: Facts, at: datetime) -> Said:
    took = span((at - facts.sent_at).total_seconds())
    return Said(f"收到回执，用时 {took.zh}", f"Receipt after {took.en}")


def _step(one: Attempt) -> Step:
    return Step(
        claimed_at=one.at,
        answered_at=one.ended_at,
        outcome=one.outcome,
        said=answer(one.outcome, one.code),
    )


def _came_by(facts: Facts, door: str) -> datetime | None:
    names = {door, "push"} if door in PUSHES else {door}
    sent = [each.door for each in facts.attempts if each.outcome is Outcome.SENT]
    for each in sorted(facts.receipts, key=lambda one: one.received_at):
        if each.door in names and (door in sent or each.door == door):
            return each.received_at
    return None


SKIPPED: Mapping[str, Said] = {
    "": Said("", ""),
    "cancelled": Said("已取消：别的方式先收到了回执", "Cancelled: another way had a receipt first"),
    "not_this_way": Said("这条消息不走这种方式", "This message does not go this way"),
    "stays_inside": Said("演练和测试不出本机", "Drills and tests never leave this machine"),
    "not_opened": Said("本单位没有开通", "Not set up here"),
    "no_address": Said("没有登记：没有可用的推送地址或号码", "None registered: no token or number"),
    "withdrawn": Said("轮到之前已撤回", "Withdrawn before its turn"),
    "expired": Said("轮到之前已过期", "Expired before its turn"),
    "quiet_hours": Said("静默时段，等到早上", "Quiet hours: waits for the morning"),
    "waiting": Said("还没有轮到", "Not its turn yet"),
}


def _skipped(facts: Facts, door: str) -> str:
    first = min((each.received_at for each in facts.receipts), default=None)
    if facts.only is not None and door not in facts.only:
        return "not_this_way"
    if facts.handling is not Handling.ACTUAL and door != "live":
        return "stays_inside"
    if door not in facts.opened:
        return "not_opened"
    if door != "live" and door not in facts.has:
        return "no_address"
    if first is not None:
        return "cancelled"
    if facts.ended == "withdrawn":
        return "withdrawn"
    if facts.ended is not None or facts.now >= facts.expires_at:
        return "expired"
    if facts.quiet_until is not None and facts.urgency is Urgency.NORMAL and door != "live":
        return "quiet_hours"
    return "waiting"


def cause(facts: Facts) -> Cause:
    """Why it did not come, or that it did, in one sentence."""
    if facts.receipts:
        return _came(facts)
    for code, found in (
        ("bundled", _bundled),
        ("withdrawn", _withdrawn),
        ("unreadable", _unreadable),
    ):
        if facts.ended == code:
            return found(facts)
    if facts.ended is None and facts.now < facts.expires_at:
        return _climbing(facts)
    return _failed(facts)


def _no(code: str, zh: str, en: str) -> Cause:
    return Cause(code=code, came=False, said=Said(zh, en))


def _came(facts: Facts) -> Cause:
    first = min(facts.receipts, key=lambda each: each.received_at)
    by = DOORS.get(
        first.door or "",
        Said(
            "推送" if first.door == "push" else "手机",
            "push" if first.door == "push" else "the phone",
        ),
    )
    took = span((first.received_at - facts.sent_at).total_seconds())
    kinds = {each.kind for each in facts.receipts}
    if first.received_at > facts.expires_at:
        return _no(
            "came_late",
            f"到得太晚：手机 {took.zh}后才收到，消息已经过期。多半是当时没有网络或手机关机。",
            f"It came too late: the phone had it after {took.en}, when it had expired. Most likely it had no network or was off.",  # noqa: E501
        )
    if ReceiptKind.ACTED in kinds:
        word, en = "已收到并已答复", "Received and answered"
    elif ReceiptKind.SEEN in kinds:
        word, en = "已收到并已看到", "Received and seen"
    else:
        word, en = "已送到手机，还没有人看", "On the phone, not looked at yet"
    return Cause(
        code="came",
        came=True,
        said=Said(f"{word}（{by.zh}，用时 {took.zh}）。", f"{en} ({by.en}, after {took.en})."),
    )


def _bundled(_facts: Facts) -> Cause:
    return Cause(
        code="bundled",
        came=True,
        said=Said(
            "消息太多，合并在一条清单里告知。",
            "Told in one list with others, because there were many.",
        ),
    )


def _withdrawn(facts: Facts) -> Cause:
    knocked = any(each.outcome is Outcome.SENT for each in facts.attempts)
    if knocked:
        return _no(
            "withdrawn_sent",
            "发出后没等到回执就撤回了：事情已经不需要您处理。",
            "Withdrawn before a receipt came: it no longer needed you.",
        )
    return _no(
        "withdrawn",
        "还没有发出就撤回了：事情已经不需要您处理。",
        "Withdrawn before it left: it no longer needed you.",
    )


def _unreadable(_facts: Facts) -> Cause:
    return _no(
        "unreadable",
        "系统无法读出这条消息，请通知技术人员。",
        "The platform could not read this message; tell the technician.",
    )


def _climbing(facts: Facts) -> Cause:
    waited_s = (facts.now - facts.sent_at).total_seconds()
    quiet = facts.quiet_until is not None and facts.urgency is Urgency.NORMAL
    if quiet and not any(each.outcome is Outcome.SENT for each in facts.attempts):
        return _no(
            "quiet_hours",
            "现在是静默时段，不急的消息早上再发；打开应用就能看到。",
            "Quiet hours: what is not urgent goes out in the morning; the open app shows it now.",
        )
    if not facts.attempts and waited_s >= LATE_S:
        return _no(
            "nobody_works",
            "还没有开始发送：后台发送程序没有运行，请通知技术人员。",
            "Sending has not begun: the worker is not running; tell the technician.",
        )
    return _no("climbing", "正在发送，还没有回执。", "Being sent; no receipt yet.")


def _failed(facts: Facts) -> Cause:
    beyond = [each for each in facts.attempts if each.door != "live"]
    sent = [each for each in facts.attempts if each.outcome is Outcome.SENT]
    if not facts.attempts:
        return _no(
            "nobody_worked",
            "直到过期都没有发送：当时后台发送程序没有运行。",
            "It was never sent before it expired: the worker was not running then.",
        )
    away = [each for each in sent if each.door != "live"]
    if away:
        name = door_name(away[-1].door)
        return _no(
            "no_receipt",
            f"已交给{name.zh}，但手机没有回执：可能关机、没有网络、被系统省电关闭，或通知被关掉。",
            f"Handed to {name.en}, but the phone gave no receipt: it may be off, without network, stopped to save power, or notifications are off.",  # noqa: E501
        )
    if sent:
        return _no(
            "screen_silent",
            "应用开着，但没有回执：屏幕可能被系统冻结，也没有别的方式可用。",
            "The app was open but gave no receipt: it may have been frozen, and no other way was there.",  # noqa: E501
        )
    return _refused(beyond) if beyond else _no_way(facts)


def _no_way(facts: Facts) -> Cause:
    if facts.handling is not Handling.ACTUAL:
        return _no(
            "stays_inside",
            "演练和测试消息只送到打开的应用，当时应用没有打开。",
            "Drills and tests go to open screens only, and the app was not open.",
        )
    if facts.off_duty:
        return _no(
            "off_duty",
            "当时不在岗，应用没有打开。",
            "Off duty at that time, and the app was not open.",
        )
    return _no(
        "no_token",
        "应用没有打开，也没有可用的推送地址或号码。请重新上岗并允许通知。",
        "The app was not open, and there is no token or number. Go on duty again and allow notifications.",  # noqa: E501
    )


def _refused(beyond: Sequence[Attempt]) -> Cause:
    outcomes = [each.outcome for each in beyond]
    last = beyond[-1]
    name = door_name(last.door)
    if Outcome.FORGET_DEVICE in outcomes and Outcome.RETRY not in outcomes:
        return _no(
            "token_gone",
            "这部手机的推送地址已失效（卸载、清除数据或换了手机）。请重新上岗登记。",
            "This phone's push address is dead (app removed, data cleared or another phone). Go on duty again to register.",  # noqa: E501
        )
    if all(each.code == "breaker-open" for each in beyond):
        return _no(
            "breaker_open",
            f"{name.zh}当时连续失败，已暂停使用，也没有别的方式可用。",
            f"{name.en} had kept failing and was left alone, and no other way was there.",
        )
    words = answer(last.outcome, last.code)
    if last.outcome is Outcome.REJECTED:
        return _no(
            "rejected",
            f"{name.zh}拒绝了这条消息（{words.zh}），请通知技术人员。",
            f"{name.en} refused this message ({words.en}); tell the technician.",
        )
    return _no(
        "provider_failed",
        f"{name.zh}没有接收（{words.zh}），直到过期也没有成功。",
        f"{name.en} did not take it ({words.en}) until it expired.",
    )
