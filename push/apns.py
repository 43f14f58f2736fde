"""The door to Apple's push service, by apns2's payload and errors over an HTTP/2 of our own.

apns2 0.7.2 says what a notification looks like and what Apple's reasons mean; its transport does
not run on any Python of today, so HTTP/2 is httpx and the ES256 token is PyJWT (docs/decisions/
0002). One connection carries everything. The address is the device token in hexadecimal. Apple
reads what passes through here.
"""

import asyncio
import hashlib
import logging
import re
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

try:
    from apns2 import errors
    from apns2.payload import MAX_PAYLOAD_SIZE, Payload, PayloadAlert
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "apns2 is not installed: Apple's phones cannot be reached. ./jiean installs it; "
        "elsewhere: pip install --no-deps apns2==0.7.2 (docs/decisions/0002)",
        name="apns2",
    ) from missing

from push.answer import is_loopback, retry_after_s
from push.message import Message, TooLargeError, Urgency, encode
from push.port import Outcome, Reach, Result, kept_inside
from push.wire import client

log = logging.getLogger(__name__)

PRODUCTION = "https://api.push.apple.com"
DEVELOPMENT = "https://api.sandbox.push.apple.com"

RENEW_S = 40 * 60
"""Apple refuses tokens older than an hour, and new ones more often than every twenty minutes."""

_TOKEN = re.compile(r"[0-9a-fA-F]{32,200}")
_GONE = (errors.Unregistered, errors.BadDeviceToken, errors.DeviceTokenNotForTopic)
_LATER = (
    errors.TooManyRequests,
    errors.TooManyProviderTokenUpdates,
    errors.InternalServerError,
    errors.ServiceUnavailable,
    errors.Shutdown,
    errors.IdleTimeout,
)
_INTERRUPTION = {
    Urgency.EMERGENCY: "time-sensitive",
    Urgency.HIGH: "time-sensitive",
    Urgency.NORMAL: "active",
}


class _AlarmPayload(Payload):  # type: ignore[misc]
    """apns2's payload with what Apple added after it: interruption level and critical sound."""

    def __init__(self, message: Message, *, critical: bool) -> None:
        lock = message.for_lock_screen()
        super().__init__(
            alert=PayloadAlert(title=lock.title, body=lock.body),
            category="-".join(action.id for action in message.actions) or None,
            sound=None if message.urgency is Urgency.NORMAL else "default",
            mutable_content=True,
        )
        self._level = "critical" if critical else _INTERRUPTION[message.urgency]

    def dict(self) -> dict[str, Any]:
        """As Apple takes it."""
        found: dict[str, Any] = super().dict()
        found["aps"]["interruption-level"] = self._level
        if self._level == "critical":
            found["aps"]["sound"] = {"critical": 1, "name": "default", "volume": 1.0}
        return found


