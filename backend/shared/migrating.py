"""What a hand-written migration is made of.

A file ``backend/<domain>/piccolo_migrations/<domain>_0001_<what>.py`` reads::

    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

    from backend.shared import migrating

    ID = "<domain>_0001_<what>"  # the file's name

    async def forwards() -> MigrationManager:
        return migrating.steps(ID, forwards=["CREATE TABLE …"], backwards=["DROP TABLE …"])

Each text may hold several statements. All of one file run in one transaction with the row that
remembers it. Migrations make structure only, never rows: the tests empty every table.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backend.shared.db import Database

if TYPE_CHECKING:  # Piccolo's migrations take long to import, and a start seldom needs them
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

APP_ROLE = "jiean_app"
"""The group whose members run the service; migrations run as the owner."""

_target: list[Database] = []


def aim(database: Database | None) -> None:
    """Which database ``run`` talks to; ``backend.migrate`` sets it, one at a time."""
    _target.clear()
    if database is not None:
        _target.append(database)


def target() -> Database:
    """The database being migrated.

    Raises:
        RuntimeError: no migration is running.
    """
    if not _target:
        raise RuntimeError("migrations are run by backend.migrate")
    return _target[0]


async def run(sql: str) -> None:
    """Run one or more statements in the migration's transaction."""
    current: Any = target().current_transaction.get()
    if current is None:
        raise RuntimeError("no migration transaction is open")
    await current.connection.execute(sql)


def steps(
    migration_id: str, *, forwards: Sequence[str], backwards: Sequence[str]
) -> "MigrationManager":
    """A migration of plain SQL texts, in the order given for each direction."""
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

    app = migration_id.partition("_0")[0]
    manager = MigrationManager(migration_id=migration_id, app_name=app, description=migration_id)

    async def there() -> None:
        for sql in forwards:
            await run(sql)

    async def back() -> None:
        for sql in backwards:
            await run(sql)

    manager.add_raw(there)
    manager.add_raw_backwards(back)
    return manager


def insert_only(table: str) -> str:
    """SQL that lets nobody change or empty ``table`` again: a right taken away and a trigger.

    The trigger also stops the owner; only a superuser who disables triggers gets past it.
    """
    return f"""
    CREATE OR REPLACE FUNCTION insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is insert-only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END $$;
    CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION insert_only();
    REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC, {APP_ROLE};
    """
