"""Look up a household's people: masked by default, every unmasked look audited."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from backend.access.principal import Principal
from backend.audit import service as audit
from backend.residents.flow import masked_name, masked_phone
from backend.residents.schemas import ContactView, Dweller, NewContact
from backend.shared.db import IDENTITY


async def contacts(household_id: UUID, *, unmasked: bool) -> list[ContactView]:
    """A household's people in the order of calling.

    This is for the platform's own use; what a person sees goes through ``view_contacts``.
    Masked, a need for help is only told as being there, without its words.
    """
    rows = await IDENTITY.fetch(
        "SELECT id, name, relation, phone, needs_help FROM contact"
        ' WHERE household_id = $1 ORDER BY "position", id',
        household_id,
    )
    return [
        ContactView(
            id=row["id"],
            name=row["name"] if unmasked else masked_name(row["name"]),
            relation=row["relation"],
            phone=row["phone"] if unmasked else masked_phone(row["phone"]),
            masked=not unmasked,
            needs_help=row["needs_help"] if unmasked or row["needs_help"] is None else "•",
        )
        for row in rows
    ]


async def view_contacts(
    principal: Principal,
    incident_id: UUID,
    household_id: UUID,
    *,
    unmasked: bool,
    reason: str,
    at: datetime,
) -> list[ContactView]:
    """The same for a person at a screen, with an audit row in the same transaction.

    Args:
        unmasked: whether the incident is active; the caller knows, this domain does not.
        reason: why it is looked at, such as ``incident is active``.
    """
    async with IDENTITY.transaction():
        found = await contacts(household_id, unmasked=unmasked)
        await audit.record(
            IDENTITY,
            actor=principal.account_id,
            role=principal.role,
            action="residents.contacts_viewed" if unmasked else "residents.contacts_viewed_masked",
            subject=household_id,
            after={"incident_id": incident_id, "contacts": [view.id for view in found]},
            reason=reason,
            at=at,
        )
    return found


async def dwellers(household_ids: Sequence[UUID], *, unmasked: bool) -> list[Dweller]:
    """Who lives behind these doors, by household and position.

    This is for the platform's own use; what a person sees goes through ``view_dwellers``.
    """
    rows = await IDENTITY.fetch(
        'SELECT id, household_id, name, needs_help, "position" FROM contact'
        " WHERE household_id = ANY($1::uuid[]) AND lives_here"
        ' ORDER BY household_id, "position", id',
        list(household_ids),
    )
    return [
        Dweller(
            id=row["id"],
            household_id=row["household_id"],
            name=row["name"] if unmasked else masked_name(row["name"]),
            needs_help=row["needs_help"] if unmasked or row["needs_help"] is None else "•",
            position=row["position"],
        )
        for row in rows
    ]


async def view_dwellers(
    principal: Principal,
    incident_id: UUID,
    household_ids: Sequence[UUID],
    *,
    unmasked: bool,
    reason: str,
    at: datetime,
) -> list[Dweller]:
    """The same for a person with an evacuation list, with one audit row for all doors."""
    async with IDENTITY.transaction():
        found = await dwellers(household_ids, unmasked=unmasked)
        await audit.record(
            IDENTITY,
            actor=principal.account_id,
            role=principal.role,
            action="residents.roster_viewed" if unmasked else "residents.roster_viewed_masked",
            subject=incident_id,
            after={"households": list(household_ids), "people": [one.id for one in found]},
            reason=reason,
            at=at,
        )
    return found


async def needs_help(household_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """What help people of these households need, by household; households without are left out."""
    rows = await IDENTITY.fetch(
        "SELECT household_id, needs_help FROM contact WHERE household_id = ANY($1::uuid[])"
        ' AND needs_help IS NOT NULL ORDER BY "position", id',
        list(household_ids),
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row["household_id"], []).append(row["needs_help"])
    return found


async def register(
    people: Sequence[NewContact], *, actor: UUID | str, role: str, at: datetime
) -> None:
    """Write people down, any number at once; an id that is there already is replaced.

    The audit has one row per household.
    """
    async with IDENTITY.transaction():
        await IDENTITY.execute_many(
            'INSERT INTO contact (id, household_id, name, relation, phone, "position",'
            " needs_help, consent_at, speaks, lives_here)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (id) DO UPDATE SET household_id = $2, name = $3, relation = $4,"
            ' phone = $5, "position" = $6, needs_help = $7, consent_at = $8, speaks = $9,'
            " lives_here = $10",
            [
                (p.id, p.household_id, p.name, p.relation, p.phone, p.position, p.needs_help,
                 p.consent_at, p.speaks, p.lives_here)
                for p in people
            ],
        )  # fmt: skip
        households: dict[UUID, list[UUID]] = {}
        for person in people:
            households.setdefault(person.household_id, []).append(person.id)
        await audit.record_many(
            IDENTITY,
            actor=actor,
            role=role,
            action="residents.registered",
            subjects=[(household, {"contacts": ids}) for household, ids in households.items()],
            at=at,
        )


async def telephones(household_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The number of each household's first contact who has one, for the platform's own calls."""
    rows = await IDENTITY.fetch(
        "SELECT DISTINCT ON (household_id) household_id, phone FROM contact"
        " WHERE household_id = ANY($1::uuid[]) AND phone <> ''"
        ' ORDER BY household_id, "position", id',
        list(household_ids),
    )
    return {row["household_id"]: row["phone"] for row in rows}
