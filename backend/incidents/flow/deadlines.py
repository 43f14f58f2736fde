"""Deadlines that an event starts. Rows in the event's own transaction; when due, commands.

Nothing here is cancelled: a deadline whose question is settled decides to do nothing.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Policy

RETRY_OFFER = "retry_offer"
"""Not a command: look for a lead again, somebody may have come on duty."""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """``command`` is None for ``retry_offer``."""

    name: str
    due_at: datetime
    command: c.AnyCommand | None
    ref: UUID | None = None


def started_by(event: e.Event, policy: Policy) -> tuple[Deadline, ...]:
    """The deadlines that this event starts, with due times in UTC."""
    fact = event.fact
    at = event.received_at

    def remind(about: str, after_s: float, ref: UUID | None = None) -> Deadline:
        return Deadline(
            name=about,
            due_at=at + timedelta(seconds=after_s),
            command=c.Remind(about=about, ref=ref),
            ref=ref,
        )

    match fact:
        case e.AlertRaised():
            present = Deadline(
                name="desk_presentation",
                due_at=fact.emitted_at + timedelta(seconds=policy.desk_presentation_s),
                command=c.NoDesk(),
            )
            return (
                present,
                remind("desk_claim", policy.desk_claim_s),
                remind("desk_claim_lead", policy.desk_claim_lead_s),
                remind("contact_limit", policy.contact_limit_s),
            )
        case e.DispatchRequested():
            return (remind("nobody_left", policy.nobody_left_s),)
        case e.Offered():
            expire = c.ExpireOffer(offer_id=fact.offer_id)
            return (
                Deadline(name="offer", due_at=fact.expires_at, command=expire, ref=fact.offer_id),
            )
        case e.Accepted(lead=True, late_after_s=float(after_s)):
            return (remind("en_route", after_s, fact.staff_id),)
        case e.NobodyLeftToAsk(helper=True):
            return ()
        case e.NobodyLeftToAsk():
            retry_at = at + timedelta(seconds=policy.retry_s)
            return (Deadline(name=RETRY_OFFER, due_at=retry_at, command=None),)
        case e.Entered() | e.CheckedIn():
            return (remind("lone_worker", policy.lone_worker_s, fact.staff_id),)
        case e.Reminded(about="lone_worker"):
            return (remind("lone_worker_silent", policy.lone_worker_call_s, fact.ref),)
        case e.PartyNeededRescue():
            return (remind("call_119", policy.call_119_s),)
        case e.AmbulanceNeeded():
            return (remind("call_120", policy.call_120_s),)
        case e.ReportQueued():
            return (
                remind("report_delivered", policy.report_delivered_s, fact.report_id),
                remind("report_voice", policy.report_voice_s, fact.report_id),
            )
        case e.RespondersStoodDown():
            return (
                remind("stand_down_release", policy.stand_down_release_s),
                remind("stand_down_lead", policy.stand_down_lead_s),
            )
        case e.ObligationDue(code="false_report"):
            return (remind("false_report", policy.false_report_s),)
        case e.HandedToAuthority():
            return (remind("monitored", fact.cycle_d * 86_400.0),)
        case e.Reminded(about="monitored", again_s=float(again_s)):
            return (remind("monitored", again_s),)
        case e.Released():
            return (remind("archive", policy.archive_s),)
        case _:
            return ()
