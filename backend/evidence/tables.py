"""What is known of each stored photograph; the bytes are in the evidence store."""

from piccolo.columns import UUID, Integer, Timestamptz, Varchar
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Evidence(Table, db=OPERATIONS, tablename="evidence"):
    """One photograph that was received whole and decodes as an image."""

    sha256 = Varchar(length=64, primary_key=True)
    bytes = Integer()
    width = Integer()
    height = Integer()
    mime = Varchar(length=16)
    uploaded_by = UUID()
    uploaded_at = Timestamptz(default=None)
