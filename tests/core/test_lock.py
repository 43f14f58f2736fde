"""What is installed is what was locked: by hash, from nowhere in particular, and complete."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "lock" / "lock.txt").read_text("utf-8")


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def locked() -> dict[str, str]:
    """Package name to its block of the lock."""
    blocks = re.findall(r"^(\S+==[^\n]*\n(?:    .*\n)*)", LOCK, re.MULTILINE)
    return {name_of(block): block for block in blocks}


def test_every_locked_package_carries_a_hash() -> None:
    blocks = locked()
    assert len(blocks) > 50
    assert [name for name, block in blocks.items() if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_place_to_download_from() -> None:
    assert re.findall(r"https?://|file:|--\w*index|--find-links", LOCK) == []


def test_everything_the_package_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["apns"]]
    assert {name_of(requirement) for requirement in wanted} - locked().keys() == set()


def test_everything_asked_for_by_hand_is_locked() -> None:
    lines = (ROOT / "lock" / "requirements.in").read_text("utf-8").splitlines()
    wanted = {name_of(line) for line in lines if line and not line.startswith("#")}
    assert wanted - locked().keys() == set()
