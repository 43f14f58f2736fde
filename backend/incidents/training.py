"""How a drill went, read from its journal: each step with its time and its target. Pure."""

from collections.abc import Sequence

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Policy


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step that was taken. Seconds from the alarm; ``target_s`` from the standard or ours ▲."""

    code: str
    zh: str
    en: str
    by: str
    at_s: float
    target_s: float | None
    met: bool | None


NAMES: dict[type[e.Fact], tuple[str, str, str]] = {
    e.DeskPresented: ("presented", "值班台呈现", "On the desk"),
    e.IncidentClaimed: ("claimed", "值班台接手", "Claimed"),
    e.Accepted: ("accepted", "接警", "Accepted"),
    e.ArrivedOnScene: ("arrived", "到场", "Arrived"),
    e.RealConfirmed: ("real", "确认属实", "Confirmed real"),
    e.FalseDeclared: ("false", "判为误报", "Declared false"),
    e.PpeConfirmed: ("ppe", "防护齐全", "Protected"),
    e.PpeMissing: ("ppe_missing", "防护缺失，不进入", "Equipment missing"),
    e.Entered: ("entered", "进入处置", "Entered"),
    e.ItemDone: ("action", "措施", "Action"),
    e.AssessedUncontrollable: ("uncontrollable", "判为不可控", "Out of control"),
    e.ReportQueued: ("report", "报告救援", "Report for rescue"),
    e.EmergencyCallLogged: ("call", "拨打", "Emergency call"),
    e.CordonSet: ("cordon", "设置警戒区", "Cordon set"),
    e.EvacuationStarted: ("evacuation", "开始疏散", "Evacuation"),
    e.FinalChecked: ("final", "最后检查", "Final check"),
    e.HazardEliminated: ("eliminated", "确认隐患排除", "Hazard eliminated"),
    e.Released: ("released", "解除", "Released"),
    e.Advised: ("advised", "告知当事人", "Party advised"),
    e.FalseReportFiled: ("false_report", "误报报告", "False-alarm report"),
    e.CommunityReported: ("community", "汇报社区", "Community told"),
    e.AuthorityReported: ("authority", "报告主管部门", "Authority told"),
    e.DrillPlayed: ("played", "情景", "Played"),
}


def steps_of(journal: Sequence[e.Event], policy: Policy) -> tuple[Step, ...]:
    """The steps of a drill in their order.

    Args:
        journal: the incident's events, oldest first; the first is the alarm.
        policy: gives the targets.

    Returns:
        One step per event that counts, each with what it was measured against. Arrival is
        measured against the way that the offer promised.
    """
    first = journal[0].fact
    assert isinstance(first, e.AlertRaised)
    promised: dict[str, float] = {}
    asked: dict[str, float] = {}
    found = []
    for event in journal:
        fact = event.fact
        at_s = round((event.occurred_at - first.emitted_at).total_seconds(), 1)
        if isinstance(fact, e.Offered):
            asked[str(fact.staff_id)] = at_s
            if fact.minutes is not None:
                promised[str(fact.staff_id)] = fact.minutes * 60
        if type(fact) not in NAMES or (isinstance(fact, e.Released) and fact.how == "drill"):
            continue
        code, zh, en = NAMES[type(fact)]
        took, target = at_s, None
        if isinstance(fact, e.DeskPresented):
            took, target = fact.after_ms / 1000, policy.desk_presentation_s
        elif isinstance(fact, e.IncidentClaimed):
            target = policy.desk_claim_s
        elif isinstance(fact, e.Accepted):
            took, target = at_s - asked.get(str(fact.staff_id), 0.0), policy.offer_first_s
        elif isinstance(fact, e.ArrivedOnScene) and str(fact.staff_id) in promised:
            took = at_s - asked.get(str(fact.staff_id), 0.0)
            target = promised[str(fact.staff_id)] + policy.offer_first_s
        if isinstance(fact, e.ItemDone):
            zh, en = f"{zh} {fact.item}", f"{en} {fact.item}"
        elif isinstance(fact, e.DrillPlayed):
            zh, en = f"{zh}：{fact.zh}", f"{en}: {fact.en}"
        found.append(
            Step(
                code=code,
                zh=zh,
                en=en,
                by=event.actor.name,
                at_s=at_s,
                target_s=target,
                met=None if target is None else took <= target,
            )
        )
    return tuple(found)
