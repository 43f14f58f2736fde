"""What people are told about rounds and repairs. Pure. Nothing of it rings but a breach."""

from datetime import datetime
from uuid import UUID, uuid5

from push.message import Audience, Handling, Message, Urgency

SPACE = UUID("6a696561-6e00-7000-8000-000000000013")
"""Name space of these messages: the same matter is told once."""


def rounds(
    about: str, *, to: UUID, key: str, streets: int, devices: int, field: bool, at: datetime,
    exercise: bool,
) -> Message:  # fmt: skip
    """New rounds, rounds that end soon, and rounds that are overdue."""
    title = {
        "inspection_new": "新的巡检任务",
        "inspection_soon": "巡检快到期了",
        "inspection_overdue": "巡检已逾期",
    }[about]
    return _message(
        key=f"{about} {key} {to}",
        title=title,
        body=f"{streets} 条街，还有 {devices} 台设备没有巡检",
        about=about,
        field=field,
        urgency=Urgency.NORMAL,
        ttl_s=86_400,
        at=at,
        exercise=exercise,
    )


def repair(
    about: str, *, to: UUID, repair_id: UUID, address: str, label: str, what: str, field: bool,
    at: datetime, exercise: bool,
) -> Message:  # fmt: skip
    """A repair to the technician, the 20-hour warning, the breach, and the work that is done."""
    title, urgency = {
        "repair_noticed": ("报修：24 小时内提出方案并修好", Urgency.HIGH),
        "repair_warned": ("报修已过 20 小时", Urgency.HIGH),
        "repair_breached": ("报修已超过 24 小时", Urgency.HIGH),
        "repair_done": ("已修好，请复测确认", Urgency.NORMAL),
        "repair_not_good": ("复测不合格，请再修", Urgency.HIGH),
    }[about]
    return _message(
        key=f"{about} {repair_id} {to} {at.isoformat()}",
        title=title,
        body="\n".join(part for part in (f"{address} {label}".strip(), what) if part),
        about=about,
        field=field,
        urgency=urgency,
        ttl_s=86_400,
        at=at,
        exercise=exercise,
    )


def _message(
    *, key: str, title: str, body: str, about: str, field: bool, urgency: Urgency, ttl_s: int,
    at: datetime, exercise: bool,
) -> Message:  # fmt: skip
    return Message(
        id=uuid5(SPACE, key),
        audience=Audience.STAFF if field else Audience.DESK,
        title=title,
        body=body,
        lock_title=title,
        lock_body="",
        urgency=urgency,
        handling=Handling.EXERCISE if exercise else Handling.ACTUAL,
        ttl_s=ttl_s,
        sent_at=at,
        collapse_key=str(uuid5(SPACE, f"{about} {key}")),
        url="/field#inspection" if field else "/desk#inspection",
        data={"kind": "inspection", "about": about},
    )
