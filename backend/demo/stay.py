"""``jiean demo`` without ``--once``: the neighbourhood stays until Ctrl-C, to be played in."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import segno
from litestar import Litestar

from backend.demo import payloads
from backend.demo.actors import SOFT, Field, OfficeClerk, Told
from backend.demo.autopilot import drive
from backend.demo.child import free_port
from backend.demo.door import create_door
from backend.demo.ground import Ground, ground
from backend.demo.page import create_page
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector
from backend.demo.trust import Address, Trust, addresses, made
from backend.demo.walking import Lanes
from backend.serve import http_server

PORT = 8317
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what --lan asks for
ROLES = {
    "field": "外勤 field", "desk": "值班台 desk", "desk_lead": "值班长 desk lead",
    "technician": "技术员 technician", "manager": "经理 manager",
}  # fmt: skip


async def stay(words: argparse.Namespace, told: Told) -> int:
    """Run until Ctrl-C or SIGTERM.

    Raises:
        ServeFailed, SomebodyReal, CannotStart: with a sentence for a person.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = words.port or PORT
    host = EVERYWHERE if words.lan else words.host
    trust, near = _trusted(words.folder) if words.lan else None, "127.0.0.1"
    if host != "127.0.0.1":
        near = next((_literal(each) for each in addresses() if each.version == 4), near)
    address = f"{'https' if trust else 'http'}://{near}:{port}"
    if words.lan and near == "127.0.0.1":
        print("[街安] 本机没有局域网地址 this machine has no address in a network", flush=True)
    print("[街安] 正在布置街区 … laying out the neighbourhood …", flush=True)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            ground(
                words.folder,
                seed=words.seed,
                port=port,
                mqtt_port=free_port(),
                settings={"JIEAN_HTTP_HOST": host, "JIEAN_HTTP_PUBLIC_URL": address},
                trust=trust,
            )
        )
        telemetry = Telemetry(
            here.serve.mqtt_url, here.town.detectors, per_s=words.per_second, seed=words.seed
        )
        telemetry.connect()
        stack.callback(telemetry.close)
        await stack.enter_async_context(_task(telemetry.run()))
        by_id = {d.id: d for d in here.town.detectors}

        def raise_kind(kind: str) -> str | None:
            found = telemetry.raise_kind(kind)
            if found is None:
                return None
            told(payloads.NAMES[kind], where := _where(here, found))
            return f"{payloads.NAMES[kind]}：{where}"

        def calm_all() -> int:
            alarms = telemetry.alarms
            for id_ in alarms:
                telemetry.end_alarm(by_id[id_])
            told("全部", f"{len(alarms)} 个探测器恢复正常 back to normal")
            return len(alarms)

        # raising alarms is for whoever sits here: with --lan it is not offered to the network
        await stack.enter_async_context(
            _beside(words.host, port + 1, create_page(address, raise_kind, calm_all))
        )
        if trust is not None:
            door = create_door(trust, here=f"http://{near}:{port + 2}", app=f"{address}/login")
            await stack.enter_async_context(_beside(host, port + 2, door))
        await _people(stack, here, told, lambda id_: telemetry.end_alarm(by_id[UUID(id_)]))
        with _keys(raise_kind, calm_all, stop):
            _say(here, address, f"http://{near if host == words.host else words.host}:{port + 1}")
            if trust is not None:
                _say_trust(trust, f"http://{near}:{port + 2}", address)
            await _until(stop, here)
        print("[街安] 正在停止 stopping …", flush=True)
    return 0 if stop.is_set() else 1


