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
