"""Every door of detectors beside the broker's and the web face's: opened together, closed together.

Each is closed until its setting opens it. They share one way into the store (``intake``).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from backend.sensing import rulebook
from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.adapters.gb26875.profile import Gateways
from backend.sensing.adapters.gb26875.profile import read as read_profiles
from backend.sensing.cameras import Cameras
from backend.sensing.cameras import read as read_cameras
from backend.sensing.history import History
from backend.sensing.intake import Intake
from backend.sensing.lines import Limits, Lines
from backend.sensing.panels import Panels
from backend.sensing.store import Register, Store
from backend.sensing.terminals import LINGER_S, Terminals
from backend.settings import Gb26875, Meokon
from backend.shared.context import Context


class Doors:
    """All of them, made from the settings.

    Raises:
        OSError, ValueError: a file that a setting names cannot be read or says nonsense.
    """

    def __init__(self, context: Context, register: Register) -> None:
        ours = context.settings
        path = ours.gb26875.profiles
        gateways = read_profiles(Path(path)) if path else Gateways()
        rules = rulebook.live(context)
        adapters = {"gb26875": ("gb26875", meaning.reader(gateways.of))}
        self.intake = Intake(Store(register, rules, context.clock, "doors", adapters))
        self._settings = ours
        self.panels = Panels(self.intake, context.clock, gateways, ours.gb26875.silence_s)
        self.panel_lines = Lines(self.panels, _limits(ours.gb26875))
        terminals = Terminals(self.intake, context.clock)
        self.terminal_lines = Lines(terminals, _limits(ours.meokon, LINGER_S))
        listed = read_cameras(Path(ours.cameras.file)) if ours.cameras.file else ()
        self.cameras = Cameras(self.intake, context.clock, listed, ours.cameras.silence_s)
        self.history = History(self.intake, register, context.clock, ours.ctwing)
        self._close: list[Callable[[], Awaitable[None]]] = []

    async def start(self) -> None:
        """Open those that are set.

        Raises:
            OSError: a port is taken, or the database is away.
        """
        ours = self._settings
        if ours.gb26875.port or ours.meokon.port or ours.cameras.file or ours.ctwing.app_key:
            await self.intake.store.start()
        if ours.gb26875.port:
            await self.panels.start()
            self._close.append(self.panels.stop)
            await self.panel_lines.start(ours.gb26875.host, ours.gb26875.port)
            self._close.append(self.panel_lines.stop)
        if ours.meokon.port:
            await self.terminal_lines.start(ours.meokon.host, ours.meokon.port)
            self._close.append(self.terminal_lines.stop)
        if ours.cameras.file:
            self.cameras.start()
            self._close.append(self.cameras.stop)
        if ours.ctwing.app_key:
            self.history.start()
            self._close.append(self.history.stop)

    async def stop(self) -> None:
        """Close all that are open, the last first."""
        while self._close:
            await self._close.pop()()


def _limits(ours: Gb26875 | Meokon, linger_s: float | None = None) -> Limits:
    return Limits(
        connections_max=ours.connections_max,
        per_address_max=ours.per_address_max,
        silence_s=ours.silence_s,
        unfinished_s=ours.unfinished_s,
        linger_s=linger_s,
        allow=ours.allow,
    )
