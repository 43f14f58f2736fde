"""What people who mean well do next, and the turns that a day can take."""

from datetime import timedelta
from uuid import uuid5

from backend.incidents.flow import commands as c
from backend.incidents.flow.handling import buildings, open_items
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import cards, required_ppe
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Kind, State
from tests.core.incident_commands import OFFICE, ROUND, TECHNICIAN
from tests.core.incident_steps import (
    ANNA,
    BEN,
    DESK,
    DETECTOR,
    HOME,
    LEAD,
    NEXT_DOOR,
    SECOND,
    Story,
    field,
)

Step = tuple[Actor, c.AnyCommand]


def next_steps(story: Story) -> list[Step]:
    """What people who mean well would do now, the likeliest first; never empty before the seal."""
    now = story.state
    lead = field(now.lead.staff_id) if now.lead is not None else None
    if lead is not None and now.state in {State.EN_ROUTE, State.ON_SCENE, State.HANDLING,
                                          State.RESCUE, State.MONITORED}:  # fmt: skip
        return [*_people_first(now, lead), *_at_work(now, lead)]
    return _waiting(story, now)


def _waiting(story: Story, now: Incident) -> list[Step]:
    """Steps of the platform and the desk, with nobody at the scene or all done there."""
    match now.state:
        case State.RAISED:
            return [(SYSTEM, c.PresentToDesk(desk="d")), (SYSTEM, c.NoDesk())]
        case State.DESK_HANDLING | State.PARTY_HANDLED:
            return [(DESK, c.DispatchNow(reason="核实")), *_asking(story, now)]
        case State.DISPATCHING:
            return _asking(story, now)
        case State.CLEARING:
            return [*_locks(story, now), (DESK, c.DeskReleaseReal(category="real_fire"))]
        case State.MONITORED:
            return [(field(ANNA), c.SelfAssign())]
        case State.STOOD_DOWN:
            return [(DESK, c.DeskReleaseFalse())]
        case State.RELEASED:
            return [*_debts(now), (DESK, c.Archive()),
                    (SYSTEM, c.Seal(hash="h", previous="p", sealed_at=story.now))]  # fmt: skip
        case _:
            return [(DESK, c.Addendum(reason="错字", text="更正", approved_by=LEAD.id))]


def _asking(story: Story, now: Incident) -> list[Step]:
    asked = now.open_offer
    if asked is not None and asked.expires_at >= story.now + timedelta(seconds=2):
        return [(field(asked.staff_id), c.Accept(offer_id=asked.id))]
    if asked is not None:
        return [(SYSTEM, c.ExpireOffer(offer_id=asked.id))]
    asks = [
        (SYSTEM, c.Offer(offer_id=uuid5(who, str(now.version)), staff_id=who, name_="n",
                         expires_at=story.now + timedelta(seconds=25)))
        for who in (ANNA, BEN)
        if who not in now.tried
    ]  # fmt: skip
    return [*asks, (field(ANNA), c.SelfAssign()), (field(BEN), c.SelfAssign())]


def _people_first(now: Incident, lead: Actor) -> list[Step]:
    steps: list[Step] = []
    if now.people.trapped:
        steps.append((lead, c.ReportTrapped(count=0, outcome="已救出")))
    if now.people.hurt:
        hurt = now.people.injured
        steps.append((lead, c.ReportInjured(count=hurt, handed_over=hurt)))
    if now.command_held_by is not None:
        steps.append((lead, c.FireCommandGivesBack(commander="王")))
    return steps


def _at_work(now: Incident, lead: Actor) -> list[Step]:
    if now.state is State.EN_ROUTE:
        return [(lead, c.Arrived(metres_off=3.0))]
    if now.state is State.ON_SCENE and not now.verification:
        worn = tuple(c.PpeItem(code=p, has=True) for p in required_ppe(now.kinds, now.equipment))
        begin: list[Step] = [
            (lead, c.ConfirmReal()),
            (lead, c.AssessControllable(controllable=True, reason="小")),
            (lead, c.ConfirmPpe(items=worn)),
            (lead, c.StartHandling()),
        ]
        done = [not now.real, now.control != "controllable",
                not (lead.staff in now.ppe and now.ppe[lead.staff].ok
                     and set(now.kinds) <= set(now.ppe[lead.staff].kinds)), True]  # fmt: skip
        return [step for step, wanted in zip(begin, done, strict=True) if wanted]
    check = [] if now.final_checked_at else [(lead, c.FinalCheck())]
    return [*_card(now, lead), *check, (lead, c.FieldConfirmEliminated())]


def _card(now: Incident, lead: Actor) -> list[Step]:
    """Every open action, at every building where that is asked."""
    steps: list[Step] = []
    open_ones = set(open_items(now)) if not now.verification else set()
    for item in (i for card in cards(now.kinds) for i in card.items if i.code in open_ones):
        seen = {i.about for i in now.items if i.item == item.code}
        for about in buildings(now) if item.each_building else ("",):
            if about not in seen:
                causes = [code for code, _, _ in item.causes if code != "hazard"]
                tick = c.Tick(card=item.code[:3], item=item.code, result="done", about=about,
                              cause=causes[0] if causes else None)  # fmt: skip
                steps.append((lead, tick))
    return steps


