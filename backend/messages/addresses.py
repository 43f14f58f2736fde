"""Whom a message is for, in one text: the same on the live socket and in the outbox."""

from uuid import UUID

from backend.access.links import Link
from backend.access.principal import Principal


def address_of(principal: Principal) -> str:
    """The address of an account.

    Field staff are known by their staff record, so that a message reaches the person whichever
    account signs in; an office by the office; everybody else by the account.
    """
    if principal.staff_id is not None and "field" in principal.roles:
        return staff(principal.staff_id)
    if principal.office_id is not None and "office" in principal.roles:
        return f"office:{principal.office_id}"
    return f"account:{principal.account_id}"


def staff(staff_id: UUID) -> str:
    """The address of a member of staff."""
    return f"staff:{staff_id}"


def link(opened: Link) -> str:
    """The address of a page opened by a link."""
    return f"{opened.purpose}:{opened.subject_id}"


def staff_id_of(address: str) -> UUID | None:
    """The member of staff behind an address, or None for anybody else."""
    kind, _, name = address.partition(":")
    return UUID(name) if kind == "staff" else None
