"""The door for MEOKON terminals: a line per upload, answered once it is stored, then closed.

A terminal sleeps, calls, sends what it recorded and waits five seconds for an answer; without one
it keeps everything and sends it again with the next. So a frame that is stored is answered, also
when it came before, and one that is broken is not. Lines: see ``lines``.
"""

from collections.abc import Sequence

from backend.sensing.adapters import meokon
from backend.sensing.cutting import Junk
from backend.sensing.deliveries import Arrived
from backend.sensing.intake import Intake
from backend.sensing.lines import Allowance, Took
from backend.shared.clock import Clock

LINGER_S = 5.0
"""Of the maker's text: a line without a further upload for so long is closed by the server."""


class Terminals:
    """What is said on the lines of terminals; see ``lines.Talk``."""

    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock
        self._allowance = Allowance()

    def cutter(self) -> meokon.Cutter:
        """A fresh one for a new line."""
        return meokon.Cutter()

    async def take(self, pieces: Sequence[bytes | Junk], address: str) -> Took:
        """Store what came, then say what to answer."""
        now = self._clock.now()
        fresh: list[Arrived] = []
        out, good = bytearray(), 0
        for piece in pieces:
            raw = piece.raw if isinstance(piece, Junk) else piece
            right = not isinstance(piece, Junk) and meokon.wrong(piece) is None
            if right:
                good += 1
                if raw[2] == meokon.UPLOAD:
                    out += meokon.acknowledge(raw[5:17], now)
            if right or self._allowance.spend(address, now):
                fresh.append(Arrived(topic="meokon", payload=raw, received_at=now))
        await self._intake.take(fresh)
        return Took(answer=bytes(out), good=good, bad=len(pieces) - good)
