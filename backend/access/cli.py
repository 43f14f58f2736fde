"""``jiean user``: accounts from the command line, also the very first one."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from backend.access import accounts
from backend.access.flow import ROLES
from backend.access.problems import AccountRefused
from backend.settings import SettingsError, load
from backend.shared.clock import SystemClock
from backend.shared.db import OPERATIONS
from backend.shared.visit import NotReachable, visiting

ACTOR = "command-line"
FAULTS = {
    "too_short": "密码不足 10 个字符 fewer than 10 characters",
    "too_long": "密码过长 more than 200 characters",
    "too_plain": "密码须含三类字符 needs three of: small, capital, digit, sign, 汉字",
    "has_login": "密码不能包含账号 the password contains the login",
    "none": "至少一个角色 at least one role",
    "not_together": "三类管理员各自独立 an administrator role stands alone",
    "bad_login": "账号须为 1–64 个字符 the login has 1 to 64 characters",
    "login_taken": "账号已存在 the login is taken",
}

Work = Callable[[argparse.Namespace], Awaitable[int]]


def main(argv: list[str]) -> int:
    """Do one thing to the accounts; 0 done, 1 refused, 2 the words made no sense."""
    words = _parser().parse_args(argv)
    try:
        return asyncio.run(_with_database(words))
    except SettingsError as wrong:
        print("\n".join(wrong.problems), file=sys.stderr)
    except NotReachable as why:
        print(why, file=sys.stderr)
    except asyncpg.UndefinedTableError:
        print("数据库尚未建立 No tables yet: run `jiean serve` once", file=sys.stderr)
    except AccountRefused as refused:
        for fault in refused.facts["faults"]:
            print(FAULTS.get(fault, fault), file=sys.stderr)
    return 1


async def _with_database(words: argparse.Namespace) -> int:
    work: Work = words.work
    async with visiting(load(), OPERATIONS):
        return await work(words)


async def _add(words: argparse.Namespace) -> int:
    account_id = await accounts.create(
        login=words.login,
        name=words.name or words.login,
        password=_password(words),
        roles=words.roles.split(","),
        staff_id=words.staff,
        office_id=words.office,
        exercise=words.exercise,
        actor=ACTOR,
        at=SystemClock().now(),
    )
    print(account_id)
    return 0


async def _list(_: argparse.Namespace) -> int:
    for row in await accounts.listed():
        marks = "停用 disabled" if row.disabled_at else "演练 exercise" if row.exercise else ""
        print(f"{row.login}\t{row.name}\t{','.join(row.roles)}\t{marks}".rstrip())
    return 0


async def _disable(words: argparse.Namespace) -> int:
    done = await accounts.disable(words.login, actor=ACTOR, at=SystemClock().now())
    return _found(done)


async def _set_password(words: argparse.Namespace) -> int:
    done = await accounts.set_password(
        words.login, _password(words), actor=ACTOR, at=SystemClock().now()
    )
    return _found(done)


def _found(done: bool) -> int:
    if not done:
        print("没有此账号，或已停用 No such account in use", file=sys.stderr)
    return 0 if done else 1


def _password(words: argparse.Namespace) -> str:
    """From the keyboard, twice, unseen; or one line of the standard input. Never an argument:
    those stand in the list of processes."""
    if words.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("密码 password: ")
    if first != getpass.getpass("再输一次 again: "):
        print("两次输入不同 The two differ", file=sys.stderr)
        raise SystemExit(1)
    return first


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jiean user", description="accounts and passwords  账户与密码"
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, says: str, work: Work) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=says, description=says)
        made.set_defaults(work=work)
        return made

    add = action("add", "make an account  新建账户", _add)
    add.add_argument("login")
    add.add_argument("--name", help="the person's name, shown on screens")
    add.add_argument("--roles", required=True, help="with commas: " + " ".join(sorted(ROLES)))
    add.add_argument("--staff", type=UUID, help="id of the staff record")
    add.add_argument("--office", type=UUID, help="id of the office")
    add.add_argument("--exercise", action="store_true", help="for exercises only")
    action("list", "list all accounts  列出账户", _list)
    action("disable", "close an account and its sessions  停用账户", _disable).add_argument("login")
    change = action("password", "set a new password, end its sessions  重设密码", _set_password)
    change.add_argument("login")
    for one in (add, change):
        one.add_argument("--password-stdin", action="store_true", help="read it from stdin")
    return parser