async def _until(stop: asyncio.Event, here: Ground) -> None:
    """Until somebody stops it, or the service died."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
        if not here.serve.running:
            print(
                f"[街安] ✗ 服务已退出 serve ended: {here.serve.folder}/serve.log", file=sys.stderr
            )
            return


async def _people(
    stack: AsyncExitStack, here: Ground, told: Told, calm: Callable[[str], None]
) -> None:
    """Eight people walk about and answer; the offices acknowledge. No desk: that is yours."""
    lanes = Lanes(here.town.paths)
    corners = lanes.corners()
    for n, person in enumerate(here.company.post("field")):
        start = corners[(n * len(corners)) // 8]
        one = Field(here.serve.base, person, lanes, start, told, seed=n, verify=here.serve.verify)
        stack.push_async_callback(one.close)
        with contextlib.suppress(*SOFT):
            await one.open(here.password)
            await stack.enter_async_context(_task(drive(one, told, calm, seed=n)))
    for office in here.company.offices:
        clerk = OfficeClerk(here.serve.base, office, told, after_s=8.0, verify=here.serve.verify)
        stack.push_async_callback(clerk.wire.close)
        with contextlib.suppress(*SOFT):
            await clerk.open(here.password)


def _say(here: Ground, address: str, page: str) -> None:
    """Addresses, accounts and a QR code for the phone."""
    phone = f"{address}/login"
    if here.serve.verify is None:
        segno.make(phone, micro=False).terminal(compact=True)
    home = here.linked()[0]
    lines = [
        f"手机扫码 phone        {phone}",
        f"值班台 desk           {address}/desk",
        f"报警页 raise alarms   {page}/demo   或按键 or keys 1-7",
        f"居民页 a household    {address}/resident/#{here.links[str(home.id)]}",
        f"                      {home.address}",
        f"密码 password         {here.password}",
    ]
    for role, words in ROLES.items():
        people = "  ".join(f"{s.login} {s.name}" for s in here.company.post(role))
        lines.append(f"{words:<20} {people}")
    offices = "  ".join(f"{o.login} {o.name}" for o in here.company.offices)
    keys = "  ".join(f"{n} {payloads.NAMES[k]}" for n, k in enumerate(payloads.KEYS, start=1))
    lines += [
        f"单位 offices          {offices}",
        f"街区 neighbourhood    {len(here.town.households)} 户 households，"
        f"{len(here.town.detectors)} 个探测器 detectors，启动 {here.serve.start_ms:.0f} ms",
        f"按键 keys             {keys}  0 全部恢复 calm  q 退出 quit",
        "演练：不会联系任何真实人员。Exercise: nobody real is ever reached.",
    ]
    if address.startswith("http://") and "127.0.0.1" not in address:
        lines.append(
            "手机没有 HTTPS 时：定位、通知、离线不可用，请用 --lan no HTTPS: no position, push, "
            "offline; use --lan"
        )
    print("\n".join(lines), flush=True)


def _say_trust(trust: Trust, door: str, address: str) -> None:
    """Two QR codes: trust this machine first, then open the app."""
    for word, url in (
        ("① 手机先扫这里，按页上步骤信任本机 scan first: how to trust this machine", door),
        ("② 再扫这里，打开街安 then scan: open the app", f"{address}/login"),
    ):
        segno.make(url, micro=False).terminal(compact=True)
        print(f"{word}\n   {url}", flush=True)
    print(f"指纹 fingerprint      SHA-256 {trust.fingerprint}", flush=True)


def _where(here: Ground, detector: Detector) -> str:
    home = next((h for h in here.town.households if h.id == detector.household_id), None)
    building = next((b for b in here.town.buildings if b.id == detector.building_id), None)
    place = home.address if home else building.name if building else ""
    return f"{place} {detector.label}".strip()


@asynccontextmanager
async def _task(work: Any) -> AsyncIterator[None]:
    """Run something beside, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _beside(host: str, port: int, page: Litestar) -> AsyncIterator[None]:
    """A small application of the demonstration's own, over plain HTTP."""
    server = http_server(page)
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.setblocking(False)
        task = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def _keys(
    raise_kind: Callable[[str], str | None], calm: Callable[[], int], stop: asyncio.Event
) -> Iterator[None]:
    """Single keys of the terminal, where there is one."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        for key in os.read(sys.stdin.fileno(), 16).decode(errors="ignore"):
            if key in "1234567":
                raise_kind(payloads.KEYS[int(key) - 1])
            elif key == "0":
                calm()
            elif key in "q\x04":
                stop.set()

    tty.setcbreak(sys.stdin)
    loop.add_reader(sys.stdin, pressed)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _trusted(folder: Path) -> Trust:
    """The demonstration's authority, good for this machine's addresses of today."""
    return made(folder / "lan", own=addresses(), host=socket.gethostname(), now=datetime.now(UTC))


def _literal(address: Address) -> str:
    """As it stands in a URL."""
    return f"[{address}]" if address.version == 6 else str(address)
