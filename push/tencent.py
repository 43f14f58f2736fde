"""Tencent Cloud's texts (SendSms, 2021-01-11) and calls (SendTts, 2020-09-02), signature TC3; and
the reports that it posts.

Written from the published documentation (docs/sources.md#S21); nothing here was run against
Tencent itself. The approved templates take two parameters, title and text, in this order.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from push.message import Message
from push.port import Outcome, Result
from push.reports import Report, Word, decoded, instant, of_key
from push.telephony import Asked, by_status, words

SMS = "https://sms.tencentcloudapi.com"
VOICE = "https://vms.tencentcloudapi.com"
CONTENT_TYPE = "application/json; charset=utf-8"

_GONE = {"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail"}
_LATER = ("RequestLimitExceeded", "LimitExceeded", "InternalError", "ResourceInsufficient")


class Tencent(msgspec.Struct, frozen=True, kw_only=True):
    """An account of Tencent Cloud.

    Args:
        key_id, key_secret: of a CAM user who may only text and call.
        sign_name: the approved signature of texts.
        sms_app, voice_app: the applications' SdkAppId.
        sms_template, voice_template: approved templates' ids.
        region: of the service.
        sms_origin, voice_origin: other places than Tencent's only in a rehearsal.
    """

    key_id: str
    key_secret: str
    sign_name: str = ""
    sms_app: str = ""
    sms_template: str = ""
    voice_app: str = ""
    voice_template: str = ""
    region: str = "ap-guangzhou"
    sms_origin: str = SMS
    voice_origin: str = VOICE

    def text(self, number: str, message: Message, at_s: float) -> Asked:
        body = {
            "PhoneNumberSet": [_international(number)],
            "SmsSdkAppId": self.sms_app,
            "SignName": self.sign_name,
            "TemplateId": self.sms_template,
            "TemplateParamSet": list(words(message)),
            "SessionContext": str(message.id),
        }
        return self._asked(self.sms_origin, "sms", "SendSms", "2021-01-11", body, at_s)

    def call(self, number: str, message: Message, at_s: float) -> Asked:
        body = {
            "TemplateId": self.voice_template,
            "CalledNumber": _international(number),
            "VoiceSdkAppid": self.voice_app,
            "TemplateParamSet": list(words(message)),
            "PlayTimes": 2,
            "SessionContext": str(message.id),
        }
        return self._asked(self.voice_origin, "vms", "SendTts", "2020-09-02", body, at_s)

    def read(self, status: int, body: bytes) -> Result:
        try:
            said = msgspec.json.decode(body, type=dict[str, Any])["Response"]
            code = _code(said)
        except (msgspec.MsgspecError, KeyError, TypeError, IndexError, AttributeError):
            return by_status(status)
        if code == "Ok" and status == 200:
            return Result(Outcome.SENT, None, "Ok", reference=_reference(said))
        if code in _GONE:
            return Result(Outcome.FORGET_DEVICE, None, code[:39])
        if code.startswith(_LATER) or status == 429 or status >= 500:
            return Result(Outcome.RETRY, None, code[:39])
        return Result(Outcome.REJECTED, None, code[:39])

    def reports(self, body: bytes) -> list[Report]:
        if body.lstrip()[:1] == b"[":
            return [_of_text(said) for said in decoded(body, list[_Text]) if said.sid]
        said = decoded(body, _Call)
        if (key := said.voicekey_callback) is not None:
            return [_of_call(key, of_key(key.keypress), "key")] if key.keypress else []
        if (end := said.voiceprompt_callback) is not None:
            word = Word.DELIVERED if end.result == "0" else Word.FAILED
            return [_of_call(end, word, f"result-{end.result}")]
        if (failure := said.voice_failure_callback) is not None:
            return [_of_call(failure, Word.FAILED, f"failure-{failure.failure_code}")]
        return []

    @property
    def thanks(self) -> bytes:
        return b'{"result":0,"errmsg":"OK"}'

    def _asked(
        self, origin: str, service: str, action: str, version: str, body: Any, at_s: float
    ) -> Asked:
        plain, host = msgspec.json.encode(body), urlsplit(origin).netloc
        return Asked(
            url=origin + "/",
            body=plain,
            headers={
                "authorization": sign(
                    plain, host, service, action, self.key_id, self.key_secret, int(at_s)
                ),
                "content-type": CONTENT_TYPE,
                "host": host,
                "x-tc-action": action,
                "x-tc-timestamp": str(int(at_s)),
                "x-tc-version": version,
                "x-tc-region": self.region,
            },
        )


def sign(
    body: bytes, host: str, service: str, action: str, key_id: str, key_secret: str, at_s: int
) -> str:
    """The ``Authorization`` of a POST of ``body`` to ``/`` (TC3-HMAC-SHA256)."""
    signed = "content-type;host;x-tc-action"
    request = "\n".join(
        [
            "POST",
            "/",
            "",
            f"content-type:{CONTENT_TYPE}",
            f"host:{host}",
            f"x-tc-action:{action.lower()}",
            "",
            signed,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    day = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    told = f"TC3-HMAC-SHA256\n{at_s}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{key_secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    return (
        f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, "
        f"Signature={signature}"
    )


def _international(number: str) -> str:
    return "+86" + number.removeprefix("0")


def _code(response: dict[str, Any]) -> str:
    """The word that decides: of the request, else of the one number in it."""
    if "Error" in response:
        return str(response["Error"]["Code"])
    if "SendStatusSet" in response:
        return str(response["SendStatusSet"][0]["Code"])
    # A call that was taken has an id and no code.
    return "Ok" if response["SendStatus"]["CallId"] else "no-call-id"


def _reference(response: dict[str, Any]) -> str:
    """The provider's name for what it took: a text's SerialNo, a call's CallId."""
    if "SendStatusSet" in response:
        return str(response["SendStatusSet"][0].get("SerialNo", ""))[:100]
    return str(response["SendStatus"]["CallId"])[:100]


class _Text(msgspec.Struct, frozen=True):
    """A line of the status report of texts."""

    sid: str
    report_status: Literal["SUCCESS", "FAIL"]
    errmsg: str = ""
    user_receive_time: str = ""


class _Ending(msgspec.Struct, frozen=True):
    """A call that ended, a key that was pressed or why there was no call; names by Tencent."""

    callid: str
    result: str = ""
    keypress: str = ""
    failure_code: int | str = ""
    end_calltime: str = ""


class _Call(msgspec.Struct, frozen=True):
    """A report of calls; one of the three is there."""

    voiceprompt_callback: _Ending | None = None
    voicekey_callback: _Ending | None = None
    voice_failure_callback: _Ending | None = None


def _of_text(said: _Text) -> Report:
    return Report(
        door="sms",
        reference=said.sid,
        word=Word.DELIVERED if said.report_status == "SUCCESS" else Word.FAILED,
        code=said.errmsg[:39],
        at=instant(said.user_receive_time),
    )


def _of_call(said: _Ending, word: Word, code: str) -> Report:
    return Report(
        door="voice",
        reference=said.callid,
        word=word,
        code=code[:39],
        at=instant(said.end_calltime),
    )
