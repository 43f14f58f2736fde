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
from typing import Any
from uuid import UUID

import segno

from backend.demo import payloads
from backend.demo.actors import SOFT, Field, OfficeClerk, Told
from backend.demo.autopilot import drive
from backend.demo.child import free_port
from backend.demo.ground import Ground, ground
from backend.demo.page import create_page
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector
from backend.demo.walking import Lanes
from backend.serve import http_server

PORT = 8317
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
    address = f"http://{_own_address() if words.host != '127.0.0.1' else words.host}:{port}"
    print("[街安] 正在布置街区 … laying out the neighbourhood …", flush=True)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            ground(
                words.folder,
                seed=words.seed,
                port=port,
                mqtt_port=free_port(),
                settings={"JIEAN_HTTP_HOST": words.host, "JIEAN_HTTP_PUBLIC_URL": address},
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

        await stack.enter_async_context(_page(words.host, port + 1, address, raise_kind, calm_all))
        await _people(stack, here, told, lambda id_: telemetry.end_alarm(by_id[UUID(id_)]))
        with _keys(raise_kind, calm_all, stop):
            _say(here, address, port + 1)
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
        one = Field(here.serve.base, person, lanes, start, told, seed=n)
        stack.push_async_callback(one.close)
        with contextlib.suppress(*SOFT):
            await one.open(here.password)
            await stack.enter_async_context(_task(drive(one, told, calm, seed=n)))
    for office in here.company.offices:
        clerk = OfficeClerk(here.serve.base, office, told, after_s=8.0)
        stack.push_async_callback(clerk.wire.close)
        with contextlib.suppress(*SOFT):
            await clerk.open(here.password)


def _say(here: Ground, address: str, page_port: int) -> None:
    """Addresses, accounts and a QR code for the phone."""
    phone = f"{address}/login"
    segno.make(phone, micro=False).terminal(compact=True)
    home = here.linked()[0]
    lines = [
        f"手机扫码 phone        {phone}",
        f"值班台 desk           {address}/desk",
        f"报警页 raise alarms   {address.rpartition(':')[0]}:{page_port}/demo   或按键 or keys 1-7",
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
            "手机没有 HTTPS 时：定位、通知、离线不可用 no HTTPS: no position, push, offline"
        )
    print("\n".join(lines), flush=True)


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
async def _page(
    host: str, port: int, address: str, raise_kind: Callable[[str], str | None],
    calm: Callable[[], int],
) -> AsyncIterator[None]:  # fmt: skip
    server = http_server(create_page(address, raise_kind, calm))
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


def _own_address() -> str:
    """This machine's address in its network; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
