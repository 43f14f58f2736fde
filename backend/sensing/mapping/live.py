"""The templates in force, as a consumer holds them; read again when one comes into force or ends.

Whoever changes templates notifies the channel ``mapping``. A consumer asks ``fresh`` before a
batch, which costs one look at a flag; until the new ones are read the old ones hold.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from backend.sensing.adapters import topics
from backend.sensing.adapters.templates import Template, Unfit, reader
from backend.sensing.deliveries import Arrived
from backend.sensing.mapping.recent import Recent
from backend.sensing.reading import Adapter, Decoded
from backend.shared.clock import Clock
from backend.shared.db import TELEMETRY
from backend.shared.listen import Listener, Wakeup

log = logging.getLogger("jiean.mapping")
CHANNEL = "mapping"


class Bound(NamedTuple):
    """One template, ready to read the topics that it serves."""

    levels: list[str]
    name: str
    read: Adapter


class Mappings:
    """The templates in force, and the notes of what was read."""

    def __init__(
        self,
        clock: Clock,
        listener: Listener | None = None,
        templates: Iterable[Template] | None = None,
    ) -> None:
        """``templates``: these and no others, never read from the database; for tools and tests."""
        self._clock = clock
        self._fixed = templates is not None
        self._wakeup = listener.event(CHANNEL) if listener else Wakeup()
        self._loaded = self._fixed
        self._turn = asyncio.Lock()
        self._by_first: dict[str, list[Bound]] = {}
        self._listening: tuple[tuple[list[str], datetime], ...] = ()
        self.wanted: tuple[str, ...] = ()
        """Filters that the broker has to send us, for templates and for listening."""
        self.recent = Recent(clock)
        if templates is not None:
            self._hold(templates)

    async def fresh(self) -> None:
        """Read the templates again if something changed; else nothing.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database is away.
        """
        if self._wakeup.take():
            self._loaded = False
        if self._fixed or self._loaded:
            return
        async with self._turn:
            await self._read()

    async def _read(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # a notice that comes meanwhile takes this back
        try:
            await self._load()
        except BaseException:
            self._loaded = False
            raise

    async def _load(self) -> None:
        rows = await TELEMETRY.fetch(
            "SELECT body FROM mapping_version WHERE begun_at IS NOT NULL AND ended_at IS NULL"
            " ORDER BY begun_at"
        )
        heard = await TELEMETRY.fetch(
            "SELECT topic, until FROM mapping_listening WHERE until > $1", self._clock.now()
        )
        self._hold(msgspec.json.decode(row["body"], type=Template) for row in rows)
        self._listening = tuple((row["topic"].split("/"), row["until"]) for row in heard)
        self.wanted += tuple(row["topic"] for row in heard)

    def _hold(self, templates: Iterable[Template]) -> None:
        found: dict[str, list[Bound]] = {}
        wanted = []
        for template in templates:
            levels = template.topic.split("/")
            try:
                bound = Bound(levels, template.name, reader(template))
            except Unfit as unfit:  # an older version let it through: its messages are kept raw
                log.error("template %s cannot be used: %s", template.name, unfit)
                continue
            found.setdefault(levels[0], []).append(bound)
            wanted.append(template.topic)
        self._by_first, self.wanted = found, tuple(wanted)

    def of(self, topic: str, first: str) -> tuple[str, Adapter] | None:
        """The template that reads a topic, by name, and its adapter."""
        bounds = self._by_first.get(first)
        if bounds is None:
            return None
        given = topic.split("/")
        for levels, name, read in bounds:
            if topics.serves(levels, given):
                return name, read
        return None

    def only_listening(self, topic: str) -> bool:
        """Nobody reads this topic; a technician only wants to see what comes."""
        if not self._listening:
            return False
        given, now = topic.split("/"), self._clock.now()
        return any(
            topics.serves(levels, given) and now < until for levels, until in self._listening
        )

    def note(self, said: Sequence[tuple[Arrived, str, Sequence[Decoded]]]) -> None:
        """Remember what became of a stored batch."""
        self.recent.note(said)
