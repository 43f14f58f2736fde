"""What is said when communication is tested, when somebody is lost and when they are back. Pure."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from backend.reach.flow.score import Verdict
from backend.staff.schemas import OnDuty
from push.message import Audience, Handling, Message, Urgency

ToLead = Callable[..., Message]
"""``said(message_id, exercise=...)``: the same for each lead, each with an id of its own."""
LOST_TTL_S = 1800


def _handling(exercise: bool) -> Handling:
    """A test of a real phone must leave by real doors, or it would prove nothing about them."""
    return Handling.EXERCISE if exercise else Handling.ACTUAL


def trial(
    message_id: UUID,
    staff_id: UUID,
    *,
    at: datetime,
    open_s: float,
    exercise: bool,
    loud: bool,
    door: str | None,
) -> Message:
    """A communication test, as urgent as an alarm's way: a receipt is the whole answer."""
    return Message(
        id=message_id,
        audience=Audience.STAFF,
        handling=Handling.TEST if exercise else Handling.ACTUAL,
        urgency=Urgency.HIGH,
        title="通信测试",
        body="收到即表示可以通知到您，不用操作",
        lock_title="通信测试",
        lock_body="收到即可，不用操作",
        ttl_s=max(1, round(open_s)),
        collapse_key=f"reach-{staff_id}" + (f"-{door}" if door else ""),
        url="/field",
        data={"kind": "test", "quiet": not loud, **({"door": door} if door else {})},
        sent_at=at,
    )


def lost(person: OnDuty, verdict: Verdict, *, at: datetime) -> ToLead:
    """To the lead: who cannot be reached, why, and what follows."""
    return _to_lead(
        f"联系不上：{person.name}（{person.badge}）",
        f"{verdict.said.zh}。收到回执之前不再派警，请电话联系。",
        "有现场人员联系不上",
        Urgency.HIGH,
        person.person_id,
        at,
    )


def found(person: OnDuty, *, at: datetime) -> ToLead:
    """To the lead: they are back."""
    return _to_lead(
        f"已恢复：{person.name}（{person.badge}）",
        "收到回执，可以派警。",
        "现场人员已恢复联系",
        Urgency.NORMAL,
        person.person_id,
        at,
    )


def _to_lead(
    title: str, body: str, lock_title: str, urgency: Urgency, person_id: UUID, at: datetime
) -> ToLead:
    def said(message_id: UUID, *, exercise: bool) -> Message:
        return Message(
            id=message_id,
            audience=Audience.DESK,
            handling=_handling(exercise),
            urgency=urgency,
            title=title,
            body=body,
            lock_title=lock_title,
            lock_body="打开值班台查看",
            ttl_s=LOST_TTL_S,
            collapse_key=f"unreachable-{person_id}",
            url="/desk",
            data={"kind": "reach", "staffId": str(person_id)},
            sent_at=at,
        )

    return said


def you_are_lost(message_id: UUID, staff_id: UUID, *, at: datetime, exercise: bool) -> Message:
    """To the person, by every way that is left: what to do. Ends with their first receipt."""
    return Message(
        id=message_id,
        audience=Audience.STAFF,
        handling=_handling(exercise),
        urgency=Urgency.HIGH,
        title="您的手机收不到消息",
        body="在收到回执之前不会派警给您。请打开街安，检查网络和通知权限，点“测试一下”；或打电话给值班台。",
        lock_title="您的手机收不到街安的消息",
        lock_body="请打开街安，点“测试一下”",
        ttl_s=LOST_TTL_S,
        collapse_key=f"lost-{staff_id}",
        url="/field",
        data={"kind": "lost"},
        sent_at=at,
    )
