import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.aliyun import Aliyun
from push.reports import GarbageError, Report, Word
from push.telephony import Telephony
from push.tencent import Tencent

ALIYUN, TENCENT = Aliyun(key_id="", key_secret=""), Tencent(key_id="", key_secret="")
EIGHT = datetime(2025, 6, 1, 0, 0, tzinfo=UTC)


def said(body: Any) -> bytes:
    return json.dumps(body).encode()


def aliyun_text(**changes: Any) -> dict[str, Any]:
    line = {
        "phone_number": "13800000000",
        "send_time": "2025-06-01 07:59:58",
        "report_time": "2025-06-01 08:00:00",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": "12345",
        "out_id": "67890",
    }
    return {**line, **changes}


def aliyun_call(**changes: Any) -> dict[str, Any]:
    line = {
        "call_id": "100001616500^100001871490",
        "start_time": "2025-06-01 07:59:30",
        "end_time": "2025-06-01 08:00:00",
        "duration": "30",
        "status_code": "200000",
        "hangup_direction": "用户",
        "out_id": "67890",
        "dtmf": "",
    }
    return {**line, **changes}


def test_a_text_that_arrived_or_did_not_is_told_by_both_providers() -> None:
    lost = aliyun_text(success=False, err_code="MK:0001", biz_id="6")
    assert ALIYUN.reports(said([aliyun_text(), lost])) == [
        Report(door="sms", reference="12345", word=Word.DELIVERED, code="DELIVERED", at=EIGHT),
        Report(door="sms", reference="6", word=Word.FAILED, code="MK:0001", at=EIGHT),
    ]
    line = {
        "user_receive_time": "2025-06-01 08:00:00",
        "nationcode": "86",
        "mobile": "13800000000",
        "report_status": "SUCCESS",
        "errmsg": "DELIVRD",
        "description": "用户短信送达成功",
        "sid": "s1",
    }
    assert TENCENT.reports(said([line, {**line, "report_status": "FAIL", "sid": "s2"}])) == [
        Report(door="sms", reference="s1", word=Word.DELIVERED, code="DELIVRD", at=EIGHT),
        Report(door="sms", reference="s2", word=Word.FAILED, code="DELIVRD", at=EIGHT),
    ]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, Word.DELIVERED),
        ({"status_code": "200001"}, Word.DELIVERED),
        ({"dtmf": "1"}, Word.CONFIRMED),
        ({"dtmf": "9"}, Word.PRESSED),
        ({"status_code": "200003", "start_time": ""}, Word.FAILED),
        ({"status_code": "200010", "start_time": ""}, Word.FAILED),
    ],
)
def test_a_call_of_aliyun_was_heard_confirmed_or_in_vain(
    changes: dict[str, Any], word: Word
) -> None:
    [report] = ALIYUN.reports(said([aliyun_call(**changes)]))
    assert (report.door, report.reference, report.word, report.at) == (
        "voice",
        "100001616500^100001871490",
        word,
        EIGHT,
    )


@pytest.mark.parametrize(
    ("event", "facts", "word"),
    [
        ("voiceprompt_callback", {"result": "0", "end_calltime": "1748736000"}, Word.DELIVERED),
        ("voiceprompt_callback", {"result": "1"}, Word.FAILED),
        ("voiceprompt_callback", {"result": "2"}, Word.FAILED),
        ("voicekey_callback", {"keypress": "1", "mobile": "138"}, Word.CONFIRMED),
        ("voicekey_callback", {"keypress": "2"}, Word.PRESSED),
        ("voice_failure_callback", {"failure_code": 8, "failure_reason": "x"}, Word.FAILED),
    ],
)
def test_a_call_of_tencent_was_heard_confirmed_or_in_vain(
    event: str, facts: dict[str, Any], word: Word
) -> None:
    [report] = TENCENT.reports(said({event: {"callid": "c", **facts}}))
    assert (report.door, report.reference, report.word) == ("voice", "c", word)


@pytest.mark.parametrize("provider", [ALIYUN, TENCENT])
@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"null", b"7", b'"x"', b"[7]", b'[{"sid": 7}]', b'[{"biz_id": {}}]']
)
def test_garbage_is_refused_by_name(provider: Telephony, body: bytes) -> None:
    with pytest.raises(GarbageError):
        reports = provider.reports(body)
        # What is well formed and says nothing is no report, and no garbage either.
        assert reports == []
        raise GarbageError


@given(body=st.binary(max_size=200))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    for provider in (ALIYUN, TENCENT):
        try:
            reports = provider.reports(body)
        except GarbageError:
            continue
        assert all(isinstance(each, Report) for each in reports)


def test_what_a_provider_names_its_message_by_is_kept_with_sent() -> None:
    assert ALIYUN.read(200, said({"Code": "OK", "BizId": "b1"})).reference == "b1"
    assert ALIYUN.read(200, said({"Code": "OK", "CallId": "c1"})).reference == "c1"
    text = {"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "s1"}]}}
    assert TENCENT.read(200, said(text)).reference == "s1"
    assert TENCENT.read(200, said({"Response": {"SendStatus": {"CallId": "c"}}})).reference == "c"
