"""kill -9 under load with a mosquitto of its own: what it had accepted is stored once, in order."""

import tempfile
from pathlib import Path

import pytest

from backend.bench import kills

SEED = 20_261_122


@pytest.mark.broker
@pytest.mark.clause("7.2-a")
@pytest.mark.timeout(240)
async def test_lane_database_and_service_killed_under_load_lose_double_and_miss_nothing(
    mosquitto_path: Path,
) -> None:
    print(f"seed {SEED}")
    # not tmp_path: PostgreSQL and mosquitto may run as nobody and must pass through
    with tempfile.TemporaryDirectory(prefix="jiean-kills-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "in"
        for made in (Path(name), folder):
            made.mkdir(exist_ok=True)
            made.chmod(0o711)
        counted = await kills.measure(folder, kills=3, seed=SEED, processes=2, per_s=600, gap_s=1.0)
    print(counted)
    assert counted.well, counted
    assert counted.incidents == counted.alarms == 12
