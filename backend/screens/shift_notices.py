"""What people are told about the roster. Pure. Nothing of it rings: an alarm has its own words,
except a gap that is there now."""

from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from backend.staff.flow.coverage import Gap
from backend.staff.flow.shifts import Shift
from push.message import Audience, Handling, Message, Urgency

SPACE = UUID("6a696561-6e00-7000-8000-000000000005")
"""Name space of the roster's messages: the same matter is told once."""
ZONE = ZoneInfo("Asia/Shanghai")
KINDS = {"desk": "内勤", "field": "现场"}
WEEKDAYS = "一二三四五六日"


def span(from_at: datetime, until_at: datetime) -> str:
    """``11月22日（周日）20:00–次日 08:00``, in local time."""
    begins, ends = from_at.astimezone(ZONE), until_at.astimezone(ZONE)
    day = f"{begins.month}月{begins.day}日（周{WEEKDAYS[begins.weekday()]}）"
    days = (ends.date() - begins.date()).days
    until = {0: "", 1: "次日 "}.get(days, f"{ends.month}月{ends.day}日 ")
    return f"{day}{begins:%H:%M}–{until}{ends:%H:%M}"


def gap(found: Gap, *, to: UUID, now: bool, at: datetime, exercise: bool) -> Message:
    """A gap to come, for the manager, or one that is there, for the desk lead."""
    short = f"{found.area}{KINDS[found.kind]}"
    key = f"gap {found.area_id} {found.kind} {found.from_at.isoformat()} {now}"
    return _message(
        id=uuid5(SPACE, f"{key} {to}"),
        title=f"{'现在缺岗' if now else '排班将缺岗'}：{short}",
        body=f"{span(found.from_at, found.until_at)}，应有 {found.need} 人，排了 {found.have} 人",
        lock_title="现在缺岗，请安排人员" if now else "排班将缺岗",
        audience=Audience.DESK,
        urgency=Urgency.HIGH if now else Urgency.NORMAL,
        ttl_s=3600 if now else 86_400,
        collapse_key=f"gap-{uuid5(SPACE, key)}",
        about="roster_gap_now" if now else "roster_gap",
        url="/desk#roster",
        at=at,
        exercise=exercise,
    )


def shift_over(
    person: UUID, no: str, *, at: datetime, over_at: datetime, exercise: bool
) -> Message:
    """To whoever leads an incident after their shift; the desk is reminded by the journal."""
    return _message(
        id=uuid5(SPACE, f"over {person} {over_at.isoformat()} {no}"),
        title="您的班次已结束",
        body=f"警情 {no} 还由您负责：可以继续到结束，或请值班台换人。",
        lock_title="班次已结束，警情未结束",
        audience=Audience.STAFF,
        urgency=Urgency.HIGH,
        ttl_s=3600,
        collapse_key=f"over-{person}",
        about="shift_over",
        url="/field",
        at=at,
        exercise=exercise,
    )


WORDS = {
    "asked": ("{name}想和您换班", "请到“我的班次”答复"),
    "accepted": ("{name}同意换班", "等待批准"),
    "declined": ("{name}不换班", "班次不变"),
    "withdrawn": ("{name}撤回了换班", "班次不变"),
    "done": ("换班已生效", "请看“我的班次”"),
    "refused": ("换班没有批准", "班次不变"),
    "expired": ("换班过期了", "班次不变"),
}


def swap(
    swap_id: UUID, stand: str, mine: Shift, *, to: UUID, name: str, why: str, at: datetime,
    exercise: bool,
) -> Message:  # fmt: skip
    """What became of a swap, to one of the two."""
    title, then = WORDS[stand]
    body = f"{span(mine.from_at, mine.until_at)}。{then}" + (f"（{why}）" if why else "")
    return _message(
        id=uuid5(SPACE, f"swap {swap_id} {stand} {to}"),
        title=title.format(name=name),
        body=body,
        lock_title="换班",
        audience=Audience.STAFF,
        urgency=Urgency.NORMAL,
        ttl_s=86_400,
        collapse_key=f"swap-{swap_id}",
        about="swap",
        url="/field#shifts",
        at=at,
        exercise=exercise,
    )


def swap_waits(swap_id: UUID, names: tuple[str, str], mine: Shift, *, to: UUID, at: datetime,
               exercise: bool) -> Message:  # fmt: skip
    """Two people agree; a lead or the manager decides."""
    return _message(
        id=uuid5(SPACE, f"swap {swap_id} waits {to}"),
        title=f"换班待批准：{names[0]} → {names[1]}",
        body=span(mine.from_at, mine.until_at),
        lock_title="换班待批准",
        audience=Audience.DESK,
        urgency=Urgency.NORMAL,
        ttl_s=86_400,
        collapse_key=f"swap-{swap_id}",
        about="swap_waits",
        url="/desk#roster",
        at=at,
        exercise=exercise,
    )


def _message(
    *, id: UUID, title: str, body: str, lock_title: str, audience: Audience, urgency: Urgency,  # noqa: A002
    ttl_s: int, collapse_key: str, about: str, url: str, at: datetime, exercise: bool,
) -> Message:  # fmt: skip
    return Message(
        id=id,
        audience=audience,
        title=title,
        body=body,
        lock_title=lock_title,
        lock_body="",
        urgency=urgency,
        handling=Handling.EXERCISE if exercise else Handling.ACTUAL,
        ttl_s=ttl_s,
        sent_at=at,
        collapse_key=collapse_key,
        url=url,
        data={"kind": "roster", "about": about},
    )
