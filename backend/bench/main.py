"""``jiean bench``: how fast it is where it matters; ``--help`` says what can be measured."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec

from backend.demo.child import ServeFailed
from backend.demo.seed import SomebodyReal
from backend.serve import CannotStart, run
from backend.shared.postgres import PostgresFailed


def main(argv: list[str]) -> int:
    """0 when it was measured, met or not; the figures are the last line, as JSON."""
    parser = argparse.ArgumentParser(prog="jiean bench", description="测速 measure")
    add = parser.add_argument
    add(
        "what",
        choices=["alert", "app", "chart", "geo", "ingest", "push", "sync"],
        help="alert: message → desk in Chromium, message → phone's socket; "
        "app: how fast the phone's app opens, cold on 3G and warm with no network; "
        "chart: one detector's day out of twenty million stored readings; "
        "geo: nearest five of moving people, beside rtree and PostgreSQL; "
        "ingest: readings through mosquitto, per second of processor time; "
        "push: residents told at once while alarms go out to staff; "
        "sync: a phone after a day offline, on a weak line that tears",
    )
    add("--alarms", type=int, default=60, help="how many alarms, each in another building")
    add("--per-second", type=float, default=500.0, help="readings per second in the background")
    add("--times", type=int, default=7, help="how often the app is opened in each way")
    add("--recipients", type=int, default=10_000, help="residents who are told at once")
    add("--seconds", type=float, default=20.0, help="ingest: of each measured stretch")
    add(
        "--rows",
        type=int,
        default=20_000_000,
        help="stored readings for chart; 0: none",
    )
    add("--processes", type=int, default=0, help="ingest: that store readings; 0 = the service")
    add("--client", choices=["native", "paho"], default="native", help="ingest: who speaks MQTT")
    add("--kills", type=int, default=0, help="ingest: instead, count after so many kill -9")
    add("--broker-kills", type=int, default=0, help="ingest: instead, what mosquitto can lose")
    add("--quick", action="store_true", help="ingest: a million rows, 20,000 detectors")
    add("--seed", type=int, default=8, help="of the neighbourhood")
    add("--folder", type=Path, help="data folder to use again; else a new one, removed after")
    words = parser.parse_args(argv)
    if words.what == "geo":
        return _geo(words.seed)
    if words.what == "chart":
        return _chart(words.rows, words.folder)
    # Only here: playwright is a tool of tests, not a part of the service.
    try:
        from backend.bench import alert, app, broker_kills, ingest, kills, push, sync
    except ModuleNotFoundError as missing:
        print(f"[街安] ✗ 需要 {missing.name}：./jiean bench {words.what}", file=sys.stderr)
        return 1
    # new each time: an alarm left open by the last run would take the next one in
    made = Path(tempfile.mkdtemp(prefix="jiean-bench-"))
    made.chmod(0o711)  # PostgreSQL may run as nobody below it
    folder: Path = words.folder or made
    work: Coroutine[Any, Any, Any]
    try:
        if words.what == "app":
            work = app.measure(folder, times=words.times, seed=words.seed)
        elif words.what == "ingest" and words.broker_kills:
            work = broker_kills.measure(kills=words.broker_kills, seed=words.seed)
        elif words.what == "ingest" and words.kills:
            work = kills.measure(
                folder, kills=words.kills, seed=words.seed, processes=words.processes
            )
        elif words.what == "ingest":
            work = ingest.measure(
                folder,
                seconds=words.seconds,
                rows=min(words.rows, 1_000_000) if words.quick else words.rows,
                processes=words.processes,
                client=words.client,
                detectors=20_000 if words.quick else ingest.MANY,
            )
        elif words.what == "push":
            work = push.measure(folder, recipients=words.recipients)
        elif words.what == "sync":
            work = sync.measure(folder, seed=words.seed)
        else:
            work = alert.measure(
                folder, alarms=words.alarms, per_s=words.per_second, seed=words.seed
            )
        # told by the service itself, so by the loop that the service has
        figures = run(work) if words.what == "push" else asyncio.run(work)
    except (ServeFailed, SomebodyReal, CannotStart, PostgresFailed, TimeoutError) as why:
        print(f"[街安] ✗ {why}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(made, ignore_errors=True)
    print(msgspec.json.encode(figures).decode(), flush=True)
    return 0


def _chart(rows: int, folder: Path | None) -> int:
    from backend.bench.chart import measure

    try:
        figures = measure(rows, folder)
    except PostgresFailed as why:
        print(f"[街安] ✗ {why}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(figures).decode(), flush=True)
    return 0


def _geo(seed: int) -> int:
    try:
        from backend.bench.geo import measure
    except ModuleNotFoundError as missing:
        print(f"[街安] ✗ 需要 {missing.name}：./jiean bench geo", file=sys.stderr)
        return 1
    try:
        figures = asyncio.run(measure(seed=seed))
    except PostgresFailed as why:
        print(f"[街安] ✗ {why}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(figures).decode(), flush=True)
    return 0
