"""The messages that people get, complete in themselves. Pure: an incident in, a message out.

Nothing personal stands on a lock screen: kind and minutes, never a name or a full address.
"""

from datetime import datetime
from uuid import UUID

from backend.documents.schemas import PaperLine
from backend.incidents.flow import events as e
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.template import text
from push.message import Action, Audience, Handling, Message, Urgency

URGENT = {"emergency": Urgency.EMERGENCY, "notice": Urgency.HIGH, "info": Urgency.NORMAL}
LEVELS = {"emergency": "紧急", "notice": "注意", "info": "提示"}


def _say(
    now: Incident,
    *,
    id: UUID,  # noqa: A002 - the field's own name
    audience: Audience,
    title: str,
    body: str,
    lock_title: str,
    lock_body: str,
    ttl_s: int,
    at: datetime,
    url: str,
    collapse_key: str,
    actions: tuple[Action, ...] = (),
    urgency: Urgency | None = None,
    data: dict[str, str | int | float | bool | None] | None = None,
) -> Message:
    return Message(
        id=id,
        audience=audience,
        title=title,
        body=body,
        lock_title=lock_title,
        lock_body=lock_body,
        urgency=urgency or URGENT[now.urgency],
        handling=Handling(now.handling.value),
        ttl_s=ttl_s,
        sent_at=at,
        collapse_key=collapse_key,
        actions=actions,
        url=url,
        data={"incidentId": str(now.id), "no": now.no, **(data or {})},
    )


def offer(now: Incident, fact: e.Offered, *, message_id: UUID, at: datetime) -> Message:
    """警情: the alert put to the nearest person; the two actions work from the lock screen."""
    policy = KINDS[now.kind]
    minutes = "" if fact.minutes is None else f"路上约 {max(1, round(fact.minutes))} 分钟"
    metres = "" if fact.metres is None else f"{round(fact.metres)} 米"
    far = " · ".join(part for part in (metres, minutes) if part)
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"{policy.zh}·{LEVELS[now.urgency]} {now.place.address}",
        body="\n".join(part for part in (far, now.place.entrance_note) if part),
        lock_title=f"{policy.zh}警情·{LEVELS[now.urgency]}",
        lock_body=far or "打开查看",
        ttl_s=max(1, round((fact.expires_at - at).total_seconds())),
        at=at,
        url=f"/field#offer={fact.offer_id}",
        collapse_key=f"offer-{now.no}",
        actions=(Action("accept", "接警"), Action("decline", "去不了")),
        urgency=Urgency.EMERGENCY,
        data={
            "kind": "offer",
            "offerId": str(fact.offer_id),
            "expiresAt": fact.expires_at.isoformat(),
        },
    )


def stand_down(now: Incident, *, message_id: UUID, at: datetime) -> Message:
    """You need not go any more; replaces the offer on the phone."""
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"不用去了：{now.place.address}",
        body="当事人或现场已确认误报，停止出动。",
        lock_title="停止出动",
        lock_body=f"警情 {now.no}",
        ttl_s=3600,
        at=at,
        url="/field",
        collapse_key=f"offer-{now.no}",
        urgency=Urgency.HIGH,
        data={"kind": "stand_down"},
    )


def relieved(now: Incident, reason: str, *, message_id: UUID, at: datetime) -> Message:
    """The desk gave the incident to somebody else: you lead it no longer."""
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"已改派他人：{now.place.address}",
        body=f"值班台：{reason}",
        lock_title="警情已改派他人",
        lock_body=f"警情 {now.no}",
        ttl_s=3600,
        at=at,
        url="/field",
        collapse_key=f"offer-{now.no}",
        urgency=Urgency.HIGH,
        data={"kind": "relieved"},
    )


def be_ready(now: Incident, *, message_id: UUID, at: datetime) -> Message:
    """You are next if the nearest cannot come: nothing to answer yet."""
    policy = KINDS[now.kind]
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"预备：{policy.zh} {now.place.address}",
        body="已派最近的人员，请留意；他去不了时会派给您。",
        lock_title=f"预备：{policy.zh}警情",
        lock_body="请留意手机",
        ttl_s=120,
        at=at,
        url="/field",
        collapse_key=f"ready-{now.no}",
        urgency=Urgency.NORMAL,
        data={"kind": "be_ready"},
    )


def in_drill(now: Incident, text: str, *, message_id: UUID, at: datetime, over: bool) -> Message:
    """What the people in a drill would see, or that it is over."""
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"演练：{text}",
        body=f"警情 {now.no} · 演练，不是真的",
        lock_title=f"演练：{text}",
        lock_body="演练，不是真的",
        ttl_s=600,
        at=at,
        url="/field",
        collapse_key=f"drill-{message_id}",
        urgency=Urgency.HIGH,
        data={"kind": "drill_ended" if over else "drill"},
    )