def _locks(story: Story, now: Incident) -> list[Step]:
    steps: list[Step] = [
        (SYSTEM, c.DataNormal(detector_id=d.id, at=story.now, normals=2)) for d in now.alarming
    ]
    if now.c1 is None and not now.alarming:
        steps.append((TECHNICIAN, c.SubstituteC1(how="replaced", evidence="新探测器")))
    if now.command_held_by is not None:
        steps.append((DESK, c.FireCommandGivesBack(commander="王")))
    if now.evacuation.state == "running":
        steps.append((DESK, c.CloseEvacuation(handed_to="消防")))
    return steps


def _debts(now: Incident) -> list[Step]:
    """Each debt by the way that settles it; the desk lead waives what is left and may be."""
    ways: dict[str, Step] = {
        "false_report": (field(), c.SubmitFalseReport(cause="c", analysis="a", measure="m")),
        "community_report": (DESK, c.CommunityReport(state="平安")),
        "authority_report": (DESK, c.AuthorityReport(authority="住建局")),
        "unit_contacted": (DESK, c.UnitContacted(unit="供水公司")),
        "check_result": (DESK, c.CheckResult(result="正常")),
        "advice_handling": (DESK, c.PartyAdvised(kind="handling", way="sent")),
        "advice_prevention": (DESK, c.PartyAdvised(kind="prevention", way="sent")),
    }
    steps = [
        ways.get(o.code, (LEAD, c.Waive(obligation=o.code, reason="无法查明")))
        for o in now.obligations
        if not o.settled
    ]
    if now.command_held_by is not None:
        steps.append((DESK, c.FireCommandGivesBack(commander="王")))
    if now.evacuation.state == "running":
        steps.append((DESK, c.CloseEvacuation(handed_to="消防")))
    if now.cordon.state == "set":
        steps.append((DESK, c.LiftCordon()))
    return steps


def turns(story: Story) -> list[Step]:
    """Less usual, and lawful: what may happen in this state besides the way to the end."""
    now = story.state
    lead = field(now.lead.staff_id) if now.lead is not None else field(ANNA)
    return [*_turns_of(story, now, lead), *_beside(story, now), *_offices(now)]


def _turns_of(story: Story, now: Incident, lead: Actor) -> list[Step]:
    asked = now.open_offer
    no = [(field(asked.staff_id), c.Decline(offer_id=asked.id, reason="busy"))] if asked else []
    quiet = _quiet(story)
    handled = (DESK, c.PartyHandled(speaker="户主"))
    match now.state:
        case State.RAISED:
            return [(LEAD, c.MarkDrill()), handled, (SYSTEM, c.PresentToDesk(desk="d"))]
        case State.DESK_HANDLING:
            no_answer = c.LogCall(contact="户主", result="no_answer")
            nothing = c.PartyReportsFalse(speaker="户主", on_spot=True)
            return [*quiet, handled, (DESK, no_answer), (DESK, c.PartyCannotHandle()),
                    (DESK, c.PartyUnreachable()), (DESK, nothing), (DESK, nothing)]  # fmt: skip
        case State.DISPATCHING:
            return [*no, handled, (SYSTEM, c.NobodyLeft()), (LEAD, c.DispatchNow(reason="再问")),
                    (field(BEN), c.SelfAssign())]  # fmt: skip
        case State.EN_ROUTE:
            mine = [(lead, c.Decline(offer_id=o.id, reason="busy")) for o in now.offers[-1:]]
            return [*no, *mine, (DESK, c.Reassign(reason="换人"))]
        case State.ON_SCENE:
            return [(lead, c.FieldDeclaresFalse(no_photo_reason="够不到")), _next_door(story),
                    (DESK, c.Split(household_id=NEXT_DOOR))]  # fmt: skip
        case State.HANDLING | State.RESCUE:
            return _hard_turns(lead)
        case State.MONITORED:
            return [(TECHNICIAN, c.SubstituteC1(how="rebaselined", evidence="x")), _worse(story)]
        case State.STOOD_DOWN:
            report = c.SubmitFalseReport(cause="c", analysis="a", measure="m")
            return [
                (DESK, c.DeskOverrulesFalse(reason="仍有烟")),
                (lead, report),
                _next_door(story),
            ]
        case State.CLEARING:
            replaced = c.SubstituteC1(how="replaced", evidence="x")
            return [(DESK, c.LiftCordon()), (TECHNICIAN, replaced), _next_door(story)]
        case _:
            after: list[c.AnyCommand] = [
                c.Addendum(reason="错字", text="更正", approved_by=LEAD.id), c.Note(text="x"),
                c.LogEmergencyCall(number="120"), c.UnitContacted(unit="x"), c.Archive(),
            ]  # fmt: skip
            return [*[(DESK, one) for one in after], (field(BEN), c.ReportTrapped(count=1))]