class Apns:
    """Send by APNs.

    Args:
        key: the .p8 file's text.
        key_id, team_id: of Apple.
        topic: the app's bundle id.
        critical: the app holds Apple's entitlement for critical alerts: then an emergency
            sounds through a muted phone. Without it Apple would ignore the wish.
        reach: ``INTERNET`` for Apple; ``LOOPBACK`` for a rehearsal's own service.
        origin: ``PRODUCTION``, ``DEVELOPMENT``, or with ``LOOPBACK`` an address of this machine.
        trust: whose certificates are believed; the system's when None.
        timeout_s: the longest one attempt may take.
        now_s: Unix time.

    Raises:
        ValueError: the key is no P-256 key, or the origin does not fit the reach.
    """

    name = "apns"

    def __init__(
        self,
        key: str,
        key_id: str,
        team_id: str,
        topic: str,
        *,
        critical: bool = False,
        reach: Reach = Reach.INTERNET,
        origin: str = PRODUCTION,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        loaded = load_pem_private_key(key.encode(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.curve.name != "secp256r1":
            raise ValueError("an APNs key is of P-256")
        inside = is_loopback(httpx.URL(origin).host)
        if inside != (reach is Reach.LOOPBACK) or (
            not inside and origin not in (PRODUCTION, DEVELOPMENT)
        ):
            raise ValueError("this origin is not Apple's, or not on this machine")
        self.reach = reach
        self._key, self._key_id, self._team_id, self._topic = loaded, key_id, team_id, topic
        self._critical, self._origin = critical, origin
        self._timeout_s, self._now_s = timeout_s, now_s
        self._token, self._signed_at = "", -RENEW_S * 2.0
        self._http = client(
            reach,
            timeout_s=timeout_s,
            verify=trust or ssl.create_default_context(),
            http1=False,
            http2=True,
        )

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to Apple; see ``push.port.Door``."""
        if refused := kept_inside(self.reach, message):
            return refused
        if not _TOKEN.fullmatch(address):
            return Result(Outcome.FORGET_DEVICE, None, "not-a-token")
        critical = self._critical and message.urgency is Urgency.EMERGENCY
        try:
            body = payload(message, critical=critical)
        except TooLargeError:
            return Result(Outcome.REJECTED, None, "too-large")
        try:
            async with asyncio.timeout(self._timeout_s):
                token = self._bearer()
                result = await self._post(address, message, body, token)
                if result.provider_code == "ExpiredProviderToken":
                    # Our clock or Apple's was wrong about it: once more with a new one.
                    if self._token == token:
                        self._signed_at = -RENEW_S * 2.0
                    result = await self._post(address, message, body, self._bearer())
                return result
        except (TimeoutError, httpx.TimeoutException):
            return Result(Outcome.RETRY, None, "timeout")
        except Exception as broken:
            # The layers below raise what they like for a strange peer. The name goes to the
            # ledger; the address, which holds the device token, stays out of the log.
            log.info("apns: %s", type(broken).__name__)
            return Result(Outcome.RETRY, None, type(broken).__name__)

    def _bearer(self) -> str:
        now_s = self._now_s()
        if not 0 <= now_s - self._signed_at < RENEW_S:
            claims = {"iss": self._team_id, "iat": int(now_s)}
            headers = {"kid": self._key_id}
            self._token = jwt.encode(claims, self._key, algorithm="ES256", headers=headers)
            self._signed_at = now_s
        return self._token

    async def _post(self, address: str, message: Message, body: bytes, token: str) -> Result:
        headers = {
            "authorization": f"bearer {token}",
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-id": str(message.id),
            "apns-priority": "5" if message.urgency is Urgency.NORMAL else "10",
            "apns-expiration": str(int(message.sent_at.timestamp()) + message.ttl_s),
        }
        if message.collapse_key:
            # At most 64 bytes, and nothing readable.
            headers["apns-collapse-id"] = hashlib.sha256(message.collapse_key.encode()).hexdigest()
        answer = await self._http.post(
            f"{self._origin}/3/device/{address}", content=body, headers=headers
        )
        return result_of(
            answer.status_code, answer.content, answer.headers.get("retry-after"), self._now_s
        )


def payload(message: Message, *, critical: bool) -> bytes:
    """The JSON that Apple takes: what the lock screen shows, and the whole message beside it.

    Raises:
        TooLargeError: it does not fit although the body is empty.
    """
    shell = _AlarmPayload(message, critical=critical).dict()
    room = MAX_PAYLOAD_SIZE - len(msgspec.json.encode(shell)) - len(b',"message":')
    return msgspec.json.encode({**shell, "message": msgspec.Raw(encode(message, max_bytes=room))})


def result_of(
    status: int, body: bytes, retry_after: str | None, now_s: Callable[[], float]
) -> Result:
    """What to do after Apple's answer; a reason that we do not know goes by its status."""
    if status == 200:
        return Result(Outcome.SENT, None, "200")
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        reason = str(said.get("reason", ""))
        meant = errors.exception_class_for_reason(reason)
    except (msgspec.MsgspecError, KeyError):
        meant, reason, said = errors.APNsException, str(status), {}
    wish = retry_after_s(retry_after, now_s)
    if issubclass(meant, _GONE) or status == 410:
        return Result(Outcome.FORGET_DEVICE, None, reason, _instant(said.get("timestamp")))
    if issubclass(meant, _LATER) or status == 429 or status >= 500:
        return Result(Outcome.RETRY, wish, reason)
    return Result(Outcome.REJECTED, None, reason)


def _instant(timestamp: object) -> datetime | None:
    """Apple's milliseconds as UTC; None for anything else and beyond the year 3000."""
    if isinstance(timestamp, int) and 0 < timestamp < 32_503_680_000_000:
        return datetime.fromtimestamp(timestamp / 1000, UTC)
    return None
