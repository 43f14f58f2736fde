"""Numbered papers and the last number of each series and year.

Locks: nothing that exists. Undo: drops both tables, the papers with them.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "documents_0001_papers"

FORWARDS = """
CREATE TABLE paper_number (
    series text NOT NULL,
    year integer NOT NULL,
    last integer NOT NULL CHECK (last > 0),
    PRIMARY KEY (series, year)
);
CREATE TABLE paper (
    sha256 varchar(64) PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    incident_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    handling text NOT NULL,
    series text NOT NULL,
    year integer NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    number text NOT NULL UNIQUE,
    title text NOT NULL,
    author text NOT NULL,
    filed_at timestamptz NOT NULL,
    pdf bytea NOT NULL,
    UNIQUE (incident_id, version, kind),
    UNIQUE (series, year, seq)
);
"""


async def forwards() -> MigrationManager:
    """Make the tables; papers are insert-only."""
    return migrating.steps(
        ID,
        forwards=[FORWARDS, migrating.insert_only("paper")],
        backwards=["DROP TABLE paper; DROP TABLE paper_number"],
    )
