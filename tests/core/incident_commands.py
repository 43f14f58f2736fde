"""Some command of every kind, sensible or not, about what is in an incident.

``pick`` draws one of several values: from Hypothesis, so that a failing run shrinks, or from a
random source.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

from backend.incidents.flow import commands as c
from backend.incidents.flow.kinds import cards, required_ppe
from backend.incidents.flow.reminders import MATTERS
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Kind, Role
from tests.core.incident_steps import (
    ANNA,
    BEN,
    DESK,
    DETECTOR,
    HOME,
    LEAD,
    NEXT_DOOR,
    OFFICES,
    RESIDENT,
    SECOND,
    Story,
)

T = TypeVar("T")
Pick = Callable[[Sequence[Any]], Any]
THIRD = UUID(int=23)
DETECTORS = (DETECTOR, SECOND, THIRD)
OFFICE = Actor(id=f"office:{OFFICES[0].id}", role=Role.OFFICE, name="community")
TECHNICIAN = Actor(id="tech", role=Role.TECHNICIAN, name="tech")
MANAGER = Actor(id="boss", role=Role.MANAGER, name="boss")
AUDITOR = Actor(id="audit", role=Role.AUDIT, name="audit")
INDOORS = (SYSTEM, DESK, LEAD, RESIDENT, OFFICE, TECHNICIAN, MANAGER, AUDITOR)
"""Everybody but the field."""
TEXTS = ("理由", "x", "", " ")
ROUND = {"type": "Point", "coordinates": [120.6, 31.3]}


def _alarm(story: Story, pick: Pick) -> c.NewAlarm:
    return c.NewAlarm(
        detector_id=pick(DETECTORS), label="x", kind=pick((Kind.SMOKE, Kind.GAS, Kind.STRUCTURE)),
        quantity="smoke", value=pick((None, 3.0, 9.0)), limit=pick((None, 2.0)),
        emitted_at=story.now, household_id=pick((HOME, NEXT_DOOR)),
    )  # fmt: skip


def _offer(story: Story, pick: Pick) -> c.Offer:
    offer_id = uuid5(HOME, f"{story.state.version} {len(story.state.offers)}")
    return c.Offer(offer_id=offer_id, staff_id=pick((ANNA, BEN)), name_="n",
                   minutes=pick((None, 2.0)), expires_at=story.now + timedelta(seconds=25),
                   helper=pick((False, True)))  # fmt: skip


def _tick(story: Story, pick: Pick) -> c.Tick:
    item = pick([i for card in cards((*story.state.kinds, Kind.GAS)) for i in card.items])
    causes = (None, *(code for code, _, _ in item.causes))
    return c.Tick(card=item.code[:3], item=item.code, result=pick(("done", "not_possible")),
                  reason=pick(TEXTS), cause=pick(causes), about=pick(("", "2 号楼")))  # fmt: skip


def _ppe(story: Story, pick: Pick) -> c.ConfirmPpe:
    worn = required_ppe(story.state.kinds, story.state.equipment)
    return c.ConfirmPpe(items=tuple(c.PpeItem(code=p, has=True) for p in pick((worn, worn[1:]))))


def _ref(story: Story, pick: Pick, about: str) -> UUID | None:
    found: UUID | None = pick([ANNA, BEN, *[r.id for r in story.state.reports], None])
    return found


def _some_report(story: Story, pick: Pick) -> UUID:
    found: UUID = pick([r.id for r in story.state.reports] or [HOME])
    return found


def _some_offer(story: Story, pick: Pick) -> UUID:
    found: UUID = pick([o.id for o in story.state.offers][::-1] or [HOME])
    return found


def _remind(story: Story, pick: Pick) -> c.Remind:
    about = pick(sorted(MATTERS))
    return c.Remind(about=about, ref=_ref(story, pick, about))


def _raise(story: Story, pick: Pick) -> c.RaiseAlert:
    raised = story.events[0].fact
    return c.RaiseAlert(**{f: getattr(raised, f) for f in raised.__struct_fields__})


MAKERS: dict[type[c.Command], Callable[[Story, Pick], c.AnyCommand]] = {
    c.RaiseAlert: _raise,
    c.NewAlarm: _alarm,
    c.DataNormal: lambda s, p: c.DataNormal(detector_id=p(DETECTORS), at=s.now, normals=2),
    c.PresentToDesk: lambda _s, _p: c.PresentToDesk(desk="d"),
    c.NoDesk: lambda _s, _p: c.NoDesk(),
    c.Offer: _offer,
    c.ExpireOffer: lambda s, p: c.ExpireOffer(offer_id=_some_offer(s, p)),
    c.NobodyLeft: lambda _s, _p: c.NobodyLeft(),
    c.ReportDelivered: lambda s, p: c.ReportDelivered(report_id=_some_report(s, p)),
    c.ReportFailed: lambda s, p: c.ReportFailed(report_id=_some_report(s, p), reason="x"),
    c.AcknowledgeReport: lambda s, p: c.AcknowledgeReport(
        report_id=_some_report(s, p), reply=p(TEXTS), sent=p((True, False))),
    c.Remind: _remind,
    c.Seal: lambda s, _p: c.Seal(hash="h", previous="p", sealed_at=s.now),
    c.Absorb: lambda s, p: c.Absorb(source=UUID(int=98), no="x", detectors=(_alarm(s, p),),
                                    alarming=p(((), DETECTORS))),
    c.LinkIncident: lambda _s, p: c.LinkIncident(
        other=p((UUID(int=97), UUID(int=1))), no="x", kind=Kind.GAS, reason="near", metres=40.0),
    c.Merge: lambda _s, _p: c.Merge(into=UUID(int=99)),
    c.Split: lambda _s, p: c.Split(household_id=p((NEXT_DOOR, HOME))),
    c.MarkDrill: lambda _s, _p: c.MarkDrill(),
    c.PlayInDrill: lambda _s, _p: c.PlayInDrill(zh="邻居在喊"),
    c.EndDrill: lambda _s, _p: c.EndDrill(scenario="smoke"),
    c.Claim: lambda _s, _p: c.Claim(),
    c.HandOver: lambda _s, _p: c.HandOver(to=HOME),
    c.LogCall: lambda _s, p: c.LogCall(contact="户主", result=p(("no_answer", "reached")),
                                      household_id=p((None, NEXT_DOOR))),
    c.PartyReportsFalse: lambda _s, p: c.PartyReportsFalse(
        speaker=p(TEXTS), on_spot=p((True, False))),
    c.PartyHandled: lambda _s, p: c.PartyHandled(speaker=p(TEXTS)),
    c.PartyCannotHandle: lambda _s, p: c.PartyCannotHandle(speaker=p(TEXTS)),
    c.PartyUnreachable: lambda _s, _p: c.PartyUnreachable(),
    c.PartyNeedsRescue: lambda _s, p: c.PartyNeedsRescue(speaker=p(TEXTS)),
    c.DispatchNow: lambda _s, p: c.DispatchNow(reason=p(TEXTS)),
    c.Reassign: lambda _s, p: c.Reassign(reason=p(TEXTS), to=p((ANNA, BEN, None))),
    c.CallHelper: lambda _s, p: c.CallHelper(reason=p(TEXTS)),
    c.Accept: lambda s, p: c.Accept(offer_id=_some_offer(s, p)),
    c.Decline: lambda s, p: c.Decline(offer_id=_some_offer(s, p), reason="busy"),
    c.SelfAssign: lambda _s, _p: c.SelfAssign(),
    c.Arrived: lambda _s, p: c.Arrived(metres_off=p((None, 3.0))),
    c.FieldDeclaresFalse: lambda _s, p: c.FieldDeclaresFalse(no_photo_reason=p(TEXTS)),
    c.ConfirmReal: lambda _s, _p: c.ConfirmReal(),
    c.AssessControllable: lambda _s, p: c.AssessControllable(
        controllable=p((True, False)), reason=p(TEXTS)),
    c.ConfirmPpe: _ppe,
    c.StartHandling: lambda _s, _p: c.StartHandling(),
    c.Enter: lambda _s, _p: c.Enter(),
    c.Tick: _tick,
    c.Withdraw: lambda _s, p: c.Withdraw(reason=p(TEXTS)),
    c.LeaveScene: lambda _s, _p: c.LeaveScene(),
    c.CheckIn: lambda _s, p: c.CheckIn(staff=p((None, ANNA, BEN))),
    c.ReportTrapped: lambda _s, p: c.ReportTrapped(count=p((0, 1, 2, -1)), outcome=p(TEXTS)),
    c.ReportInjured: lambda _s, p: c.ReportInjured(count=p((0, 1, 2, -1)), handed_over=p((0, 2))),
    c.LogEmergencyCall: lambda _s, p: c.LogEmergencyCall(number=p(("119", "120", "110"))),
    c.ReportTo: lambda _s, p: c.ReportTo(situation=p(TEXTS), offices=p((None, (HOME,)))),
    c.RoadCleared: lambda _s, _p: c.RoadCleared(),
    c.GuidePosted: lambda _s, p: c.GuidePosted(place=p(TEXTS)),
    c.VehicleArrived: lambda _s, _p: c.VehicleArrived(what="消防车"),
    c.StartEvacuation: lambda _s, _p: c.StartEvacuation(),
    c.DrawRoster: lambda _s, p: c.DrawRoster(people=p((("a",), ("a", "b"), ()))),
    c.PersonOut: lambda _s, p: c.PersonOut(person_id=p(("a", None)), count=p((1, 0))),
    c.CloseEvacuation: lambda _s, p: c.CloseEvacuation(
        unaccounted=p((0, 1)), handed_to=p((None, "消防"))),
    c.SetCordon: lambda _s, p: c.SetCordon(shape=p((ROUND, {})), radius_m=50.0),
    c.LiftCordon: lambda _s, _p: c.LiftCordon(),
    c.FireCommandTakesOver: lambda _s, _p: c.FireCommandTakesOver(commander="王"),
    c.FireCommandGivesBack: lambda _s, _p: c.FireCommandGivesBack(commander="王"),
    c.FinalCheck: lambda _s, _p: c.FinalCheck(),
    c.FieldConfirmEliminated: lambda _s, _p: c.FieldConfirmEliminated(),
    c.SubstituteC1: lambda _s, p: c.SubstituteC1(
        how=p(("rebaselined", "hand_measured")), evidence=p(TEXTS), second=p(TEXTS)),
    c.DeskReleaseReal: lambda _s, p: c.DeskReleaseReal(category=p(TEXTS)),
    c.DeskReleaseFalse: lambda _s, _p: c.DeskReleaseFalse(),
    c.DeskOverrulesFalse: lambda _s, p: c.DeskOverrulesFalse(reason=p(TEXTS)),
    c.HandToAuthority: lambda _s, p: c.HandToAuthority(
        authority="住建局", acknowledged_by=p(TEXTS), reason=p(TEXTS)),
    c.PartyAdvised: lambda _s, p: c.PartyAdvised(
        kind=p(("handling", "prevention")), way="spoken"),
    c.SubmitFalseReport: lambda _s, p: c.SubmitFalseReport(
        cause=p(TEXTS), analysis="a", measure="m"),
    c.CommunityReport: lambda _s, p: c.CommunityReport(state=p(TEXTS)),
    c.AuthorityReport: lambda _s, p: c.AuthorityReport(authority=p(TEXTS)),
    c.UnitContacted: lambda _s, _p: c.UnitContacted(unit="供水公司"),
    c.CheckResult: lambda _s, _p: c.CheckResult(result="正常"),
    c.CauseFound: lambda _s, _p: c.CauseFound(code="hose"),
    c.Waive: lambda s, p: c.Waive(
        obligation=p([o.code for o in s.state.obligations] or ["fire_seat"]), reason=p(TEXTS)),
    c.Archive: lambda _s, _p: c.Archive(),
    c.Addendum: lambda _s, p: c.Addendum(reason=p(TEXTS), text="更正", approved_by="lead-1"),
    c.Note: lambda _s, p: c.Note(text=p(TEXTS)),
    c.Photo: lambda s, p: c.Photo(sha256=p(("a", "b")), taken_at=s.now),
}  # fmt: skip
