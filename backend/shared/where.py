"""Where the four databases are and as whom to connect: for the service, and for migrations."""

from typing import Any

import msgspec

from backend.settings import DatabaseSettings
from backend.shared.db import ALL, Database

NAMES = ("operations", "identity", "telemetry", "records")


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Keyword arguments of ``asyncpg.connect``, by database name.

    ``admin`` may create roles and databases and connects to the maintenance database;
    ``logins`` are roles to be made, name → password, where we own the server (embedded).
    """

    admin: dict[str, Any]
    owner: dict[str, dict[str, Any]]
    app: dict[str, dict[str, Any]]
    logins: dict[str, str] = {}
    owner_login: tuple[str, str] | None = None

    def configure(self, settings: DatabaseSettings) -> None:
        """Point the four engines of the service there; opens nothing."""
        for database in ALL:
            database.configure(
                self.app[database.name], acquire_timeout_s=settings.acquire_timeout_s
            )

    def owner_of(self, name: str) -> Database:
        """An engine without pool, as the owner, for migrations and tests."""
        database = Database(name)
        database.configure(self.owner[name])
        return database


def common(settings: DatabaseSettings) -> dict[str, Any]:
    """What every connection says: a short connect timeout, UTC, and our name."""
    return {
        "timeout": 10,
        "command_timeout": settings.command_timeout_s,
        "server_settings": {"application_name": "jiean", "timezone": "UTC"},
    }


def configured(settings: DatabaseSettings) -> Where:
    """The server named in the settings (``database.url`` is not empty)."""
    base, owner_dsn = common(settings), settings.owner_url or settings.url

    def at(dsn: str, name: str) -> dict[str, Any]:
        # hosts may be listed with commas: the one that takes writes is meant
        return {"dsn": dsn, "database": name, "target_session_attrs": "read-write", **base}

    return Where(
        admin=at(owner_dsn, "postgres"),
        owner={name: at(owner_dsn, settings.prefix + name) for name in NAMES},
        app={name: at(settings.url, settings.prefix + name) for name in NAMES},
    )
