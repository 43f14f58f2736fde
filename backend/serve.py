"""``jiean serve``: the whole service in one process, from a free port to a clean stop.

The database server starts while Python still imports the rest. Order: settings, the folder's
lock, the port, PostgreSQL, broker, migrations, pools, worker, detectors' messages, web. The stop
is the same backwards.
"""

# Only light modules here: what is heavy is imported while PostgreSQL starts.
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from backend.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from backend.shared.broker import Broker
    from backend.shared.context import Context
    from backend.shared.postgres import EmbeddedPostgres
    from backend.shared.where import Where

log = logging.getLogger("jiean.serve")
T = TypeVar("T")

USAGE = """usage: jiean serve

Runs the platform until Ctrl-C or SIGTERM. Settings come from the environment;
`jiean env-example` lists them all.  运行平台；全部设置见 jiean env-example"""


class CannotStart(Exception):
    """A sentence for the person who started it."""


class Parts(NamedTuple):
    """The servers started beside us."""

    postgres: "EmbeddedPostgres | None"
    broker: "Broker"
    where: "Where"


def main(argv: list[str]) -> int:
    """Run until a signal; 0 after a clean stop, 1 when it cannot start, 2 for wrong words."""
    if argv:
        print(USAGE, file=sys.stderr)
        return 0 if argv[0] in ("-h", "--help") else 2
    began = time.monotonic()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("httpx", "hpack", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # httpx would log push addresses
    try:
        settings = load()
        with held(settings.data.folder), listening(settings) as door:
            return run(serve(settings, door, began=began))
    except SettingsError as wrong:
        return tell("设置有误 Wrong settings:", *wrong.problems)
    except CannotStart as why:
        return tell(str(why))


def tell(*lines: str) -> int:
    """Say on stderr why it ends; 1."""
    for number, line in enumerate(lines):
        print(("[街安] ✗ " if not number else "    ") + line, file=sys.stderr)
    return 1


def run(work: Coroutine[Any, Any, T]) -> T:
    """One event loop around ``work``; uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """The data folder for us alone, until this process ends, however it ends.

    Raises:
        CannotStart: another process has it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # others may pass through, never list: PostgreSQL may run as nobody below it
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        claim = (folder / "lock").open("a+")
    except OSError as failed:
        raise CannotStart(f"数据目录不可用 Data folder: {failed} (JIEAN_DATA)") from failed
    with claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.seek(0)
            raise CannotStart(
                f"数据目录正被另一个进程使用 The data folder {folder} is in use by process "
                f"{claim.read().strip() or '?'}. Stop it, or set JIEAN_DATA."
            ) from None
        claim.truncate(0)
        claim.write(f"{os.getpid()}\n")
        claim.flush()
        yield


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The web face's port, taken before anything slow.

    Raises:
        CannotStart: it is taken, or the address is not of this machine.
    """
    host, port = settings.http.host, settings.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as failed:
            raise CannotStart(
                f"端口不可用 Cannot listen on {host}:{port}: {failed.strerror}. "
                "Set JIEAN_HTTP_PORT (and JIEAN_HTTP_HOST)."
            ) from failed
        door.setblocking(False)
        yield door


def launch(settings: Settings) -> Parts:
    """Start database server and broker, without waiting; in the main thread.

    Raises:
        CannotStart: one of them cannot be started.
    """
    from backend.shared.broker import Broker, BrokerFailed
    from backend.shared.postgres import EmbeddedPostgres, PostgresFailed
    from backend.shared.where import configured

    folder, database = settings.data.folder, settings.database
    try:
        broker = Broker(settings.mqtt, folder)
        broker.launch()
        if database.url:
            return Parts(None, broker, configured(database))
        postgres = EmbeddedPostgres(folder, port=database.port)
        postgres.launch()
        return Parts(postgres, broker, postgres.where(database))
    except (PostgresFailed, BrokerFailed) as failed:
        raise CannotStart(str(failed)) from failed


@asynccontextmanager
async def platform(settings: Settings) -> AsyncIterator["Context"]:
    """Everything below the web face: servers, databases up to date, pools, listeners.

    ``jiean demo`` and ``jiean bench`` stand on it as well.

    Raises:
        CannotStart: with the reason for a person.
    """
    if settings.streets.file:
        # Read now, so that a wrong file is told at the start and no alarm waits for it.
        from backend.shared.streets import network_of
        from geo.extract import StreetsError

        try:
            network_of(settings.streets)
        except StreetsError as failed:
            raise CannotStart(f"路网不可用 Streets: {failed} (JIEAN_STREETS)") from failed
    async with AsyncExitStack() as stack:
        parts = launch(settings)
        stack.push_async_callback(parts.broker.stop)
        if parts.postgres is not None:
            stack.push_async_callback(parts.postgres.stop)
        # heavy imports, while the database server starts
        import asyncpg

        from backend import app, migrate  # noqa: F401 - app: loaded here, used later
        from backend.shared import db
        from backend.shared.broker import BrokerFailed
        from backend.shared.clock import SystemClock
        from backend.shared.context import Context
        from backend.shared.listen import Listener
        from backend.shared.postgres import PostgresFailed
        from push.live import LiveSockets

        try:
            if parts.postgres is not None:
                await parts.postgres.ready()
                parts.postgres.watch()
            await migrate.up(parts.where)
            parts.where.configure(settings.database)
            for database in db.ALL:
                stack.push_async_callback(database.stop)
            sizes = settings.database
            await asyncio.gather(
                *(
                    database.start(min_size=sizes.pool_min, max_size=sizes.pool_max)
                    for database in db.ALL
                )
            )
            await parts.broker.ready()
            parts.broker.watch()
        except (PostgresFailed, BrokerFailed, migrate.MigrationFailed) as failed:
            raise CannotStart(str(failed)) from failed
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as failed:
            raise CannotStart(f"数据库连不上 The database cannot be used: {failed!r}") from failed
        from backend.evidence import keys, stores
        from backend.evidence.store import StoreAway

        try:
            await stores.store_of(settings).ready()
            keys.signer_of(settings.evidence, settings.data.folder.absolute())
        except (StoreAway, ValueError, OSError) as failed:
            raise CannotStart(
                f"照片存储不可用 Photographs cannot be kept: {failed} (JIEAN_EVIDENCE_…)"
            ) from failed
        context = Context(
            settings=settings,
            clock=SystemClock(),
            live=LiveSockets(),
            operations_listener=Listener(db.OPERATIONS),
            telemetry_listener=Listener(db.TELEMETRY),
            mqtt_url=parts.broker.url,
        )
        if parts.broker.kind == "iotcore":
            log.info("broker: iotcore, which forgets at its own restart; install mosquitto to keep")
        yield context


async def serve(
    settings: Settings,
    door: socket.socket,
    *,
    began: float,
    beside: "Callable[[Context], Awaitable[None]] | None" = None,
) -> int:
    """Run until SIGTERM or SIGINT, then stop cleanly.

    Args:
        settings: of this installation.
        door: the bound socket of the web face.
        began: ``time.monotonic()`` of the program's start, for the start time in the log.
        beside: something more to run with the service (the demonstration's people); when it
            returns, the service stops.
    """
    stop, started = asyncio.Event(), asyncio.Event()
    loop, here = asyncio.get_running_loop(), asyncio.current_task()
    assert here is not None

    def ask() -> None:
        if started.is_set():
            stop.set()
        else:
            here.cancel()  # still starting: leave by the way it came

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    try:
        await _serve(settings, door, began, beside, stop, started)
    except asyncio.CancelledError:
        if started.is_set():
            raise
    log.info("stopped")
    return 0


async def _serve(
    settings: Settings,
    door: socket.socket,
    began: float,
    beside: "Callable[[Context], Awaitable[None]] | None",
    stop: asyncio.Event,
    started: asyncio.Event,
) -> None:
    async with platform(settings) as context, working(context, stop), AsyncExitStack() as stack:
        from backend.app import create_app

        server = http_server(create_app(context), tls=_tls(settings))
        web = asyncio.create_task(server.serve(sockets=[door]), name="web")
        up = asyncio.create_task(server.up.wait())
        await asyncio.wait({web, up}, return_when=asyncio.FIRST_COMPLETED)
        log.info("街安 at %s (%d ms)", settings.public_url, (time.monotonic() - began) * 1000)
        # after the screens: the broker keeps for us what comes meanwhile
        await stack.enter_async_context(sensing(context))
        started.set()
        log.info("ready (%d ms)", (time.monotonic() - began) * 1000)
        more = asyncio.create_task(_beside(beside, context, stop), name="beside")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, web}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        stop.set()
        server.should_exit = True
        more.cancel()
        await asyncio.gather(web, more, return_exceptions=True)


async def _beside(
    beside: "Callable[[Context], Awaitable[None]] | None", context: "Context", stop: asyncio.Event
) -> None:
    if beside is not None:
        await beside(context)
        stop.set()


@asynccontextmanager
async def working(context: "Context", stop: asyncio.Event) -> AsyncIterator[None]:
    """The worker and the listeners that wake it."""
    from backend.shared import tasks
    from backend.worker import Worker

    worker = Worker(context)
    await context.operations_listener.start()
    await context.telemetry_listener.start()
    work = tasks.spawn(worker.run(stop), name="worker")
    try:
        yield
    finally:
        stop.set()
        try:
            await asyncio.wait_for(asyncio.shield(work), 1.0)
        except TimeoutError:
            await tasks.stop(work)  # what it had not finished is a row and is done next time
        await context.operations_listener.stop()
        await context.telemetry_listener.stop()


@asynccontextmanager
async def sensing(context: "Context") -> AsyncIterator[None]:
    """The detectors' messages."""
    from backend.devices.service import Register
    from backend.sensing.doors import Doors
    from backend.sensing.lanes import Lane, given
    from backend.sensing.mqtt import Consumer

    register = Register(context.operations_listener, clock=context.clock)
    settings = context.settings
    lanes = [Lane(given(number, settings)) for number in range(settings.sensing.processes)]
    consumer, doors = Consumer(context, register, lanes), Doors(context, register)
    await consumer.start()
    try:
        await doors.start()
        yield
    finally:
        await doors.stop()
        await consumer.stop()
        for lane in lanes:
            await lane.stop()


def _tls(settings: Settings) -> tuple[str, str] | None:
    """The files of certificate and key, which must be there.

    Raises:
        CannotStart: one cannot be read, or they do not fit each other.
    """
    if not settings.http.tls_cert:
        return None
    pair = settings.http.tls_cert, settings.http.tls_key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pair)
    except (OSError, ssl.SSLError) as failed:
        raise CannotStart(
            f"证书不可用 The certificate cannot be used: {failed} "
            "(JIEAN_HTTP_TLS_CERT, JIEAN_HTTP_TLS_KEY)"
        ) from failed
    return pair


def http_server(app: Any, *, tls: tuple[str, str] | None = None) -> Any:
    """uvicorn around the app, without its own signal handling and logging.

    Args:
        app: ASGI.
        tls: files of certificate chain and key, PEM; None: plain HTTP.

    Returns:
        A ``uvicorn.Server`` with ``up``, an event set once it takes connections.
    """
    import uvicorn

    class Server(uvicorn.Server):
        up = asyncio.Event()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.up.set()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals are ``serve``'s: it stops the parts in their order."""
            yield

    chain, key = tls or (None, None)
    config = uvicorn.Config(
        app,
        ssl_certfile=chain,
        ssl_keyfile=key,
        http="httptools",
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
        ws_max_size=65_536,
        backlog=2048,
    )
    return Server(config)
