"""The page says what the ladders do, row by row, and the table can be climbed."""

from pathlib import Path

import msgspec
import pytest

from push.bundle import POLICIES
from push.ladder import LADDERS, VERSION, Ladder, Rung, check
from push.lanes import KEPT, MOST
from push.message import Audience, Urgency

PAGE = (Path(__file__).parents[2] / "docs" / "ladders.md").read_text()
DOORS = ("live", "webpush", "fcm", "apns", "sms", "voice", "family", "rooms")
STAFF = (Audience.STAFF, Urgency.EMERGENCY)


def said(ladder: Ladder) -> str:
    """A ladder as the page writes it."""
    steps: list[tuple[str, list[str], float]] = []
    for rung in ladder:
        if steps and rung.beside and steps[-1][0] == rung.beside:
            steps[-1][1].append(rung.door)
        else:
            steps.append((rung.beside, [rung.door], rung.wait_s))
    return " → ".join(f"{'+'.join(doors)} {wait_s:g}" for _, doors, wait_s in steps)


def test_the_page_shows_the_ladders_that_are_climbed() -> None:
    rows = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] in {str(a) for a in Audience}:
            rows[Audience(cells[0]), Urgency(cells[1])] = cells[2]
    assert rows == {key: said(ladder) for key, ladder in LADDERS.items()}
    assert f"`{VERSION}`" in PAGE


def test_the_page_says_the_numbers_of_storms_and_places() -> None:
    for urgency, policy in POLICIES.items():
        assert f"| {urgency} | {policy.most} | {policy.gather_s:g} s |" in PAGE
    assert f"{MOST} places at each node ▲, {KEPT} of them" in PAGE


def test_the_ladders_of_the_product_can_be_climbed() -> None:
    check(LADDERS, DOORS)


@pytest.mark.parametrize(
    ("ladder", "why"),
    [
        ((), "begins with the open screen"),
        ((Rung("sms", 1),), "begins with the open screen"),
        ((Rung("live", 1), Rung("pigeon", 1)), "no such door: pigeon"),
        ((Rung("live", 1), Rung("voice", 1), Rung("voice", 1)), "stands twice"),
        ((Rung("live", -1), Rung("voice", 1)), "below nothing"),
        ((Rung("live", 1), Rung("sms", 1)), "ring a telephone"),
        (
            (
                *(Rung("live", 1), Rung("webpush", 1, "push"), Rung("voice", 1)),
                Rung("fcm", 1, "push"),
            ),
            "stands twice",
        ),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused_at_the_start(ladder: Ladder, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check({**LADDERS, STAFF: ladder}, DOORS)


def test_a_missing_ladder_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="desk, high"):
        check({k: v for k, v in LADDERS.items() if k != (Audience.DESK, Urgency.HIGH)}, DOORS)


def test_a_rung_is_data() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Rung("live", 3)), type=Rung) == Rung("live", 3)
