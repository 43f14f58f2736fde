"""What WebCrypto signed on a phone is verified here, byte for byte the same form."""

from typing import Any

import msgspec
import pytest

from backend.staff.schemas import PublicKey
from backend.staff.signing import signed_by, usable

KEY = PublicKey(
    x="QxKqsTR0F3eFbgMWY74fIbV9QIAJaG4bSy4pY2Cg8pw", y="ecVQsGMMLGUr55oj7man4fg_J9_BTl33Frxz-p_bXis"
)
SENT = r"""{"commandId":"0198","incidentId":"i","occurredAt":"2026-11-22T06:00:00.123Z",
"seenVersion":null,"deviceId":"d","seq":7,"elapsedMs":0,
"position":{"lat":31.3100001,"lon":-5e-8,"accuracyM":8,"at":"x"},
"command":{"name":"note","text":"门\"锁\n着 😀é","ä":1,"Z":[1.5,true,null],"value":1e+21},
"signature":"0nTmTxGv04pbc01W9b3MlQw5xZC0ozF5helCCCiYadKVSXsfMAbaPy2_DJTuSwz3H1udVdnEkG-GEldWX9wZBQ"}"""
"""Written by the app's own ``signed`` under a browser's crypto; the key was thrown away."""


@pytest.fixture
def sent() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(SENT)
    return found


def test_a_browsers_signature_over_numbers_words_and_signs_fits(sent: dict[str, Any]) -> None:
    assert signed_by(KEY, sent)


@pytest.mark.parametrize(
    "changed",
    [
        {"seq": 8},
        {"seenVersion": 0},
        {"more": None},
        {"elapsedMs": 2**60},
        {"signature": None},
        {"signature": "0nTm"},
        {"signature": "ä" * 86},
    ],
)
def test_anything_else_does_not_fit(sent: dict[str, Any], changed: dict[str, Any]) -> None:
    assert not signed_by(KEY, sent | changed)


def test_a_key_off_the_curve_is_no_key() -> None:
    assert usable(KEY)
    assert not usable(PublicKey(x=KEY.y, y=KEY.x))
