"""The unattended demonstration is the product's own journey: if it breaks, so does the product."""

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

IN_ORDER = (
    "published", "presented", "resident_told", "claimed", "no_answer_1", "no_answer_2", "declined",
    "accepted", "arrived", "confirmed", "controllable", "reported", "ppe", "handling",
    "photographed", "checked", "eliminated", "released", "advice_handling", "advice_prevention",
    "sealed", "verified",
)  # fmt: skip


async def run_once(folder: Path) -> tuple[int, dict[str, Any], str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli", "demo", "--once", "--folder", str(folder),
        "--timeout", "150",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, wrong = await child.communicate()
    last = said.decode().strip().splitlines()[-1] if said.strip() else "{}"
    assert child.returncode is not None
    return child.returncode, msgspec.json.decode(last), said.decode() + wrong.decode()


@pytest.mark.timeout(240)
async def test_one_alarm_goes_from_the_detector_to_the_verified_archive_unattended(
    tmp_path: Path,
) -> None:
    code, outcome, said = await run_once(tmp_path / "demo")
    assert code == 0, said
    assert outcome["sealed"] is True
    assert outcome["verified"] is True
    assert outcome["incident"]
    assert 0 <= outcome["desk_presented_ms"] <= 2000
    times = [datetime.fromisoformat(outcome["steps"][name]) for name in IN_ORDER]
    assert times == sorted(times)
    assert outcome["steps"]["normal"] <= outcome["steps"]["released"]
    assert outcome["steps"]["acknowledged"] >= outcome["steps"]["reported"]
