"""What the core is told about the world when it decides: values, no lookups."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.incidents.flow.commands import Command
from backend.incidents.flow.vocabulary import OfficeRef


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of ours (▲) except where a clause is named; seconds unless the name says else."""

    desk_presentation_s: float = 2.0  # 6.2.1, from the standard
    desk_claim_s: float = 15.0
    desk_claim_lead_s: float = 30.0
    contact_limit_s: float = 60.0
    call_attempts: int = 2
    offer_first_s: float = 25.0
    offer_next_s: float = 20.0
    undo_s: float = 10.0
    nobody_left_s: float = 90.0
    en_route_slack_s: float = 60.0
    en_route_p1_s: float = 180.0
    retry_s: float = 20.0
    report_delivered_s: float = 20.0
    report_voice_s: float = 60.0
    stand_down_release_s: float = 60.0
    stand_down_lead_s: float = 300.0
    false_report_s: float = 86_400.0
    debt_s: float = 86_400.0
    authority_report_s: float = 7_200.0
    archive_s: float = 259_200.0
    lone_worker_s: float = 300.0
    lone_worker_call_s: float = 60.0
    call_119_s: float = 60.0
    monitored_s: float = 86_400.0
    monitored_structure_s: float = 604_800.0
    false_again_s: float = 600.0
    call_120_s: float = 60.0
    late_s: float = 60.0
    self_assign_m: float = 150.0
    cordon_gas_m: float = 50.0
    cordon_gas_outer_m: float = 100.0
    cordon_margin_m: float = 8.0
    cordon_heights: float = 1.5
    storey_m: float = 3.5
    cordon_near_m: float = 60.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that the shell looked up for one order.

    ``new_ids`` are fresh UUIDs for things that come to be (reports); the core takes them in
    order. ``below_clear`` is None when no live value is known.
    """

    now: datetime
    policy: Policy = Policy()
    qualified: bool = True
    on_shift: bool = True
    leads_elsewhere: bool = False
    asked_elsewhere: bool = False
    staff_name: str = ""
    badge: str = ""
    metres: float | None = None
    offices: tuple[OfficeRef, ...] = ()
    new_ids: tuple[UUID, ...] = ()
    below_clear: bool | None = None
    disabled_before: bool = False
    second_person: bool = False
    """The account named as second person exists, is in use, and is not the actor's own."""
    other_open: bool | None = None
    """Of the incident named by ``merge``: open, or None where there is none."""

    def after(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refused command: a code of ``words.REFUSALS`` and what is missing."""

    code: str
    missing: tuple[str, ...] = ()


def refuse(code: str, *missing: str) -> Refusal:
    return Refusal(code=code, missing=missing)


OLDEST = timedelta(days=3660)
"""How far back a tap may lie where no incident bounds it ▲."""


class CorrectedTime(msgspec.Struct, frozen=True):
    occurred_at: datetime
    late: bool


def corrected(
    occurred_at: datetime,
    received_at: datetime,
    *,
    skew: timedelta,
    emitted_at: datetime | None,
    late_s: float,
) -> CorrectedTime:
    """Put a phone's time on the server's clock (lifecycle 8.2).

    Args:
        occurred_at: the phone's clock at the tap, UTC.
        received_at: the server's clock at arrival, UTC.
        skew: server minus phone, measured at last contact.
        emitted_at: when the incident was emitted; nothing in it happened earlier.
        late_s: how long after the tap is late, s.

    Returns:
        The corrected time, within [emitted_at, received_at], and whether it is late.
    """
    earliest = received_at - OLDEST if emitted_at is None else min(emitted_at, received_at)
    # as spans, not instants: a phone's clock may say the year 1 or 9999
    ago = min(max(received_at - occurred_at - skew, timedelta()), received_at - earliest)
    return CorrectedTime(received_at - ago, ago.total_seconds() > late_s)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of commands."""

    code: str
    command: type[Command]
    roles: frozenset[str]
    states: frozenset[str]
    clause: str
    offline: str | None = None
