"""Units that makers use for our quantities: factor and offset into our own unit. Data.

Exact by definition (bar, psi, metre of water at 9.80665 m/s²); what depends on a substance, such
as ppm into %LEL, is not here: it belongs into a template's own factor, where somebody answers for
it.
"""

Into = dict[str, tuple[float, float]]

INTO: dict[str, Into] = {
    "MPa": {
        "kPa": (1e-3, 0.0), "Pa": (1e-6, 0.0), "bar": (0.1, 0.0), "mbar": (1e-4, 0.0),
        "psi": (0.006894757293, 0.0), "mH₂O": (0.00980665, 0.0),
    },
    "mA": {"A": (1e3, 0.0), "µA": (1e-3, 0.0)},
    "A": {"mA": (1e-3, 0.0)},
    "V": {"mV": (1e-3, 0.0), "kV": (1e3, 0.0)},
    "W": {"kW": (1e3, 0.0)},
    "kWh": {"Wh": (1e-3, 0.0)},
    "°C": {"°F": (5 / 9, -160 / 9), "K": (1.0, -273.15)},
    "mm/m": {"‰": (1.0, 0.0), "%": (10.0, 0.0)},
    "mm": {"cm": (10.0, 0.0), "m": (1e3, 0.0), "µm": (1e-3, 0.0)},
    "m³": {"L": (1e-3, 0.0)},
    "L/min": {"L/s": (60.0, 0.0), "m³/h": (1e3 / 60, 0.0)},
}  # fmt: skip
"""By our unit: their unit → (factor, offset)."""
