"""Who may see a photograph: the desk, and whoever is on the incident that names it."""

from backend.access.principal import Principal
from backend.incidents import journal
from backend.screens.incident import DESKS


async def may_see(principal: Principal, sha256: str) -> bool:
    """Whether an account may see the photograph of this hash."""
    if principal.roles & {*DESKS, "technician"}:
        return True
    if principal.staff_id is None:
        return False
    return await journal.on_photo(principal.staff_id, sha256)
