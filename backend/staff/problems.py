"""Refusals of this domain, as the wire shows them."""

from backend.shared.problems import Problem


class NotOnDuty(Problem):
    """A position from somebody off duty: where people are then is nobody's business."""

    slug, status, title = "not-on-duty", 409, "Not on duty"


class FixFromFuture(Problem):
    """The phone's clock is wrong: a position from more than ten minutes ahead."""

    slug, status, title = "fix-from-future", 422, "Position from the future"


class NoStaffRecord(Problem):
    """The account does not belong to a member of staff."""

    slug, status, title = "no-staff-record", 403, "Account has no staff record"


class UnusableKey(Problem):
    """A phone offered a key that cannot verify anything."""

    slug, status, title = "unusable-key", 422, "Unusable key"


class OutsideShift(Problem):
    """Duty outside one's shift is extra duty, and needs a reason; ``nextAt`` is the next shift."""

    slug, status, title = "outside-shift", 409, "Outside the shift"


class RosterRefused(Problem):
    """The roster may not be like this; ``faults`` says why, in both languages."""

    slug, status, title = "roster-refused", 422, "Roster refused"


class RosterWarned(Problem):
    """It can be written when somebody insists; ``faults`` says what speaks against it."""

    slug, status, title = "roster-warned", 409, "Roster to be confirmed"


class NoSuchShift(Problem):
    """The shift, area, pattern or swap is gone: look again."""

    slug, status, title = "no-such-shift", 404, "No such shift"
