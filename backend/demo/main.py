"""``jiean demo``: a whole neighbourhood on one machine; ``--once``: one alarm, unattended.

Everything in it is an exercise. The service is the real ``jiean serve`` as a child process with
a data folder of its own; the people are actors until somebody signs in as one of them.
"""

import argparse
import asyncio
import signal
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from backend.demo.child import ServeFailed, free_port
from backend.demo.ground import HASTE, ground
from backend.demo.once import Story
from backend.demo.seed import SomebodyReal
from backend.demo.telemetry import Telemetry
from backend.serve import CannotStart
from backend.shared.postgres import PostgresFailed

FOLDER = Path(".jiean/demo")


def main(argv: list[str]) -> int:
    """0 when all went as it must (``--once``) or after a clean stop."""
    words = _parser().parse_args(argv)
    try:
        if words.once:
            return asyncio.run(_once(words))
        from backend.demo.stay import stay

        return asyncio.run(stay(words, _told))
    except (ServeFailed, SomebodyReal, CannotStart, PostgresFailed) as why:
        print(f"[街安] ✗ {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jiean demo",
        description="演示街区：全部是演练 An invented neighbourhood: an exercise.",
    )
    add = parser.add_argument
    add("--once", action="store_true", help="one smoke alarm, unattended; JSON on the last line")
    add("--port", type=int, default=0, help="of the web face (8317; --once: any free one)")
    add("--lan", action="store_true", help="HTTPS for phones in the same network, with QR codes")
    add("--host", default="127.0.0.1", help="address to listen on; without HTTPS, see --lan")
    add("--seed", type=int, default=8, help="same seed, same neighbourhood")
    add("--folder", type=Path, default=FOLDER, help="its data folder")
    add("--per-second", type=float, default=20.0, help="background messages per second")
    add("--timeout", type=float, default=180.0, help="of --once, seconds")
    return parser


def _told(who: str, what: str) -> None:
    print(f"  {datetime.now().astimezone():%H:%M:%S}  {who:<16} {what}", flush=True)


async def _once(words: argparse.Namespace) -> int:
    """The unattended run. Prints one JSON object last, also when it failed."""
    print(
        "[街安] 演练：一次烟雾预警，从探测器到封存的档案 one alarm, from detector to sealed record"
    )
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    failed: str | None = None
    outcome: dict[str, object] = {}
    async with ground(
        words.folder,
        seed=words.seed,
        port=words.port or free_port(),
        mqtt_port=free_port(),
        settings=HASTE,
    ) as here:
        _told("serve", f"{here.serve.base}，启动 {here.serve.start_ms:.0f} ms")
        telemetry = Telemetry(
            here.serve.mqtt_url, here.town.detectors, per_s=words.per_second, seed=words.seed
        )
        telemetry.connect()
        flowing = asyncio.create_task(telemetry.run())
        story = Story(here, _told)
        try:
            async with asyncio.timeout(words.timeout):
                await story.run(telemetry, archive=words.folder / "archive.json")
        except TimeoutError as slow:
            failed = f"等待超时 waited too long {slow}".strip()
        except Exception as wrong:
            failed = f"{type(wrong).__name__}: {wrong}"
        finally:
            flowing.cancel()
            telemetry.close()
        outcome = story.outcome()
    if failed is not None:
        last = next(reversed(story.steps), "start")
        print(f"[街安] ✗ {last} 之后 after {last}: {failed}", file=sys.stderr)
        outcome["failed"] = failed
    print(msgspec.json.encode(outcome).decode(), flush=True)
    return 0 if failed is None and story.sealed and story.verified else 1
