"""When China Telecom's platform is asked for what it could not push, and how it is asked."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from backend.sensing.adapters import ctwing
from backend.sensing.adapters import ctwing_history as wire
from backend.sensing.body import Refused
from backend.sensing.gaps import SLACK, Mark, begins
from backend.sensing.reading import Reading

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SIGNATURE = "zaKmd1bJbqx+G4tHuNNNXG32bng="
DAY, GAP = timedelta(days=1), timedelta(minutes=15)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("mark", "asked_at", "since"),
    [
        (Mark(), None, NOW - DAY),
        (Mark(heard_at=ago(3)), None, ago(3) - SLACK),
        (Mark(heard_at=ago(9999)), None, NOW - DAY),
        (Mark(heard_at=ago(3)), ago(60), None),
        (Mark(heard_at=ago(16)), ago(60), ago(16) - SLACK),
        (Mark(heard_at=ago(16)), ago(14), None),
        (Mark(heard_at=ago(0), missed_from=ago(5), missed_to=ago(-1)), ago(60), None),
        (Mark(heard_at=ago(0), missed_from=ago(5), missed_to=ago(0)), ago(60), ago(5) - SLACK),
        (Mark(heard_at=ago(0), missed_from=ago(5), missed_to=ago(-1)), None, ago(5) - SLACK),
    ],
)
def test_the_platform_is_asked_after_a_start_a_silence_and_a_refusal(
    mark: Mark, asked_at: datetime | None, since: datetime | None
) -> None:
    assert begins(mark, NOW, asked_at, gap=GAP, lookback=DAY) == since


def test_a_request_is_signed_over_key_time_parameters_by_name_and_body() -> None:
    # worked out with openssl: printf '…' | openssl dgst -sha1 -hmac secret -binary | base64
    at = datetime.fromtimestamp(1515752817.58, UTC)
    headers = wire.signed("dAaFG7DiPt8", "secret", "1", at, {"b": "2", "MasterKey": "m"}, "{}")
    assert headers["timestamp"] == "1515752817580"
    assert headers["signature"] == SIGNATURE
    assert wire.signed("dAaFG7DiPt8", "other", "1", at, {})["signature"] != SIGNATURE


def test_a_row_of_history_is_the_push_that_would_have_carried_it() -> None:
    row = {"timestamp": "1772438400000", "smoke_state": 1}
    from_history = ctwing.decode("ctwing", wire.push_of("p", "d1", row), NOW, False)
    pushed = {
        "messageType": "dataReport", "deviceId": "d1", "productId": "p",
        "timestamp": 1772438400000, "payload": {"smoke_state": 1},
    }  # fmt: skip
    assert from_history == ctwing.decode("ctwing", json.dumps(pushed).encode(), NOW, False)
    assert [item.value for item in from_history if isinstance(item, Reading)] == [True]


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"code":1,"desc":"no"}', b'{"code":0}', b'{"code":0,"result":{}}']
)
def test_an_answer_that_says_no_or_nothing_is_refused(raw: bytes) -> None:
    for read in (wire.page_of, wire.devices_of):
        with pytest.raises(Refused):
            read(raw)


def test_a_page_tells_what_the_next_is_asked_with() -> None:
    page = wire.page_of(b'{"code":0,"page_timestamp":"15","deviceStatusList":[{"timestamp":1},7]}')
    assert (page.rows, page.next) == (({"timestamp": 1},), "15")
    for nothing in ('""', "null", "0"):
        raw = f'{{"code":0,"page_timestamp":{nothing},"deviceStatusList":[]}}'
        assert wire.page_of(raw.encode()).next is None
