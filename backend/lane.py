"""One lane of the detectors' messages: a process that stores what the service hands it.

Started by ``sensing.lanes`` with the number of a socket; ends when the service's end of it closes.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket

import msgspec

from backend.devices.service import Register
from backend.sensing.batches import AWAY, BUSY
from backend.sensing.deliveries import Superseded
from backend.sensing.lanes import MAX_FRAME, Answer, Given, Order, receive, send, settings_of
from backend.sensing.mqtt import store_of
from backend.sensing.store import Store
from backend.shared import db
from backend.shared.clock import SystemClock
from backend.shared.context import Context
from backend.shared.listen import Listener
from push.live import LiveSockets


async def run(socket_number: int) -> None:
    """Serve until the socket closes."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
    reader, writer = await asyncio.open_connection(
        sock=socket.socket(fileno=socket_number), limit=MAX_FRAME
    )
    given = msgspec.msgpack.decode(await receive(reader), type=Given)
    for database in (db.OPERATIONS, db.TELEMETRY):
        database.configure(given.databases[database.name])
        await database.start(min_size=1, max_size=2)
    context = Context(
        settings=settings_of(given.settings),
        clock=SystemClock(),
        live=LiveSockets(),
        operations_listener=Listener(db.OPERATIONS),
        telemetry_listener=Listener(db.TELEMETRY),
        mqtt_url="",
    )
    store = store_of(context, Register(context.operations_listener), lane=given.lane)
    await context.operations_listener.start()
    await context.telemetry_listener.start()  # a new version of the rules
    send(writer, Answer())
    gc.freeze()
    with contextlib.suppress(EOFError, OSError):
        while True:
            order = msgspec.msgpack.decode(await receive(reader), type=Order)
            send(writer, await obey(store, order))


async def obey(store: Store, order: Order) -> Answer:
    """What became of one order. Whatever goes wrong is the service's to decide on."""
    try:
        if order.what == "start":
            await store.start()
        elif order.what == "write":
            return Answer(stored=await store.write(order.messages, order.token, again=order.again))
        else:
            await store.write_poison(order.messages[0], order.detail)
    except (*AWAY, *BUSY) as away:
        return Answer(kind="away", wrong=f"{type(away).__name__}: {away}")
    except Superseded as gone:
        return Answer(kind="superseded", wrong=str(gone))
    except Exception as wrong:
        return Answer(kind="poison", wrong=f"{type(wrong).__name__}: {wrong}")
    return Answer()


def main(socket_number: int) -> None:
    """Until the service ends."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s lane %(name)s: %(message)s"
    )
    from backend.serve import run as run_loop

    run_loop(run(socket_number))
