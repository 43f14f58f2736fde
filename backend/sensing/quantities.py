"""Every quantity that we know: which of the seven functions it serves, its unit and its range.

5.1.1.1 names the quantities; the ranges are wider than any detector measures and only keep out
values that no sensor can mean. A quantity has one name in payload, database, chart and rule.
"""

from typing import NamedTuple

KINDS = ("electric", "gas", "smoke", "structure", "hydrant", "water", "door")


class Quantity(NamedTuple):
    """Kind, unit (None: the maker states none), and for a number its physical range."""

    kind: str
    unit: str | None = None
    low: float = 0.0
    high: float = 1e6
    boolean: bool = False


def _flag(kind: str) -> Quantity:
    return Quantity(kind, boolean=True)


QUANTITIES: dict[str, Quantity] = {
    "smoke": _flag("smoke"),
    "smoke_density": Quantity("smoke"),
    "smoke_density_dbm": Quantity("smoke", "dB/m", 0, 100),
    "smoke_concentration": Quantity("smoke", "ppm"),
    "gas": _flag("gas"),
    "gas_density": Quantity("gas"),
    "gas_value": Quantity("gas", "%LEL", 0, 100),
    "carbon_monoxide": _flag("gas"),
    "co": Quantity("gas", "ppm", 0, 10_000),
    "short_circuit": _flag("electric"),
    "electric_alarm": _flag("electric"),
    "residual_current": Quantity("electric", "mA", 0, 30_000),
    "leakage_current": Quantity("electric", "mA", 0, 30_000),
    "current": Quantity("electric", "A", -10_000, 10_000),
    "load": Quantity("electric", "%", 0, 10_000),
    "arc": Quantity("electric", "half-cycles/s", 0, 200),
    "temperature": Quantity("electric", "°C", -60, 400),
    "power": Quantity("electric", "W", -1e6, 1e6),
    "energy": Quantity("electric", "kWh", -1e9, 1e9),
    "mains_voltage": Quantity("electric", "V", 0, 1000),
    "vibration": _flag("structure"),
    "strength": Quantity("structure"),
    "angle": Quantity("structure", "°", -360, 360),
    "angle_x": Quantity("structure", "°", -360, 360),
    "angle_y": Quantity("structure", "°", -360, 360),
    "angle_z": Quantity("structure", "°", -360, 360),
    "angle_x_absolute": Quantity("structure", "°", -360, 360),
    "angle_y_absolute": Quantity("structure", "°", -360, 360),
    "tilt_horizontal": Quantity("structure", "mm/m", -1000, 1000),
    "tilt_vertical": Quantity("structure", "mm/m", -1000, 1000),
    "settlement": Quantity("structure", "mm", -10_000, 10_000),
    "displacement": Quantity("structure", "mm", -10_000, 10_000),
    "crack": Quantity("structure", "mm", -100, 1000),
    "pressure": Quantity("hydrant", "MPa", 0, 10),
    "hydrant_tilted": _flag("hydrant"),
    "hydrant_opened": _flag("hydrant"),
    "water_leak": _flag("water"),
    "water_used": Quantity("water", "m³", 0, 1e7),
    "flow": Quantity("water", "L/min", 0, 1e5),
    "contact": _flag("door"),
}
