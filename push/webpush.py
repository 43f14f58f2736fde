"""The Web Push door (RFC 8030, 8188, 8291, 8292).

The address is the browser's subscription as JSON, exactly as ``PushSubscription.toJSON()``
gives it. A phone chose that address, so the door only writes to hosts that are known push
services, never follows a redirect and never reads more than a little of an answer.
Encryption runs in a thread and HTTP is asynchronous: the loop is never held up.
"""

import asyncio
import hashlib
import logging
import os
import ssl
import time
from collections.abc import Callable, Collection

import aiohttp
import http_ece
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from push.answer import is_loopback, result_of
from push.message import Message, TooLargeError, Urgency, encode
from push.port import Outcome, Reach, Result, kept_inside
from push.subscription import Keys as Keys
from push.subscription import Subscription as Subscription
from push.vapid import VapidKey, from_base64url, to_base64url
from push.wire import post, session

PUSH_SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
"""Hosts of browsers' push services; hosts below them count too."""

log = logging.getLogger(__name__)

_URGENCY = {Urgency.EMERGENCY: "high", Urgency.HIGH: "high", Urgency.NORMAL: "normal"}


class WebPush:
    """Send to browsers' push services.

    Args:
        key: the installation's VAPID pair.
        subject: how a push service reaches us, ``mailto:`` or ``https:``.
        reach: ``INTERNET`` for ``hosts`` by https; ``LOOPBACK`` only for 127.0.0.0/8 and ::1,
            where a rehearsal's own push service listens.
        hosts: the push services that may be written to.
        trust: whose certificates are believed; the system's when None.
        timeout_s: the longest one attempt may take, all told.
        most_at_once: connections; more attempts wait their turn within their own time limit.
        now_s: Unix time, for the token's expiry.
    """

    name = "webpush"

    def __init__(
        self,
        key: VapidKey,
        subject: str,
        *,
        reach: Reach = Reach.INTERNET,
        hosts: Collection[str] = PUSH_SERVICES,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
        most_at_once: int = 100,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.reach = reach
        self._key, self._subject, self._hosts = key, subject, tuple(hosts)
        self._timeout_s, self._now_s = timeout_s, now_s
        self._trust, self._most_at_once = trust, most_at_once
        self._http: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to the browser's push service; see ``push.port.Door``."""
        if refused := kept_inside(self.reach, message):
            return refused
        try:
            subscription = msgspec.json.decode(address, type=Subscription)
        except (msgspec.MsgspecError, UnicodeError):
            return Result(Outcome.FORGET_DEVICE, None, "not-a-subscription")
        try:
            # Checked and used in one parsed form: two parsers could see two hosts.
            # It goes out as it is, percent signs and all, so nothing in it may end a line.
            if any(sign <= " " for sign in subscription.endpoint):
                return Result(Outcome.FORGET_DEVICE, None, "not-a-subscription")
            endpoint = URL(subscription.endpoint, encoded=True)
            may = self._may_write_to(endpoint)
        except ValueError:
            return Result(Outcome.FORGET_DEVICE, None, "not-a-subscription")
        if not may:
            return Result(Outcome.REJECTED, None, "not-a-push-service")
        try:
            plain = encode(message)
        except TooLargeError:
            return Result(Outcome.REJECTED, None, "too-large")
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    sealed = await asyncio.to_thread(seal, plain, subscription.keys)
                except (ValueError, http_ece.ECEException):
                    return Result(Outcome.FORGET_DEVICE, None, "not-usable-keys")
                return await self._post(endpoint, sealed, message)
        except TimeoutError:
            return Result(Outcome.RETRY, None, "timeout")
        except Exception as broken:
            # Beside ClientError, the layers below raise what they like for a strange address or
            # peer. The name goes to the ledger; the address stays out of the log.
            log.info("web push: %s", type(broken).__name__)
            return Result(Outcome.RETRY, None, type(broken).__name__)

    async def _post(self, endpoint: URL, sealed: bytes, message: Message) -> Result:
        headers = {
            "Authorization": self._key.authorization(
                str(endpoint.origin()), self._subject, now_s=int(self._now_s())
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl_s),
            "Urgency": _URGENCY[message.urgency],
        }
        if message.collapse_key:
            headers["Topic"] = topic(message.collapse_key)
        status, retry_after = await self._ask(endpoint, sealed, headers)
        return result_of(status, retry_after, self._now_s)

    async def _ask(
        self, endpoint: URL, sealed: bytes, headers: dict[str, str]
    ) -> tuple[int, str | None]:
        if self._http is None:
            self._http = session(
                self.reach,
                timeout_s=self._timeout_s,
                trust=self._trust or ssl.create_default_context(),
                most_at_once=self._most_at_once,
            )
        return await post(self._http, endpoint, sealed, headers)

    def _may_write_to(self, endpoint: URL) -> bool:
        """Raises ``ValueError`` for a port that is none."""
        host = (endpoint.raw_host or "").rstrip(".")
        if endpoint.raw_user is not None or endpoint.raw_password is not None:
            return False
        if self.reach is Reach.LOOPBACK:
            return endpoint.scheme in ("http", "https") and is_loopback(host)
        known = any(host == name or host.endswith("." + name) for name in self._hosts)
        return endpoint.scheme == "https" and endpoint.explicit_port in (None, 443) and known


def seal(plain: bytes, keys: Keys) -> bytes:
    """Encrypt for one browser (aes128gcm): a fresh key pair and salt each time.

    Args:
        plain: at most ``push.message.MAX_BYTES`` bytes.
        keys: the browser's.

    Returns:
        Header and ciphertext, 103 bytes more than ``plain``.

    Raises:
        ValueError: a key is not base64url or not a point of P-256.
    """
    sealed: bytes = http_ece.encrypt(
        plain,
        salt=os.urandom(16),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=from_base64url(keys.p256dh),
        auth_secret=from_base64url(keys.auth),
        version="aes128gcm",
    )
    return sealed


def topic(collapse_key: str) -> str:
    """The ``Topic`` of a key: 32 characters of base64url that tell the push service nothing."""
    return to_base64url(hashlib.sha256(collapse_key.encode()).digest())[:32]
