"""``jiean mapping``: templates from and to a file, for a first installation or another one.

``import FILE --why TEXT`` puts each template of a JSON array in force that is not in force as it
stands; doing it again changes nothing. ``export`` prints what is in force as such an array.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import asyncpg
import msgspec

from backend.sensing.adapters.templates import Template
from backend.sensing.mapping import service
from backend.sensing.mapping.service import MappingRefused, Who
from backend.settings import SettingsError, load
from backend.shared.clock import SystemClock
from backend.shared.db import TELEMETRY
from backend.shared.visit import NotReachable, visiting

MAX_FILE = 4 * 1024 * 1024


def main(argv: list[str]) -> int:
    """Import or export; 0 done, 1 refused or not reachable, 2 the words made no sense."""
    try:
        words = _parser().parse_args(argv)
    except SystemExit as end:
        return 0 if end.code == 0 else 2
    try:
        return asyncio.run(_work(words))
    except SettingsError as wrong:
        print("\n".join(wrong.problems), file=sys.stderr)
    except (NotReachable, OSError, msgspec.DecodeError) as why:
        print(why, file=sys.stderr)
    except asyncpg.UndefinedTableError:
        print("数据库尚未建立 No tables yet: run `jiean serve` once", file=sys.stderr)
    except MappingRefused as refused:
        for fault in refused.facts["faults"]:
            print(f"{fault['field']}: {fault['code']} {fault['what']}".rstrip(), file=sys.stderr)
    return 1


async def _work(words: argparse.Namespace) -> int:
    async with visiting(load(), TELEMETRY):
        if words.work == "export":
            found = [one for one, _ in await service.in_force()]
            print(msgspec.json.format(msgspec.json.encode(found)).decode())
            return 0
        with words.file.open("rb") as file:
            wanted = msgspec.json.decode(file.read(MAX_FILE), type=list[Template])
        who = Who(account_id=None, name="command-line", role="system", at=SystemClock().now())
        for name in await put(wanted, words.why, who):
            print(f"{name}\t已生效 in force")
    return 0


async def put(wanted: list[Template], why: str, who: Who) -> list[str]:
    """Put templates in force that are not so already; their names.

    Raises:
        MappingRefused: one of them cannot be; those before it are in force.
    """
    now = {one.name: one for one, _ in await service.in_force()}
    done = []
    for template in wanted:
        if now.get(template.name) == template:
            continue
        version = await service.save(template, why, who)
        await service.begin(template.name, version, why, who)
        done.append(template.name)
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jiean mapping", description="映射模板 Mapping templates")
    parts = parser.add_subparsers(dest="work", required=True)
    one = parts.add_parser("import", help="put the templates of a JSON file in force")
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--why", required=True, help="the reason, kept with the version")
    parts.add_parser("export", help="print the templates in force")
    return parser
