"""What ``jiean demo`` and ``jiean bench`` stand on: a sown data folder and a running service."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from backend.demo import seed as sowing
from backend.demo.child import Serve
from backend.demo.people import Company, invent
from backend.demo.town import Household, Town, build
from backend.demo.trust import Trust
from backend.serve import held
from backend.settings import load

LINKED = 12
"""Households whose link is known to the demonstration."""

HASTE = {
    "JIEAN_SENSING_SMOKE_CLEAR_S": "6",
    "JIEAN_TIMERS_REPORT_DELIVERED_S": "5",
}
"""An unattended run waits less for a detector to be quiet; nothing else differs."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """A neighbourhood that runs."""

    town: Town
    company: Company
    password: str
    links: dict[str, str]
    """Household id → link token."""
    serve: Serve

    def linked(self) -> Sequence[Household]:
        """The households whose link we have."""
        return [h for h in self.town.households if str(h.id) in self.links]


@asynccontextmanager
async def ground(
    folder: Path,
    *,
    seed: int,
    port: int,
    mqtt_port: int,
    settings: Mapping[str, str],
    trust: Trust | None = None,
) -> AsyncIterator[Ground]:
    """Sow if needed, mint links, start the service; stop it at the end.

    With ``trust`` the service speaks HTTPS, and cookies go nowhere without it.

    Raises:
        ServeFailed, SomebodyReal, backend.serve.CannotStart: with a sentence for a person.
    """
    town = build(seed)
    company = invent(town)
    exercise = {"JIEAN_DEMO_EXERCISE": "true", "JIEAN_SERVICE_PHONE": "138 0000 0000", **settings}
    # Only homes with a smoke detector in a court: the story needs a gate and a lane.
    homes = [h for h in town.households if "进" in h.door][::37][:LINKED]
    with held(folder):
        password = sowing.password_of(folder)
        async with sowing.databases(load({"JIEAN_DATA": str(folder), **exercise})):
            await sowing.sow(town, company, password=password)
            links = await sowing.mint_links(homes)
    if trust is not None:
        exercise |= {
            "JIEAN_HTTP_TLS_CERT": str(trust.chain.absolute()),
            "JIEAN_HTTP_TLS_KEY": str(trust.key.absolute()),
            "JIEAN_HTTP_COOKIE_SECURE": "true",
        }
    serve = Serve(
        folder,
        port=port,
        mqtt_port=mqtt_port,
        settings=exercise,
        verify=trust.client() if trust else None,
    )
    try:
        await serve.start()
        yield Ground(town=town, company=company, password=password, links=links, serve=serve)
    finally:
        await serve.stop()
