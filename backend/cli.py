"""The ``jiean`` command line: one row per command, each loaded only when it is called.

A command is a function ``(argv: list[str]) -> int``; its words, options and ``--help`` are its own.
"""

import importlib
import sys
from typing import NamedTuple

from backend import __version__


class Command(NamedTuple):
    """Where a command lives and what it is for, in one line of each language."""

    target: str
    zh: str
    en: str


COMMANDS: dict[str, Command] = {
    "serve": Command("backend.serve:main", "运行平台", "run the platform"),
    "demo": Command("backend.demo.main:main", "演示街区", "run a whole neighbourhood, invented"),
    "migrate": Command("backend.migrate:main", "更新数据库", "bring the databases up to date"),
    "decode": Command("backend.sensing.decode:main", "解码报文", "show what a payload says"),
    "mapping": Command(
        "backend.sensing.mapping.cli:main", "映射模板", "mapping templates from and to a file"
    ),
    "verify": Command("backend.archive.verify:main", "核验档案", "check an exported archive"),
    "verify-photo": Command(
        "backend.evidence.verify:main", "核验照片", "check a photograph against its proof"
    ),
    "bench": Command("backend.bench.main:main", "测速", "measure from detector to screen"),
    "user": Command("backend.access.cli:main", "账户", "accounts and passwords"),
    "conformance": Command("backend.conformance:main", "条款证明", "which clauses tests prove"),
    "env-example": Command("backend.settings:main_env_example", "设置样例", "every setting"),
}


def usage() -> str:
    """All commands, one line each."""
    rows = [f"  {name:<12} {row.en}  {row.zh}" for name, row in COMMANDS.items()]
    rows.insert(0, "  test         run every check and test  全部检查与测试")
    rows.insert(1, "  fuzz         any bytes at every adapter  对解码器做模糊测试")
    return "\n".join(["usage: jiean COMMAND [options]   (jiean COMMAND --help)", "", *rows])


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 means that the words made no sense."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["--version"]:
        print(f"jiean {__version__}")
        return 0
    if not words or words[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if words else 2
    row = COMMANDS.get(words[0])
    if row is None:
        print(f"jiean: 没有这个命令 no such command: {words[0]}\n\n{usage()}", file=sys.stderr)
        return 2
    module, _, name = row.target.partition(":")
    code: int = getattr(importlib.import_module(module), name)(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
