import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest

from push import aliyun, tencent
from push.aliyun import Aliyun
from push.message import Handling
from push.port import Door, Outcome, Reach, Result
from push.sms import sms
from push.telephony import PhoneDoor, Telephony, number_of, words
from push.tencent import Tencent
from push.voice import voice
from tests.push.contract import DoorContract, Rig
from tests.push.provider import broken_service
from tests.push.serving import Provider, serving
from tests.push.world import NOON, a_message

NUMBER = "138 0000-0000"
FRESH_S = 900


class Exchange(Provider):
    """What both providers do: refuse a wrong signature or an old one, then send."""

    def fresh(self, at_s: float) -> bool:
        return abs(at_s - time.time()) < FRESH_S


class AliyunExchange(Exchange):
    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        query = dict(parse_qsl(path.partition("?")[2], keep_blank_values=True))
        names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        signed = {name: headers[name] for name in names}
        expected = aliyun.sign(aliyun.canonical_query(query), signed, "AK", "secret")
        if headers["authorization"] != expected:
            return 400, b'{"Code": "SignatureDoesNotMatch"}'
        at_s = time.mktime(time.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ"))
        if not self.fresh(at_s - time.timezone):
            return 400, b'{"Code": "InvalidTimeStamp.Expired"}'
        named = ("TemplateParam", "TtsParam", "StartTtsParams")
        param = json.loads(next(query[name] for name in named if name in query))
        text = headers["x-acs-action"] == "SendSms"
        if text and (query["SignName"], query["TemplateCode"]) != ("街安", "SMS_1"):
            return 200, b'{"Code": "isv.SMS_SIGNATURE_ILLEGAL"}'
        if not text and len(query["OutId"]) > 15:
            return 200, b'{"Code": "isv.INVALID_PARAMETERS"}'
        number = query["PhoneNumbers" if text else "CalledNumber"]
        if number == "13900000000":
            return 200, b'{"Code": "isv.MOBILE_NUMBER_ILLEGAL"}'
        shown = {"lockTitle": param["title"], "lockBody": param["text"], "number": number}
        self.shown.append({**shown, "id": query["OutId"]} if text else shown)
        return 200, b'{"Code": "OK", "RequestId": "r", "BizId": "b"}'


class TencentExchange(Exchange):
    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        text = headers["x-tc-action"] == "SendSms"
        expected = tencent.sign(
            body,
            headers["host"],
            "sms" if text else "vms",
            headers["x-tc-action"],
            "AK",
            "secret",
            int(headers["x-tc-timestamp"]),
        )
        if headers["authorization"] != expected:
            return 200, refusal("AuthFailure.SignatureFailure")
        if not self.fresh(int(headers["x-tc-timestamp"])):
            return 200, refusal("AuthFailure.SignatureExpire")
        asked = json.loads(body)
        number = asked["PhoneNumberSet"][0] if text else asked["CalledNumber"]
        title, line = asked["TemplateParamSet"]
        if number == "+8613900000000":
            code = "InvalidParameterValue.IncorrectPhoneNumber"
            return 200, status_set(code) if text else refusal(code)
        self.shown.append(
            {"lockTitle": title, "lockBody": line, "id": asked["SessionContext"], "number": number}
        )
        if text:
            return 200, status_set("Ok")
        return 200, b'{"Response": {"SendStatus": {"CallId": "c1"}, "RequestId": "r"}}'


def refusal(code: str) -> bytes:
    return json.dumps({"Response": {"Error": {"Code": code}, "RequestId": "r"}}).encode()


def status_set(code: str) -> bytes:
    return json.dumps({"Response": {"SendStatusSet": [{"Code": code}]}}).encode()


def provider_at(kind: str, origin: str, **changes: str) -> Telephony:
    common = {"key_id": "AK", "key_secret": "secret", "sign_name": "街安"}
    places = {"sms_origin": origin, "voice_origin": origin, "sms_template": "SMS_1"}
    made: Callable[..., Telephony] = Aliyun if kind == "aliyun" else Tencent
    return made(**{**common, **places, **changes})


@asynccontextmanager
async def a_door(kind: str, way: str, origin: str, **named: Any) -> AsyncIterator[PhoneDoor]:
    make = sms if way == "sms" else voice
    changes = named.pop("changes", {})
    door = make(provider_at(kind, origin, **changes), **{"reach": Reach.LOOPBACK, **named})
    try:
        yield door
    finally:
        await door.aclose()


@pytest.fixture(params=["aliyun", "tencent"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sms", "voice"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def exchange(kind: str) -> AsyncIterator[Exchange]:
    there = AliyunExchange() if kind == "aliyun" else TencentExchange()
    async with serving(there):
        yield there


@pytest.fixture
async def door(kind: str, way: str, exchange: Exchange) -> AsyncIterator[PhoneDoor]:
    async with a_door(kind, way, exchange.origin) as opened:
        yield opened


class TestContract(DoorContract):
    @pytest.fixture
    async def rig(self, kind: str, way: str, exchange: Exchange, door: PhoneDoor) -> Rig:
        carries = {"lockTitle", "lockBody"}
        if (kind, way) != ("aliyun", "voice"):  # its id is cut to fifteen bytes
            carries.add("id")
        dead = ("12345", "13900000000", "+1 202 555 0100", "一三八零零零零零零零零")
        return Rig(door, NUMBER, dead, lambda: exchange.shown, frozenset(carries))


def test_the_doors_fit_the_port(kind: str) -> None:
    provider = provider_at(kind, "https://dysmsapi.aliyuncs.com")
    doors: list[Door] = [sms(provider), voice(provider)]
    assert [(door.name, door.reach) for door in doors] == [
        ("sms", Reach.INTERNET),
        ("voice", Reach.INTERNET),
    ]


@pytest.mark.parametrize("handling", [Handling.EXERCISE, Handling.TEST])
async def test_nobody_is_telephoned_in_an_exercise(
    kind: str, way: str, exchange: Exchange, handling: Handling
) -> None:
    async with a_door(kind, way, exchange.origin, reach=Reach.INTERNET) as real:
        result = await real.send(NUMBER, a_message(handling=handling))
    assert result.outcome is Outcome.REJECTED
    assert exchange.requests == []


async def test_each_reach_keeps_to_its_own_side(kind: str, way: str, exchange: Exchange) -> None:
    async with a_door(kind, way, exchange.origin, reach=Reach.INTERNET) as real:
        assert (await real.send(NUMBER, a_message())).provider_code == "not-a-provider"
    async with a_door(kind, way, "https://dysmsapi.aliyuncs.com") as inside:
        assert (await inside.send(NUMBER, a_message())).provider_code == "not-a-provider"
    assert exchange.requests == []


async def test_another_key_and_an_old_clock_are_refused(
    kind: str, way: str, exchange: Exchange
) -> None:
    async with a_door(kind, way, exchange.origin, changes={"key_secret": "guess"}) as stranger:
        assert (await stranger.send(NUMBER, a_message())).outcome is Outcome.REJECTED
    async with a_door(kind, way, exchange.origin, now_s=NOON.timestamp) as late:
        stale = await late.send(NUMBER, a_message())
    assert stale.outcome is Outcome.REJECTED
    assert "xpire" in stale.provider_code
    assert exchange.shown == []


async def test_nothing_but_the_lock_screen_lines_leaves(
    exchange: Exchange, door: PhoneDoor
) -> None:
    await door.send(NUMBER, a_message())
    [(path, _, body)] = exchange.requests
    wire = json.dumps([exchange.shown, path, body.decode()], ensure_ascii=False)
    assert "李阿姨" not in wire
    assert "平江路" not in wire


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Outcome.RETRY),
        ("Throttling.User", Outcome.RETRY),
        ("isp.SYSTEM_ERROR", Outcome.RETRY),
        ("isv.MOBILE_NUMBER_ILLEGAL", Outcome.FORGET_DEVICE),
        ("isv.AMOUNT_NOT_ENOUGH", Outcome.REJECTED),
        ("SomethingNew", Outcome.REJECTED),
    ],
)
def test_aliyun_s_words_say_what_to_do_next(code: str, expected: Outcome) -> None:
    read = Aliyun(key_id="", key_secret="").read(200, json.dumps({"Code": code}).encode())
    assert read == Result(expected, None, code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("RequestLimitExceeded", Outcome.RETRY),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", Outcome.RETRY),
        ("InternalError.Timeout", Outcome.RETRY),
        ("InvalidParameterValue.IncorrectPhoneNumber", Outcome.FORGET_DEVICE),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Outcome.REJECTED),
    ],
)
def test_tencent_s_words_say_what_to_do_next(code: str, expected: Outcome) -> None:
    reads = [Tencent(key_id="", key_secret="").read(200, f(code)) for f in (refusal, status_set)]
    assert {read.outcome for read in reads} == {expected}
    assert all(read.provider_code == code[:39] for read in reads)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, b"", Result(Outcome.RETRY, 30, "429")),
        (500, b"<html>", Result(Outcome.RETRY, 30, "500")),
        (503, b"[]", Result(Outcome.RETRY, 30, "503")),
        (200, b"\xff\xfe", Result(Outcome.RETRY, 30, "200")),
        (200, b'{"Response": {"SendStatusSet": []}}', Result(Outcome.RETRY, 30, "200")),
        (302, b"", Result(Outcome.REJECTED, None, "302")),
        (404, b"", Result(Outcome.REJECTED, None, "404")),
    ],
)
async def test_an_answer_in_no_known_form_goes_by_its_status(
    exchange: Exchange, door: PhoneDoor, status: int, body: bytes, expected: Result
) -> None:
    exchange.says(status, body, retry_after="30")
    assert await door.send(NUMBER, a_message()) == expected


