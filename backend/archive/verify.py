"""``jiean verify FILE…``: check exported records with no server and no database."""

import sys
from pathlib import Path

from backend.archive.seal import verify

USAGE = """usage: jiean verify FILE [FILE …]

Checks exported incident records. Several files are also checked as a chain in the order given.
检查导出的警情档案；多个文件按给出的顺序检查链条。"""


def main(argv: list[str]) -> int:
    """0 when every record is sound, 1 when one is not, 2 for wrong words or an unreadable file."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    faults = 0
    before: str | None = None
    for name in argv:
        try:
            data = Path(name).read_bytes()
        except OSError as failed:
            print(f"{name}: cannot be read: {failed.strerror}", file=sys.stderr)
            return 2
        verdict = verify(data)
        fault = verdict.fault
        if fault is None and before is not None and verdict.previous != before:
            fault = f"does not follow the record before it ({before[:12]}…)"
        before = verdict.sha256
        faults += fault is not None
        if fault is None:
            print(f"{name}: sound 完好  {verdict.no}  sha256 {verdict.sha256}")
        else:
            print(f"{name}: NOT SOUND 不完好: {fault}")
    return 1 if faults else 0
