"""An address as the desk says it aloud."""

import pytest

from backend.devices.service import spoken


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("半亭巷", "3", "2 进院", "东厢 1 楼"), "半亭巷 3 号 2 进院 东厢 1 楼"),
        (("栀子弄", "14", "栀子弄 14 号", "2 楼"), "栀子弄 14 号 2 楼"),
        (("织锦街", "11", "11 号院 3 进", "正房"), "织锦街 11 号院 3 进 正房"),
        (("桐芳街", "7-1 号", "", ""), "桐芳街 7-1 号"),
        (("", "", "", ""), ""),
    ],
)
def test_an_address_says_nothing_twice(parts: tuple[str, str, str, str], said: str) -> None:
    assert spoken(*parts) == said
