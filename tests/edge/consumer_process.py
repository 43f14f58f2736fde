"""A consumer in a process of its own, so that a test can kill it: argv[1] is JSON.

``{"operations", "telemetry", "url", "data", "batch_max", "crash_after"}``: the first two are
keyword arguments of ``asyncpg.connect``; ``crash_after`` batches stored, it dies between commit
and acknowledgement.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

from backend import settings
from backend.devices.service import Register
from backend.sensing.mqtt import Consumer
from backend.shared import db
from backend.shared.clock import SystemClock
from backend.shared.context import Context
from backend.shared.listen import Listener
from push.live import LiveSockets


async def main(given: dict[str, Any]) -> None:
    for database in (db.OPERATIONS, db.TELEMETRY):
        database.configure(given[database.name])
        await database.start(min_size=1, max_size=4)
    context = Context(
        settings=settings.load(
            {"JIEAN_DATA": given["data"], "JIEAN_SENSING_BATCH_MAX": str(given["batch_max"])}
        ),
        clock=SystemClock(),
        live=LiveSockets(),
        operations_listener=Listener(db.OPERATIONS),
        telemetry_listener=Listener(db.TELEMETRY),
        mqtt_url=given["url"],
    )
    consumer = Consumer(context, Register())
    left = given["crash_after"]
    if left:
        write = consumer.store.write

        async def write_then_die(messages: Any, *more: Any, **named: Any) -> Any:
            nonlocal left
            stored = await write(messages, *more, **named)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return stored

        consumer.store.write = write_then_die  # type: ignore[method-assign]
    await consumer.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
