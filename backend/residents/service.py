"""Look up a household's people: masked by default, every unmasked look audited."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.access.principal import Principal
from backend.audit import service as audit
from backend.residents.flow import Reachable, Way, masked_name, masked_phone, ways_of
from backend.residents.schemas import (
    ContactView,
    Dweller,
    Language,
    NewContact,
    NewPreference,
    PreferenceView,
)
from backend.shared.db import IDENTITY
from backend.shared.problems import NotFound


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


async def ways(household_ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """Door → number of each household, as its people want it; for the platform's own messages."""
    rows = await IDENTITY.fetch(
        "SELECT c.household_id, c.phone, coalesce(p.way, 'call') AS way FROM contact c"
        " LEFT JOIN preference p ON p.contact_id = c.id"
        ' WHERE c.household_id = ANY($1::uuid[]) ORDER BY c.household_id, c."position", c.id',
        list(household_ids),
    )
    people: dict[UUID, list[Reachable]] = {}
    for row in rows:
        people.setdefault(row["household_id"], []).append(Reachable(row["phone"], Way(row["way"])))
    return {household: ways_of(found) for household, found in people.items()}


async def languages(household_ids: Sequence[UUID]) -> dict[UUID, Language]:
    """The language of each household's first person who named one; those without are left out."""
    rows = await IDENTITY.fetch(
        "SELECT DISTINCT ON (p.household_id) p.household_id, p.language FROM preference p"
        " JOIN contact c ON c.id = p.contact_id WHERE p.household_id = ANY($1::uuid[])"
        ' ORDER BY p.household_id, c."position", c.id',
        list(household_ids),
    )
    return {row["household_id"]: row["language"] for row in rows}


async def preferences(household_ids: Sequence[UUID]) -> dict[UUID, list[PreferenceView]]:
    """How each household's people want to be reached, in the order of calling; masked."""
    rows = await IDENTITY.fetch(
        "SELECT c.household_id, c.id, c.name, c.relation, c.phone, p.way, p.large_text,"
        " p.language, p.consent_at FROM contact c LEFT JOIN preference p ON p.contact_id = c.id"
        ' WHERE c.household_id = ANY($1::uuid[]) ORDER BY c.household_id, c."position", c.id',
        list(household_ids),
    )
    found: dict[UUID, list[PreferenceView]] = {each: [] for each in household_ids}
    for row in rows:
        said: dict[str, Any] = {}
        if row["consent_at"] is not None:
            names = ("large_text", "language", "consent_at")
            said = {"way": Way(row["way"]), **{name: row[name] for name in names}}
        found[row["household_id"]].append(
            PreferenceView(
                contact_id=row["id"],
                name=masked_name(row["name"]),
                relation=row["relation"],
                phone=masked_phone(row["phone"]) if row["phone"] else "",
                **said,
            )
        )
    return found


async def prefer(
    household_id: UUID, wish: NewPreference, *, actor: UUID | str, role: str, at: datetime
) -> None:
    """Keep what a person of this household wishes, or, without consent, forget it.

    Args:
        household_id: whose person it must be.
        wish: theirs.
        actor, role: who writes it down: the household's own page, or an account.
        at: UTC.

    Raises:
        NotFound: nobody of this household has this id.
    """
    async with IDENTITY.transaction():
        row = await IDENTITY.fetch_one(
            "SELECT c.id, p.way, p.large_text, p.language FROM contact c"
            " LEFT JOIN preference p ON p.contact_id = c.id"
            " WHERE c.id = $1 AND c.household_id = $2 FOR UPDATE OF c",
            wish.contact_id,
            household_id,
        )
        if row is None:
            raise NotFound("这一户没有此人 nobody of this household")
        before = None
        if row["way"] is not None:
            before = {name: row[name] for name in ("way", "large_text", "language")}
        after = None
        if wish.consent:
            after = {
                "way": wish.way.value,
                "large_text": wish.large_text,
                "language": wish.language,
            }
            await IDENTITY.execute(
                "INSERT INTO preference (contact_id, household_id, way, large_text, language,"
                " consent_at, said_by) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                " ON CONFLICT (contact_id) DO UPDATE SET household_id = $2, way = $3,"
                " large_text = $4, language = $5, consent_at = $6, said_by = $7",
                wish.contact_id,
                household_id,
                *after.values(),
                at,
                f"{role} {actor}"[:80],
            )
        else:
            await IDENTITY.execute("DELETE FROM preference WHERE contact_id = $1", wish.contact_id)
        await audit.record(
            IDENTITY,
            actor=actor,
            role=role,
            action="residents.preference_changed"
            if wish.consent
            else "residents.preference_forgotten",
            subject=wish.contact_id,
            before=before,
            after=after,
            at=at,
        )
