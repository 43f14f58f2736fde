"""Hash and check passwords with argon2id, never on the event loop, two at a time.

Source:
    OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane or better.
"""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.access.flow import PASSWORD_MAX, tidy_password

_HASHER = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def turn() -> asyncio.Semaphore:
    """Held around every hash, so that a burst of logins cannot take the machine from the alarms."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(2))


async def hashed(password: str) -> str:
    """The argon2id hash to store."""
    async with turn():
        return await rehashed(password)


async def rehashed(password: str) -> str:
    """The same for a caller that holds ``turn()`` already."""
    return await asyncio.to_thread(_HASHER.hash, tidy_password(password))


async def matches(password: str, stored: str | None) -> bool:
    """Compare in one and the same time, whether or not there is an account.

    The caller holds ``turn()``.

    Args:
        password: as typed.
        stored: the account's hash, or None for an unknown or disabled account.
    """
    return await asyncio.to_thread(_matches, tidy_password(password[: PASSWORD_MAX + 1]), stored)


def _matches(password: str, stored: str | None) -> bool:
    nobodys = _nobodys_hash()
    try:
        _HASHER.verify(nobodys if stored is None else stored, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash("no account has this password; checking it costs what a real check costs")


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(stored)
