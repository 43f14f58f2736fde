"""From an incident's journal to the papers that the standard asks for. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.documents.flow import CLAUSES, Paper, PaperKind, Picture
from backend.incidents.flow import events as e
from backend.incidents.flow.advice import PREVENTION
from backend.incidents.flow.decide import replay
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.handling import buildings
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS, find_item
from backend.incidents.flow.vocabulary import Kind
from backend.incidents.training import Step, steps_of

AREA = ZoneInfo("Asia/Shanghai")
FALSE_CAUSES = {
    "cooking": "做饭油烟",
    "steam": "水汽",
    "smoking": "抽烟、熏香",
    "dust": "灰尘、装修",
    "insect": "虫子",
    "device": "设备故障",
    "test": "有人测试",
    "other": "其他",
}
STANDARD = "《开放式街区数字化安全防范预警服务规范》"
LEVELS = {"emergency": "紧急", "notice": "注意", "info": "提示"}


def paper_from(journal: Sequence[e.Event]) -> Paper | None:
    """The paper that the last event of this journal calls for, or None.

    Args:
        journal: the incident's events up to and with the one that files a report, oldest first.
    """
    event = journal[-1]
    now = replay(journal)
    fact = event.fact
    if isinstance(fact, e.FalseReportFiled):
        return _paper(PaperKind.FALSE_ALARM, now, journal, "", _false(fact))
    if isinstance(fact, e.CommunityReported):
        return _paper(PaperKind.COMMUNITY, now, journal, "所在社区", _welfare(now, fact.state))
    if isinstance(fact, e.ItemDone) and _reports_to_community(now, fact):
        said = fact.reason or "已口头汇报社区"
        return _paper(PaperKind.COMMUNITY, now, journal, "所在社区", _welfare(now, said))
    if isinstance(fact, e.ItemDone) and _notice_to_user(now, fact):
        return _paper(PaperKind.RECTIFICATION, now, journal, "用户", _rectify(now, fact, event))
    if isinstance(fact, e.AuthorityReported):
        return _paper(PaperKind.AUTHORITY, now, journal, fact.authority, _told(now, fact))
    if isinstance(fact, e.DrillEnded):
        return _paper(PaperKind.DRILL, now, journal, "", _drilled(fact, journal))
    if isinstance(fact, e.HandedToAuthority):
        return _paper(PaperKind.AUTHORITY, now, journal, fact.authority, _hazard(now, fact))
    return None


def _reports_to_community(now: Incident, fact: e.ItemDone) -> bool:
    item = find_item(now.kinds, fact.item)
    return fact.result == "done" and item is not None and item.meets == "community_report"


def _notice_to_user(now: Incident, fact: e.ItemDone) -> bool:
    item = find_item(now.kinds, fact.item)
    return fact.result == "done" and item is not None and item.meets == "rectification"


def _paper(
    kind: PaperKind,
    now: Incident,
    journal: Sequence[e.Event],
    addressee: str,
    sections: tuple[tuple[str, str], ...],
) -> Paper:
    event = journal[-1]
    return Paper(
        kind=kind,
        incident_id=now.id or UUID(int=0),
        version=event.version,
        handling=now.handling,
        addressee=addressee,
        rows=(
            *_facts(now, journal),
            ("依据", f"《开放式街区数字化安全防范预警服务规范》{CLAUSES[kind]}"),
        ),
        sections=tuple((head, body) for head, body in sections if body.strip()),
        pictures=_pictures(now),
        author=event.actor.name or getattr(event.fact, "leader", "") or "现场人员",
        filed_at=event.received_at,
        filed_on=_on(event.occurred_at),
    )


def _facts(now: Incident, journal: Sequence[e.Event]) -> tuple[tuple[str, str], ...]:
    """What every paper says of its incident; a line that has nothing to say is left out."""
    place = now.place
    first = next(iter(now.detectors.values()))
    value = "" if first.raised_value is None else f"{first.raised_value:g} {first.unit}".strip()
    detector = "　".join(
        f"{KINDS[d.kind].detector.zh}（{d.label}）" for d in now.detectors.values()
    )
    told = f"{now.lead.name}（工号 {now.lead.badge}）" if now.lead else ""
    judged = now.false_declared_at
    by_party = next((x.fact.speaker for x in journal if isinstance(x.fact, e.PartySaidFalse)), "")
    rows = (
        ("警情编号", now.no),
        ("预警类型", f"{KINDS[now.kind].zh} · {LEVELS[now.urgency]}"),
        ("地点", place.address),
        ("坐标", f"北纬 {place.lat:.6f}°　东经 {place.lon:.6f}°（WGS-84）" if place.lat else ""),
        ("探测器", detector),
        ("报警值", value if first.quantity not in {"smoke", "alarm"} else ""),
        ("预警发布", _at(now.emitted_at)),
        ("值班台", now.claimed_name),
        ("现场人员", told),
        ("到场", _at(now.lead.arrived_at) if now.lead else ""),
        ("确认误报", _at(judged) + (f"（当事人 {by_party} 确认）" if by_party and judged else "")),
        ("预警解除", _at(now.released_at)),
    )
    return tuple((label, text) for label, text in rows if text)


def _false(fact: e.FalseReportFiled) -> tuple[tuple[str, str], ...]:
    return (
        ("一、误报原因", FALSE_CAUSES.get(fact.cause, fact.cause)),
        ("二、分析", fact.analysis),
        ("三、措施", fact.measure),
    )


def _ladder(now: Incident) -> list[str]:
    """Each try to reach somebody, as it was written down at the door."""
    item = find_item(now.kinds, "B.6-2n")
    names = {rung.code: rung.zh for rung in item.rungs} if item else {}
    return [
        f"{_at(i.at)} {names.get(i.about, i.about)}："
        + ("有人应答" if i.result == "done" else i.reason or "无人应答")
        for i in now.items
        if i.item == "B.6-2n"
    ]


def _welfare(now: Incident, state: str) -> tuple[tuple[str, str], ...]:
    asked = "\n".join((*_ladder(now), _line(now, "B.6-2"))).strip()
    return (
        ("一、居民状况", state),
        ("二、询问经过", asked),
        ("三、请社区", "请持续关注该户居民生活状况，有变化请告知值班台。"),
    )


def _rectify(now: Incident, fact: e.ItemDone, event: e.Event) -> tuple[tuple[str, str], ...]:
    """B.1: what was found, what to put right and until when, and how to be safe until then."""
    days = 3 if fact.value is None else max(0, round(fact.value))
    until = event.occurred_at + timedelta(days=days)
    when = "请立即整改" if days == 0 else f"请于 {_on(until)} 前整改完毕"
    advice = "；".join(zh for zh, _en in PREVENTION[Kind.ELECTRIC])
    return (
        ("一、现场发现", _line(now, "B.1-2")),
        (
            "二、整改要求",
            f"{fact.reason or '由持证电工检修所列部位'}。{when}，整改后请告知值班台复查。",
        ),
        ("三、用电安全", f"整改前停用该处用电；{advice}。"),
    )


def _signs(now: Incident) -> str:
    """B.4: building by building, the five signs and what was measured."""
    lines = []
    for building in buildings(now):
        found = [
            line
            for item in KINDS[Kind.STRUCTURE].card.items
            if (line := _line(now, item.code, building))
        ]
        if found:
            lines += [f"【{building or now.place.address}】", *found]
    return "\n".join(lines) or "未逐项记录。"


def _told(now: Incident, fact: e.AuthorityReported) -> tuple[tuple[str, str], ...]:
    kept = "已设警戒区，无关人员不得进入。" if now.cordon.state == "set" else ""
    return (
        ("一、现场检查", _signs(now)),
        ("二、现场情况", fact.situation),
        ("三、已采取的措施", kept),
        ("四、报告", f"已报告{fact.authority}" + (f"，{fact.by}接报。" if fact.by else "。")),
    )


def _hazard(now: Incident, fact: e.HandedToAuthority) -> tuple[tuple[str, str], ...]:
    kept = "已设警戒区，无关人员不得进入。" if now.cordon.state == "set" else ""
    return (
        ("一、现场检查", _signs(now)),
        ("二、已采取的措施", kept),
        (
            "三、移交",
            f"{fact.acknowledged_by} 已确认收到。此后每 {fact.cycle_d} 天复查一次，直至隐患消除。",
        ),
    )


def _drilled(fact: e.DrillEnded, journal: Sequence[e.Event]) -> tuple[tuple[str, str], ...]:
    """The training record: scenario, people, each step against its target, the review."""
    return (
        ("一、情景", fact.scenario),
        ("二、人员", f"组织：{fact.leader}\n参加：{'、'.join(fact.staff)}"),
        ("三、过程", "\n".join(_stepped(step) for step in steps_of(journal, Policy()))),
        ("四、讲评", fact.review or "未写讲评。"),
    )


def _stepped(step: Step) -> str:
    minutes, seconds = divmod(round(step.at_s), 60)
    against = "" if step.target_s is None else f"，目标 {step.target_s:g} 秒"
    verdict = {True: "达到", False: "未达到", None: ""}[step.met]
    by = f"（{step.by}）" if step.by else ""
    return f"{minutes:02d}:{seconds:02d}　{step.zh}{by}{against}" + (
        f"：{verdict}" if verdict else ""
    )


def _line(now: Incident, code: str, about: str = "") -> str:
    """One action of the card in a sentence; empty when it was not done."""
    said = [i for i in now.items if i.item == code and i.about == about]
    done = said[-1] if said else None
    item = find_item(now.kinds, code)
    if done is None or item is None:
        return ""
    causes = {c: zh for c, zh, _en in item.causes}
    value = "" if done.value is None else f"{done.value:g} {item.value or ''}".strip()
    what = "做不到" if done.result == "not_possible" else causes.get(done.cause or "", "")
    parts = [what, value, done.reason or ""]
    told = "，".join(part for part in parts if part) or "已检查"
    return f"{item.zh}：{told}（{done.by}，{_at(done.at)}）"


def _pictures(now: Incident) -> tuple[Picture, ...]:
    return tuple(
        Picture(taken_at=_at(p.taken_at), by=p.by, caption=p.caption, sha256=p.sha256)
        for p in now.photos
    )


def _at(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(AREA):%Y-%m-%d %H:%M:%S}"


def _on(at: datetime) -> str:
    local = at.astimezone(AREA)
    return f"{local.year} 年 {local.month} 月 {local.day} 日"
