"""Refusals of this domain, as the wire shows them."""

from backend.shared.problems import Problem


class NotSignedIn(Problem):
    """No session, or it ended."""

    slug, status, title = "not-signed-in", 401, "Sign in first"


class SomebodyElse(Problem):
    """The commands were said by another account than the one signed in; none of them is taken."""

    slug, status, title = "somebody-else", 401, "Sign in as the person who said it"


class WrongCredentials(Problem):
    """The login is unknown, the password wrong or the account disabled: never said which."""

    slug, status, title = "wrong-credentials", 401, "Login or password is wrong"


class LockedOut(Problem):
    """Too many failures in a row; ``retryAfterS`` says how many seconds to wait."""

    slug, status, title = "locked-out", 423, "Locked after too many attempts"


class WrongRole(Problem):
    """Signed in, but not as somebody who may do this."""

    slug, status, title = "wrong-role", 403, "Not allowed for this account"


class CrossSite(Problem):
    """A change asked for without the header that only our own pages send."""

    slug, status, title = "cross-site", 403, "Request did not come from our pages"


class LinkNotValid(Problem):
    """The link is unknown, ended or withdrawn: never said which."""

    slug, status, title = "link-not-valid", 404, "This link is not valid any more"


class AccountRefused(Problem):
    """A new account or password that breaks a rule; ``faults`` says which."""

    slug, status, title = "account-refused", 422, "Account or password not accepted"
