"""Aliyun's texts (SendSms) and calls (SingleCallByTts, or IvrCall where a key is to confirm),
API version 2017-05-25, signature V3; and the reports that it posts (SmsReport, VoiceReport).

Written from the published documentation (docs/sources.md#S20); nothing here was run against
Aliyun itself. The approved templates take two parameters, ``title`` and ``text``.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import msgspec

from push.message import Message
from push.port import Outcome, Result
from push.reports import CONFIRMS, Report, Word, decoded, instant, of_key
from push.telephony import Asked, by_status, words

SMS = "https://dysmsapi.aliyuncs.com"
VOICE = "https://dyvmsapi.aliyuncs.com"
VERSION = "2017-05-25"

_GONE = {"isv.MOBILE_NUMBER_ILLEGAL"}
_LATER = (
    "Throttling",
    "isv.BUSINESS_LIMIT_CONTROL",
    "isp.",
    "InternalError",
    "ServiceUnavailable",
    "SignatureNonceUsed",
)


class Aliyun(msgspec.Struct, frozen=True, kw_only=True):
    """An account of Aliyun.

    Args:
        key_id, key_secret: of a RAM user who may only text and call.
        sign_name: the approved signature of texts.
        sms_template, voice_template: approved templates' codes.
        key_template: approved template that is said after the key 1; with it a call asks for the
            key, without it nobody can confirm by one. The voice template must then ask for it.
        shown_number: the bought number that a called person sees.
        sms_origin, voice_origin: other places than Aliyun's only in a rehearsal.
    """

    key_id: str
    key_secret: str
    sign_name: str = ""
    sms_template: str = ""
    voice_template: str = ""
    key_template: str = ""
    shown_number: str = ""
    sms_origin: str = SMS
    voice_origin: str = VOICE

    def text(self, number: str, message: Message, at_s: float) -> Asked:
        return self._asked(
            self.sms_origin,
            "SendSms",
            {
                "PhoneNumbers": number,
                "SignName": self.sign_name,
                "TemplateCode": self.sms_template,
                "TemplateParam": _param(message),
                "OutId": str(message.id),
            },
            at_s,
        )

    def call(self, number: str, message: Message, at_s: float) -> Asked:
        if self.key_template:
            return self._asked(
                self.voice_origin,
                "IvrCall",
                {
                    "CalledNumber": number,
                    "CalledShowNumber": self.shown_number,
                    "StartCode": self.voice_template,
                    "StartTtsParams": _param(message),
                    "MenuKeyMap.1.Key": CONFIRMS,
                    "MenuKeyMap.1.Code": self.key_template,
                    "PlayTimes": "2",
                    "Timeout": "8000",
                    "OutId": message.id.hex[-15:],
                },
                at_s,
            )
        return self._asked(
            self.voice_origin,
            "SingleCallByTts",
            {
                "CalledNumber": number,
                "CalledShowNumber": self.shown_number,
                "TtsCode": self.voice_template,
                "TtsParam": _param(message),
                "PlayTimes": "2",
                # At most 15 bytes: the part of the id that is random.
                "OutId": message.id.hex[-15:],
            },
            at_s,
        )

    def read(self, status: int, body: bytes) -> Result:
        try:
            said = msgspec.json.decode(body, type=dict[str, object])
            code = str(said["Code"])
        except (msgspec.MsgspecError, KeyError):
            return by_status(status)
        if code == "OK" and status == 200:
            reference = str(said.get("BizId") or said.get("CallId") or "")[:100]
            return Result(Outcome.SENT, None, "OK", reference=reference)
        if code in _GONE:
            return Result(Outcome.FORGET_DEVICE, None, code[:39])
        if code.startswith(_LATER) or status == 429 or status >= 500:
            return Result(Outcome.RETRY, None, code[:39])
        return Result(Outcome.REJECTED, None, code[:39])

    def reports(self, body: bytes) -> list[Report]:
        return [found for said in decoded(body, list[_Said]) if (found := _report(said))]

    @property
    def thanks(self) -> bytes:
        return '{"code":0,"msg":"接收成功"}'.encode()

    def _asked(self, origin: str, action: str, query: Mapping[str, str], at_s: float) -> Asked:
        headers = {
            "host": urlsplit(origin).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-version": VERSION,
        }
        encoded = canonical_query(query)
        authorization = sign(encoded, headers, self.key_id, self.key_secret)
        return Asked(
            url=f"{origin}/?{encoded}", headers={**headers, "authorization": authorization}
        )


class _Said(msgspec.Struct, frozen=True):
    """A line of SmsReport (with ``biz_id``) or of VoiceReport (with ``call_id``)."""

    biz_id: str = ""
    success: bool | None = None
    err_code: str = ""
    report_time: str = ""
    call_id: str = ""
    status_code: str = ""
    start_time: str = ""
    end_time: str = ""
    status_time: str = ""
    dtmf: str = ""


_HEARD = {"200000", "200001", "200008"}
"""Heard to the end; hung up before it; waited for a key in vain: somebody answered."""


def _report(said: _Said) -> Report | None:
    if said.biz_id and said.success is not None:
        word = Word.DELIVERED if said.success else Word.FAILED
        return Report(
            door="sms",
            reference=said.biz_id,
            word=word,
            code=said.err_code[:39],
            at=instant(said.report_time),
        )
    if not said.call_id or not said.status_code:
        return None
    if said.dtmf:
        word = of_key(said.dtmf)
    elif said.status_code in _HEARD or said.start_time:
        word = Word.DELIVERED
    elif said.status_code.startswith("2001"):
        return None  # on its way, or of calls between two people
    else:
        word = Word.FAILED
    return Report(
        door="voice",
        reference=said.call_id,
        word=word,
        code=said.status_code[:39],
        at=instant(said.end_time or said.status_time),
    )


def canonical_query(query: Mapping[str, str]) -> str:
    """Sorted by name, percent-encoded as RFC 3986 says."""
    return "&".join(f"{_encoded(k)}={_encoded(v)}" for k, v in sorted(query.items()))


def sign(query: str, headers: Mapping[str, str], key_id: str, key_secret: str) -> str:
    """The ``Authorization`` of a POST without a body to ``/`` (ACS3-HMAC-SHA256).

    Args:
        query: canonical.
        headers: all that are signed, names in lower case; among them x-acs-content-sha256.
        key_id, key_secret: the account's.
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(["POST", "/", query, lines, names, headers["x-acs-content-sha256"]])
    told = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), told.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _param(message: Message) -> str:
    title, text = words(message)
    return msgspec.json.encode({"title": title, "text": text}).decode()
