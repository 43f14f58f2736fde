"""Documents say what is there: paths, commands and links in them lead somewhere."""

import re
from pathlib import Path

import pytest

from backend import cli

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = "backend|geo|push|pwa|tests|tools|docs|lock|deploy"


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_path_in_the_architecture_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_architecture_is_read_in_one_sitting() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) < 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_both_readmes_name_every_command(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert [command for command in cli.COMMANDS if f"`{command}" not in text] == []


def test_both_readmes_have_the_same_chapters() -> None:
    chapters = [
        len(re.findall(r"^#+ ", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("README.md", "README.zh.md")
    ]
    assert chapters[0] == chapters[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=ids)
def test_a_decision_is_short_and_names_its_guard(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(text.splitlines()) < 60
    assert "## What guards it" in text
