"""What every test may ask for: a Chromium, a mosquitto; and that no test leaves this machine."""

import ipaddress
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tools import machine

pytest_plugins = ["tests.plugin.world"]

# A shared machine is slow at times: an example that takes long is no failure.
hypothesis.settings.register_profile("jiean", deadline=None, print_blob=True)
hypothesis.settings.load_profile("jiean")


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a connection to any address but this machine's own."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    try:
        leaves = not ipaddress.ip_address(host).is_loopback
    except ValueError:
        leaves = host != "localhost"
    if leaves:
        raise RuntimeError(f"a test tried to reach {host}: tests never leave this machine")


sys.addaudithook(_stay_here)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """A Chromium for ``playwright…launch(executable_path=…)``; skips where there is none."""
    found = machine.chromium()
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="session")
def mosquitto_path() -> Path:
    """A mosquitto to start on a port of the test's own; skips where there is none."""
    found = machine.mosquitto()
    if found is None:
        pytest.skip("no mosquitto on this machine")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys begin first: they are long, and nothing may wait for one at the end."""
    items.sort(key=lambda item: "journey" not in item.path.parts)
