import json
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.message import MAX_BYTES, Action, Handling, Message, TooLargeError, encode
from tests.push.world import a_message


def test_the_phone_can_show_the_message_without_asking_the_server() -> None:
    shown = json.loads(encode(a_message()))
    assert shown["title"] == "烟雾报警:平江路 12 号 2 楼"
    assert shown["lockTitle"] == "烟雾报警"
    assert shown["actions"] == [
        {"id": "accept", "label": "我去"},
        {"id": "decline", "label": "去不了"},
    ]
    assert shown["url"] == "/field"
    assert shown["handling"] == "actual"
    assert shown["sentAt"] == "2025-06-01T12:00:00Z"


def test_the_lock_screen_shows_neither_name_nor_address() -> None:
    lines = a_message().for_lock_screen()
    assert lines.title + lines.body == "烟雾报警请打开应答"


@pytest.mark.parametrize(
    ("handling", "locale", "mark"),
    [
        (Handling.EXERCISE, "zh", "【演练】"),
        (Handling.EXERCISE, "en", "[Exercise] "),
        (Handling.TEST, "zh", "【测试】"),
        (Handling.TEST, "en", "[Test] "),
        (Handling.ACTUAL, "zh", ""),
    ],
)
def test_an_exercise_says_so_on_both_screens(handling: Handling, locale: str, mark: str) -> None:
    message = a_message(handling=handling, locale=locale)
    shown = json.loads(encode(message))
    assert message.for_lock_screen().title == mark + message.lock_title
    assert shown["lockTitle"] == mark + message.lock_title
    assert shown["title"] == mark + message.title


@given(body=st.text(max_size=6000))
def test_a_long_body_is_cut_rather_than_the_alarm_lost(body: str) -> None:
    encoded = encode(a_message(body=body))
    assert len(encoded) <= MAX_BYTES
    shown = json.loads(encoded)["body"]
    assert shown == body or (shown == "" or (shown[-1] == "…" and body.startswith(shown[:-1])))


def test_a_message_that_fits_is_not_cut() -> None:
    size = len(encode(a_message(body="")))
    body = "x" * (MAX_BYTES - size)
    assert json.loads(encode(a_message(body=body)))["body"] == body
    assert json.loads(encode(a_message(body=body + "y")))["body"].endswith("x…")


def test_a_message_too_large_without_its_body_is_refused() -> None:
    with pytest.raises(TooLargeError):
        encode(a_message(data={"note": "x" * MAX_BYTES}))


@given(st.integers(0, 5_000), st.integers(0, 2_000), st.integers(0, 3_000))
def test_place_and_buttons_outlive_any_words_however_long(body: int, lock: int, more: int) -> None:
    message = a_message(
        body="电" * body,
        lock_body="门" * lock,
        title="烟雾报警:平江路 12 号 2 楼" + "，快" * more,
        lock_title="烟雾报警" + "！" * more,
    )
    encoded = encode(message)
    assert len(encoded) <= MAX_BYTES
    shown = json.loads(encoded)
    assert shown["title"].startswith("烟雾报警:平江路 12 号 2 楼")
    assert shown["lockTitle"].startswith("烟雾报警")
    assert [each["id"] for each in shown["actions"]] == ["accept", "decline"]
    assert shown["data"] == message.data


@pytest.mark.parametrize(
    "change",
    [
        {"ttl_s": -1},
        {"actions": tuple(Action(id=str(n), label="x") for n in range(3))},
        {"url": "https://elsewhere.example"},
        {"url": "//elsewhere.example"},
        {"url": "/\\elsewhere.example"},
        {"url": "field"},
        {"sent_at": datetime(2025, 6, 1)},  # noqa: DTZ001 - that is the point
    ],
)
def test_a_message_that_no_phone_could_show_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        a_message(**change)


def test_a_message_survives_the_outbox() -> None:
    message = a_message()
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