@pytest.mark.parametrize("fault", ["half-closed", "garbage", "slammed", "hanging"])
async def test_a_broken_provider_is_tried_again_later(kind: str, way: str, fault: str) -> None:
    async with (
        broken_service(fault) as origin,
        a_door(kind, way, origin, timeout_s=0.3) as door,
    ):
        assert (await door.send(NUMBER, a_message())).outcome is Outcome.RETRY


async def test_where_a_key_confirms_the_call_of_aliyun_asks_for_it() -> None:
    there = AliyunExchange()
    changes = {"voice_template": "TTS_1", "key_template": "TTS_2"}
    async with serving(there), a_door("aliyun", "voice", there.origin, changes=changes) as door:
        assert await door.send(NUMBER, a_message()) == Result(
            Outcome.SENT, None, "OK", reference="b"
        )
    [(path, headers, _)] = there.requests
    query = dict(parse_qsl(path.partition("?")[2]))
    assert headers["x-acs-action"] == "IvrCall"
    assert (query["StartCode"], query["MenuKeyMap.1.Key"]) == ("TTS_1", "1")
    assert query["MenuKeyMap.1.Code"] == "TTS_2"


def test_a_landline_can_be_called_and_not_texted() -> None:
    assert number_of("0512-6500 0000", landlines=True) == "051265000000"
    assert number_of("0512-6500 0000", landlines=False) is None
    assert number_of("+86 138 0000 0000", landlines=False) == "13800000000"
    assert number_of("110", landlines=True) is None


def test_long_lines_are_cut_to_what_a_template_takes() -> None:
    title, text = words(a_message(lock_title="长" * 90, lock_body="短"))
    assert (len(title), title[-1], text) == (35, "…", "短")


def test_the_signature_of_aliyun_is_the_one_of_its_documentation() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    image = "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
    query = aliyun.canonical_query({"RegionId": "cn-shanghai", "ImageId": image})
    assert aliyun.sign(query, headers, "YourAccessKeyId", "YourAccessKeySecret").endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_the_signature_of_tencent_is_the_one_of_its_documentation() -> None:
    signed = tencent.sign(
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
        "cvm.tencentcloudapi.com",
        "cvm",
        "DescribeInstances",
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
        "Gu5t9xGARNpq86cd98joQYCN3*******",
        1551113065,
    )
    assert signed.endswith(
        "Signature=be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3"
    )
