"""The command line itself: commands are found late and a missing one harms no other."""

import pytest

from backend import __version__, cli


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"jiean {__version__}"


def test_an_unknown_command_is_2_and_shows_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["fly"]) == 2
    said = capsys.readouterr().err
    assert "fly" in said
    assert all(name in said for name in cli.COMMANDS)


def test_help_is_0_and_no_words_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.main(["--help"]), cli.main([])) == (0, 2)
    assert "usage: jiean" in capsys.readouterr().out


def test_a_commands_own_answer_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "len", cli.Command("builtins:len", "长度", "how many words"))
    assert cli.main(["len", "a", "b"]) == 2