REMINDERS = {
    "gateway_storm": "网关短时间大量报警，已并为一起警情，请核对网关",
    "late_record": "迟到的现场记录，请查看",
    "desk_claim": "无人接手",
    "desk_claim_lead": "仍无人接手",
    "en_route": "出警人员超时未到，正再派一人",
    "no_helper": "附近无人可派去协助",
    "lone_worker_silent": "呼叫不到入户人员，已报告救援",
    "call_119": "当事人求救，还没有记录 119",
    "stand_down_lead": "误报 5 分钟仍未解除",
    "monitored": "移交的隐患到期复查",
    "tell_authority": "超过移交时的数值，请通知主管部门",
    "stand_down_release": "误报待平台解除",
    "false_report": "误报原因报告逾期",
    "archive": "解除后仍未归档",
    "call_120": "有人受伤，还没有拨打 120",
    "report_delivered": "报告还没有送达",
    "report_voice": "报告无人确认，请打电话",
    "lone_worker": "现场人员 5 分钟没有报平安，请立即呼叫",
    "nobody_left": "90 秒无人接警",
    "nobody": "附近无人可派",
    "no_desk": "2 秒内没有值班台呈现",
    "shift_over": "负责人的班次已结束，请换人或请其继续",
    "office_silent": "报告书无人确认收到，请打电话",
    "no_office": "没有登记相应单位，请打电话告知",
    "no_receipt": "现场人员手机没有收到派单，请打电话",
    "home_unreached": "住户联系不上，请打电话或上门",
    "office_unreached": "单位没有收到通知，请打电话",
}


def to_desk(now: Incident, about: str, *, message_id: UUID, at: datetime) -> Message:
    """Something a desk or its lead must see now."""
    words = REMINDERS.get(about, about)
    return _say(
        now,
        id=message_id,
        audience=Audience.DESK,
        title=f"{words}：{now.place.address}",
        body=f"警情 {now.no}",
        lock_title=words,
        lock_body=f"警情 {now.no}",
        ttl_s=600,
        at=at,
        url=f"/desk#{now.id}",
        collapse_key=f"{about}-{now.no}",
        urgency=Urgency.EMERGENCY,
        data={"kind": "reminder", "about": about},
    )


def cordon_to_staff(now: Incident, *, message_id: UUID, at: datetime) -> Message:
    """To staff in or near a cordon of an incident that is not theirs."""
    return _say(
        now,
        id=message_id,
        audience=Audience.STAFF,
        title=f"警戒区：{now.place.address}",
        body=f"{KINDS[now.kind].zh}，您在警戒区内或附近，请绕行。",
        lock_title="附近有警戒区，请绕行",
        lock_body=f"警情 {now.no}",
        ttl_s=1800,
        at=at,
        url="/field",
        collapse_key=f"cordon-{now.no}",
        urgency=Urgency.EMERGENCY,
        data={"kind": "cordon"},
    )


def paper_to_office(now: Incident, line: PaperLine, report_id: UUID, *, at: datetime) -> Message:
    """A numbered paper that wants an acknowledgement; nobody is woken for it."""
    return _say(
        now,
        id=report_id,
        audience=Audience.OFFICE,
        title=f"{line.title} {line.number}",
        body=f"{now.place.address}\n警情 {now.no}，请在收件箱查看并确认收到。",
        lock_title=f"{line.title}，请确认收到",
        lock_body=line.number,
        ttl_s=86_400,
        at=at,
        url="/office",
        collapse_key=f"paper-{report_id}",
        urgency=Urgency.NORMAL,
        data={"kind": "paper", "reportId": str(report_id)},
    )


def to_office(now: Incident, report_id: UUID, *, message_id: UUID, at: datetime) -> Message:
    """A report that wants an acknowledgement."""
    policy = KINDS[now.kind]
    report = now.report(report_id)
    rescue = report is None or report.purpose == "rescue"
    return _say(
        now,
        id=message_id,
        audience=Audience.OFFICE,
        title=f"{'报告救援' if rescue else '请派人协助'}：{policy.zh} {now.place.address}",
        body=f"{text(now, report.situation if report else '')}\n警情 {now.no}，请确认收到。",
        lock_title=f"{policy.zh}报告，请确认收到",
        lock_body=f"警情 {now.no}",
        ttl_s=3600,
        at=at,
        url="/office",
        collapse_key=f"report-{report_id}",
        urgency=Urgency.EMERGENCY,
        data={"kind": "report", "reportId": str(report_id)},
    )
