"""``./jiean`` before anything is installed: what it says, and when it makes things anew."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "jiean"


@pytest.fixture
def jiean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, standing in an empty folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader("jiean", SourceFileLoader("jiean", str(SCRIPT)))
    assert spec
    assert spec.loader
    script: Any = module_from_spec(spec)
    spec.loader.exec_module(script)
    script.LOG, script.PWA = tmp_path / "log", tmp_path / "pwa"
    return script


def fails_with(jiean: Any, words: str, capsys: pytest.CaptureFixture[str]) -> str:
    program = f"import sys; print({words!r}); sys.exit(1)"
    with pytest.raises(SystemExit) as ended:
        jiean.run([sys.executable, "-c", program], "It failed.")
    assert ended.value.code == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "NewConnectionError: Failed to establish a new connection",
        "[Errno -3] Temporary failure in name resolution",
        "npm error code ENOTFOUND",
    ],
)
def test_a_missing_network_is_said_in_plain_words(
    jiean: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fails_with(jiean, words, capsys)
    assert "请检查网络" in said
    assert "check the network" in said


def test_a_full_disk_is_said_in_plain_words(jiean: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert "磁盘已满" in fails_with(jiean, "OSError: [Errno 28] No space left on device", capsys)


def test_any_other_failure_shows_its_last_words_and_the_log(
    jiean: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fails_with(jiean, "THESE PACKAGES DO NOT MATCH THE HASHES", capsys)
    assert "DO NOT MATCH" in said
    assert "It failed." in said
    assert "check the network" not in said
    assert "DO NOT MATCH" in jiean.LOG.read_text("utf-8")


def test_the_web_app_is_built_from_its_sources_and_not_from_what_was_built(jiean: Any) -> None:
    for name in ("src/a.ts", "node_modules/x/index.js", "dist/index.html", "index.html"):
        file = jiean.PWA / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert [path.relative_to(jiean.PWA).as_posix() for path in jiean.pwa_sources()] == [
        "index.html",
        "src/a.ts",
    ]


def test_a_digest_changes_with_one_byte_of_one_file(jiean: Any, tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text("a==1")
    before = jiean.digest(file, "root")
    file.write_text("a==2")
    assert jiean.digest(file, "root") != before
