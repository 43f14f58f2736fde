"""The keys of people's phones: registered by the phone, asked for with every batch of commands."""

from datetime import datetime
from uuid import UUID

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from backend.staff.problems import NoStaffRecord, UnusableKey
from backend.staff.schemas import PublicKey
from backend.staff.signing import usable


async def register(
    person_id: UUID, device_id: str, key: PublicKey, *, actor: UUID | str, role: str, at: datetime
) -> None:
    """From now on this person's commands from this phone are taken only with its signature.

    The same key again changes nothing; another one replaces it, as after the phone was cleared.

    Raises:
        UnusableKey: the numbers are no point on the curve.
        NoStaffRecord: there is no such person.
    """
    if not usable(key):
        raise UnusableKey("不是有效的 P-256 公钥 Not a point on the curve P-256")
    async with OPERATIONS.transaction():
        known = await OPERATIONS.fetch_one(
            "SELECT k.x, k.y FROM person p LEFT JOIN phone_key k ON k.person_id = p.id"
            " AND k.device_id = $2 WHERE p.id = $1 FOR UPDATE OF p",
            person_id,
            device_id,
        )
        if known is None:
            raise NoStaffRecord("没有此人员 No such member of staff")
        if (known["x"], known["y"]) == (key.x, key.y):
            return
        await OPERATIONS.execute(
            "INSERT INTO phone_key (person_id, device_id, x, y, registered_at)"
            " VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (person_id, device_id) DO UPDATE SET x = $3, y = $4, registered_at = $5",
            person_id,
            device_id,
            key.x,
            key.y,
            at,
        )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="staff.phone_registered",
            subject=person_id,
            before=None if known["x"] is None else {"device_id": device_id, "x": known["x"]},
            after={"device_id": device_id, "x": key.x},
            at=at,
        )


async def keys_of(person_id: UUID | None) -> dict[str, PublicKey]:
    """The keys of a person's phones by device id; none for accounts without staff record."""
    if person_id is None:
        return {}
    rows = await OPERATIONS.fetch(
        "SELECT device_id, x, y FROM phone_key WHERE person_id = $1", person_id
    )
    return {row["device_id"]: PublicKey(x=row["x"], y=row["y"]) for row in rows}


async def holders_of(device_id: str) -> dict[UUID, PublicKey]:
    """Whose phone this is or was, with each person's key on it."""
    rows = await OPERATIONS.fetch(
        "SELECT person_id, x, y FROM phone_key WHERE device_id = $1", device_id
    )
    return {row["person_id"]: PublicKey(x=row["x"], y=row["y"]) for row in rows}


async def refused(
    incident_id: UUID,
    *,
    device_id: str | None,
    command: str,
    actor: str,
    role: str,
    at: datetime,
    why: str = "signature",
) -> None:
    """Write down that a phone's command was not even looked at: its signature is not the one of
    the phone it names, or the person was disabled when they said it.

    Nothing else is kept of it: the true command of that id may still come.
    """
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action=f"incident.{why}_refused",
            subject=incident_id,
            after={"command": command, "device_id": device_id},
            at=at,
        )
