"""Proofs and keys, parts of photographs on their way, and copies that may leave the incident.

Locks: nothing that exists. Undo: drops the four tables; proofs that a sealed record holds stay.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "evidence_0002_proofs"
TABLES = """
CREATE TABLE evidence_key (
    key_id varchar(16) PRIMARY KEY,
    public varchar(43) NOT NULL,
    first_used_at timestamptz NOT NULL
);
CREATE TABLE evidence_proof (
    incident_id uuid NOT NULL,
    sha256 text NOT NULL,
    phone varchar(16) NOT NULL,
    body text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (incident_id, sha256)
);
CREATE INDEX evidence_proof_sha256 ON evidence_proof (sha256);
CREATE TABLE evidence_part (
    sha256 varchar(64) NOT NULL,
    uploaded_by uuid NOT NULL,
    start integer NOT NULL CHECK (start >= 0),
    bytes bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (sha256, uploaded_by, start)
);
CREATE INDEX evidence_part_at ON evidence_part (at);
CREATE TABLE evidence_outward (
    sha256 varchar(64) PRIMARY KEY,
    outward_sha256 varchar(64) NOT NULL,
    how varchar(16) NOT NULL CHECK (how IN ('clear', 'blurred', 'pixelated')),
    faces integer NOT NULL,
    made_at timestamptz NOT NULL
);
"""
BACK = "DROP TABLE evidence_key, evidence_proof, evidence_part, evidence_outward"


async def forwards() -> MigrationManager:
    """Make the tables."""
    return migrating.steps(ID, forwards=[TABLES], backwards=[BACK])
