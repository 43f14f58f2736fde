"""What one gateway means by its frames, as data. The default is the standard and nothing else.

Makers fill the standard's free ranges (types 128–255) and bend its layouts. What a gateway really
sends is written here once it is known; until then its frames are refused by name and kept, and a
technician is told. Nobody guesses.
"""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from backend.sensing.quantities import QUANTITIES


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an analog type means: our quantity, and what its raw number is multiplied with.

    ``channel`` says that the type is one of several channels of the same component: the type's
    number then belongs to the device's address. ``no_value`` are raw numbers that mean nothing.
    """

    quantity: str
    factor: float
    channel: bool = False
    no_value: tuple[int, ...] = ()


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One maker's reading of the standard.

    ``hours_east`` is the gateway's time zone (the frames carry none). ``extra_bytes`` of a
    component status stand between address and status. ``analog`` wins over the standard's table,
    for the component types named in ``analog_of`` (empty: all). ``set_clock`` lets us send a
    gateway whose clock is wrong the right time (control, type 90); the texts of the standard that
    we have disagree on what that object holds, so it is sent only to gateways known to take it.
    """

    name: str
    hours_east: Annotated[float, Meta(ge=-12, le=14)] = 8.0
    extra_bytes: Annotated[int, Meta(ge=0, le=64)] = 0
    analog: dict[int, Scale] = {}
    analog_of: tuple[int, ...] = ()
    set_clock: bool = False


STRICT = Profile(name="strict")

ELECTRIC_HOST = Profile(
    # an electric-fire host: types 128–255 are its channels, −500 an empty one; 48-byte objects
    name="electric-host",
    extra_bytes=2,
    analog={
        number: Scale(quantity="residual_current", factor=1.0, channel=True, no_value=(-500,))
        for number in range(128, 256)
    },
    analog_of=(17,),
)

BUILT_IN = {profile.name: profile for profile in (STRICT, ELECTRIC_HOST)}

STANDARD_ANALOG = {
    3: Scale(quantity="temperature", factor=0.1),
    4: Scale(quantity="pressure", factor=0.1),
    5: Scale(quantity="pressure", factor=0.0001),
    6: Scale(quantity="gas_value", factor=0.1),
    8: Scale(quantity="mains_voltage", factor=0.1),
    9: Scale(quantity="current", factor=0.1),
    10: Scale(quantity="flow", factor=6.0),
}
"""Of the standard: 0.1 °C, 0.1 MPa, 0.1 kPa, 0.1 %LEL, 0.1 V, 0.1 A, 0.1 L/s (here L/min)."""


class Gateways(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which gateway (source address) has which profile; profiles of the file come on top.

    With ``only_listed`` a gateway that is not in ``gateways`` is refused. ``networks`` are where a
    gateway may call from (``10.8.0.0/24``); one that is not named there may call from anywhere.
    """

    profiles: tuple[Profile, ...] = ()
    gateways: dict[int, str] = {}
    only_listed: bool = False
    networks: dict[int, tuple[str, ...]] = {}

    def of(self, source: int) -> Profile:
        """The profile of a gateway; the strict one unless it was given another."""
        named = {**BUILT_IN, **{profile.name: profile for profile in self.profiles}}
        return named.get(self.gateways.get(source, ""), STRICT)

    def refuses(self, source: int, address: str) -> str | None:
        """Why a frame of this gateway from this network address is refused, if it is."""
        if self.only_listed and source not in self.gateways:
            return "unknown-gateway"
        wanted = self.networks.get(source)
        if wanted is None:
            return None
        try:
            here = ip_address(address)
        except ValueError:
            return "wrong-address"
        return None if any(here in ip_network(name) for name in wanted) else "wrong-address"


def read(path: Path) -> Gateways:
    """The gateways of a JSON file.

    Raises:
        OSError, ValueError: it cannot be read, or says what no profile can say (a profile, a
            quantity or a network that there is not).
    """
    found = msgspec.json.decode(path.read_bytes(), type=Gateways)
    names = {*BUILT_IN, *(profile.name for profile in found.profiles)}
    for source, name in found.gateways.items():
        if name not in names:
            raise ValueError(f"gateway {source}: no profile {name!r}")
    for profile in found.profiles:
        for scale in profile.analog.values():
            if scale.quantity not in QUANTITIES:
                raise ValueError(f"profile {profile.name}: no quantity {scale.quantity!r}")
    for networks in found.networks.values():
        for network in networks:
            ip_network(network)
    return found