def _hard_turns(lead: Actor) -> list[Step]:
    handed = c.HandToAuthority(authority="住建局", acknowledged_by="王", reason="隐患")
    return [
        (lead, handed), (lead, c.LeaveScene()), (lead, c.Enter()), (lead, c.Enter()),
        (lead, c.CheckIn()), (lead, c.Withdraw()), (lead, c.ReportTrapped(count=1)),
        (lead, c.ReportInjured(count=1)), (DESK, c.SetCordon(shape=ROUND, radius_m=50.0)),
        (DESK, c.VehicleArrived(what="消防车")), (SYSTEM, c.DrawRoster(people=("a", "b"))),
    ]  # fmt: skip


def small_stories(story: Story) -> dict[str, list[Step]]:
    """A few steps that only together come to something."""
    lead = field(story.state.lead.staff_id) if story.state.lead is not None else field(ANNA)
    nothing = c.PartyReportsFalse(speaker="户主", on_spot=True)
    looked = c.FieldDeclaresFalse(no_photo_reason="够不到")
    reports = story.state.reports
    return {
        "nothing wrong at home": [*_quiet(story), (DESK, nothing)],
        "false, and not believed": [(lead, looked), (DESK, c.DeskOverrulesFalse(reason="仍有烟"))],
        "two homes, then one": [_next_door(story), (DESK, c.Split(household_id=NEXT_DOOR))],
        "a report that fails": [
            (DESK, c.ReportTo(situation="火大")),
            *[(SYSTEM, c.ReportFailed(report_id=r.id, reason="x")) for r in reports],
        ],
        "nobody answers": [(DESK, c.LogCall(contact="户主", result="no_answer")),
                           (DESK, c.PartyUnreachable())],
        "gas as well, with people trapped": [
            (lead, c.ReportTrapped(count=1)),
            (SYSTEM, c.NewAlarm(detector_id=SECOND, label="x", kind=Kind.GAS, quantity="gas",
                                emitted_at=story.now)),
        ],
        "the drill is over": [
            (SYSTEM, c.PlayInDrill(zh="邻居在喊")),
            (SYSTEM, c.EndDrill(scenario="smoke")),
        ],
        "out and in again": [(lead, c.LeaveScene()), (lead, c.Enter())],
        "a door in the list": [(DESK, c.StartEvacuation()),
                               (lead, c.PersonOut(person_id="a"))],
    }  # fmt: skip


def _quiet(story: Story) -> list[Step]:
    return [
        (SYSTEM, c.DataNormal(detector_id=d.id, at=story.now, normals=2))
        for d in story.state.alarming
    ]


def _next_door(story: Story) -> Step:
    alarm = c.NewAlarm(detector_id=SECOND, label="x", kind=Kind.SMOKE, quantity="smoke",
                       emitted_at=story.now, household_id=NEXT_DOOR)  # fmt: skip
    return (SYSTEM, alarm)


def _worse(story: Story) -> Step:
    alarm = c.NewAlarm(detector_id=DETECTOR, label="x", kind=story.state.kind, quantity="smoke",
                       value=99.0, limit=2.0, emitted_at=story.now)  # fmt: skip
    return (SYSTEM, alarm)


def _offices(now: Incident) -> list[Step]:
    return [
        (OFFICE, c.AcknowledgeReport(report_id=r.id, reply="已派人", sent=True))
        for r in now.reports
        if OFFICE.id == f"office:{r.office.id}"
    ]


def _beside(story: Story, now: Incident) -> list[Step]:
    """Somebody comes beside the lead, and goes in."""
    if now.lead is None:
        return []
    who = BEN if now.lead.staff_id == ANNA else ANNA
    mine = next((o for o in now.offers if o.helper and o.outcome == "open"), None)
    if mine is not None:
        return [(field(mine.staff_id), c.Accept(offer_id=mine.id))]
    if not now.on_it(who):
        offer = c.Offer(offer_id=uuid5(HOME, str(now.version)), staff_id=who, name_="n",
                        helper=True, expires_at=story.now + timedelta(seconds=25))  # fmt: skip
        return [(SYSTEM, offer)] if now.helper_wanted else [(DESK, c.CallHelper(reason="x"))]
    worn = tuple(c.PpeItem(code=p, has=True) for p in required_ppe(now.kinds, now.equipment))
    there = any(h.staff_id == who and h.arrived_at for h in now.helpers)
    if not there:
        return [(field(who), c.Arrived())]
    if who not in now.ppe or not now.ppe[who].ok:
        return [(field(who), c.ConfirmPpe(items=worn))]
    return [(field(who), c.LeaveScene() if who in now.entered else c.Enter())]
