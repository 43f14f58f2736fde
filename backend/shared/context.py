"""What one running service has in its hands; given to routes as ``ctx`` and to the worker."""

from pathlib import Path
from typing import Protocol
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from backend.settings import Settings
from backend.shared.clock import Clock
from backend.shared.listen import Listener
from push.live import LiveSockets


class ChecksReach(Protocol):
    """Finds out whether a member of staff's phone can be reached."""

    async def check(self, staff_id: UUID, /) -> None:
        """Start a check; its outcome comes as receipts."""


class Context:
    """Settings, clock and the long-lived parts. Made once, never changed.

    The databases are not here: they are the four engines of ``backend.shared.db``.
    """

    __slots__ = (
        "clock",
        "live",
        "mqtt_url",
        "operations_listener",
        "reachability",
        "settings",
        "telemetry_listener",
    )

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        live: LiveSockets,
        operations_listener: Listener,
        telemetry_listener: Listener,
        mqtt_url: str,
        reachability: ChecksReach | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.live = live
        self.operations_listener = operations_listener
        self.telemetry_listener = telemetry_listener
        self.mqtt_url = mqtt_url
        """Where the detectors' broker is: configured, or the one that we started."""
        self.reachability = reachability
        """Set by ``create_app``, which knows the parts that such a check needs."""

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.settings.data.folder.absolute()


Ctx = NamedDependency[SkipValidation[Context]]
"""How a route asks for it: ``async def board(ctx: Ctx) -> Board``."""
