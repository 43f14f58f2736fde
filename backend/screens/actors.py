"""From who is signed in to who acts in an incident."""

from uuid import UUID

from backend.access.principal import Principal
from backend.incidents.flow.commands import AnyCommand
from backend.incidents.flow.rules import RULES
from backend.incidents.flow.vocabulary import Actor, Role

PREFERENCE = (
    Role.FIELD,
    Role.DESK_LEAD,
    Role.DESK,
    Role.TECHNICIAN,
    Role.OFFICE,
    Role.MANAGER,
    Role.AUDIT,
)


def actor_of(principal: Principal, command: AnyCommand) -> Actor:
    """The role in which an account issues this command: one that may, if it has one."""
    mine = [role for role in PREFERENCE if role.value in principal.roles]
    may = RULES[type(command)].roles
    role = next((r for r in mine if r in may), mine[0] if mine else Role.MANAGER)
    own = f"office:{principal.office_id}" if role is Role.OFFICE else str(principal.account_id)
    return Actor(id=own, role=role, name=principal.name, staff=principal.staff_id)


def household_actor(household_id: UUID) -> Actor:
    """A person of a household, by its link."""
    return Actor(id=f"household:{household_id}", role=Role.RESIDENT, name="当事人")


def office_actor(office_id: UUID, name: str) -> Actor:
    """An office, by its one-report link."""
    return Actor(id=f"office:{office_id}", role=Role.OFFICE, name=name)
