"""The phone makes the same map links as the server, from the pair the server sends."""

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from geo.datum import convert
from geo.links import links
from geo.point import Datum, Point

ROOT = Path(__file__).parents[2]
NAMES = ["平江路 12 号", "a&position=0,0;coord:1,2#x", "it's (3/4) 100 % *new*!", "~._-"]
PLACES = [Point(31.315, 120.633), Point(48.85, 2.35), Point(-0.0000004, -70.1)]
SCRIPT = """
import { mapLinks, walkingLink } from './pwa/src/kit/maps.ts'
const asked = JSON.parse(process.argv[1])
const [lat, lon] = asked[0].pair
console.log(JSON.stringify({
  links: asked.map(({ pair, name }) => mapLinks(pair, name)),
  iphone: walkingLink({ lat: 1, lon: 2, address: 'x' }, [lat, lon], 'Mozilla/5.0 (iPhone; CPU)'),
  other: walkingLink({ lat: 31.315, lon: 120.633, address: '平江路' }, [lat, lon], 'Android'),
}))
"""


def test_every_map_gets_the_same_link_from_phone_and_server() -> None:
    node = ROOT / ".venv" / "node" / "node"
    if not node.exists():
        pytest.skip("no node in .venv: ./jiean makes it")
    asked, ours = [], []
    for place in PLACES:
        there = convert(place, Datum.GCJ02)
        for name in NAMES:
            asked.append({"pair": [there.lat, there.lon], "name": name})
            ours.append(msgspec.structs.asdict(links(place, name)))
    ended = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, json.dumps(asked)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    theirs = json.loads(ended.stdout)
    assert theirs["links"] == ours
    assert theirs["iphone"] == "maps://?daddr=31.312843,120.637193&dirflg=w", "GCJ-02"
    assert theirs["other"].startswith("geo:31.315,120.633?q=31.315,120.633("), "WGS-84"
