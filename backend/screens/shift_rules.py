"""What the settings say about shifts, as the staff domain wants it."""

from datetime import timedelta

from backend.settings import Settings
from backend.staff.duty import DutyRules
from backend.staff.flow.shifts import Limits
from backend.staff.swaps import Rules


def limits(settings: Settings) -> Limits:
    """What is warned of."""
    return Limits(stretch_h=settings.roster.stretch_h, rest_h=settings.roster.rest_h)


def duty_rules(settings: Settings) -> DutyRules:
    """When duty may begin and when it ends by itself."""
    ours = settings.roster
    return DutyRules(early_min=ours.early_min, grace_min=ours.grace_min, extra_h=ours.extra_h)


def swap_rules(settings: Settings) -> Rules:
    """Who has the last word on a swap."""
    return Rules(limits=limits(settings), approval=settings.roster.swap_approval)


def ahead(settings: Settings) -> timedelta:
    """How far ahead gaps are looked for."""
    return timedelta(days=settings.roster.ahead_days)
