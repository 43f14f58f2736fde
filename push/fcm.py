"""The door to Firebase Cloud Messaging, by firebase-admin (FCM HTTP v1).

The address is a registration token of our Android app. The message goes as data with high
priority, so the app itself shows it with its buttons. Google reads what passes through here:
unlike Web Push there is no encryption between us and the phone.

firebase-admin is made fit for an outbox in ``_own_ways``, the only place that touches what it
keeps private (a test holds those names): its four internal retries (up to 7 s for one message)
and its time limit of 120 s are ours to decide. Signing in, which it does with a blocking call in
the middle of an asynchronous one, happens in this door's one thread; the thread only waits for
the door's own asynchronous client, so even an answer that drips holds it no longer than an attempt.
"""

import asyncio
import logging
import re
import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import firebase_admin
import google.auth.exceptions
import httpx
import msgspec
from firebase_admin import _http_client, credentials, exceptions, messaging

from push.answer import is_loopback, retry_after_s
from push.message import Message, TooLargeError, Urgency, encode
from push.port import Outcome, Reach, Result, kept_inside
from push.wire import FromThread, client

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9_:=-]{20,1000}")
_RETRY = {"UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED"}
_HIGH = {Urgency.EMERGENCY, Urgency.HIGH}


class Fcm:
    """Send by FCM.

    Args:
        account: the service account's JSON.
        reach: ``INTERNET`` for Google; ``LOOPBACK`` for a rehearsal's own service.
        endpoint: with ``LOOPBACK`` only, its origin; ``account["token_uri"]`` names its token page.
        trust: whose certificates are believed; the system's when None.
        timeout_s: the longest one attempt may take, signing in included.
        now_s: Unix time.

    Raises:
        ValueError: the account is not usable, or an endpoint is not on this machine.
    """

    name = "fcm"

    def __init__(
        self,
        account: Mapping[str, Any],
        *,
        reach: Reach = Reach.INTERNET,
        endpoint: str = "",
        trust: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        places = [account.get("token_uri") or "", endpoint]
        inside = all(is_loopback(urlsplit(place).hostname or "") for place in places)
        if (reach is Reach.LOOPBACK) != bool(endpoint) or (endpoint and not inside):
            raise ValueError("an endpoint of FCM belongs to a rehearsal on this machine")
        self.reach = reach
        self._timeout_s, self._now_s = timeout_s, now_s
        self._turn = asyncio.Lock()
        self._app = firebase_admin.initialize_app(
            credentials.Certificate(dict(account)), {"httpTimeout": timeout_s}, f"jiean-{id(self)}"
        )
        verify = trust or ssl.create_default_context()
        self._sign_in_by = FromThread(client(reach, timeout_s=timeout_s, verify=verify))
        sending = client(reach, timeout_s=timeout_s, verify=verify, http2=True)
        self._service = _own_ways(self._app, endpoint, sending, timeout_s)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fcm-sign-in")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service._async_client.aclose()
        await self._sign_in_by.aclose()
        self._thread.shutdown(wait=False, cancel_futures=True)
        # In a thread: it refuses to run where a loop does.
        await asyncio.to_thread(firebase_admin.delete_app, self._app)

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to FCM; see ``push.port.Door``."""
        if refused := kept_inside(self.reach, message):
            return refused
        if not _TOKEN.fullmatch(address):
            return Result(Outcome.FORGET_DEVICE, None, "not-a-token")
        try:
            wire = _wire(address, message)
        except TooLargeError:
            return Result(Outcome.REJECTED, None, "too-large")
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await self._try(wire, anew=False)
                if result.provider_code == "UNAUTHENTICATED":
                    # The token ended before its time: once more with a new one.
                    result = await self._try(wire, anew=True)
                return result
        except TimeoutError:
            return Result(Outcome.RETRY, None, "timeout")
        except google.auth.exceptions.RefreshError as refused_us:
            return Result(
                Outcome.RETRY if refused_us.retryable else Outcome.REJECTED, None, "sign-in-refused"
            )
        except Exception as broken:
            # The libraries below raise what they like for a strange peer; the door never does.
            log.info("fcm: %s", type(broken).__name__)
            return Result(Outcome.RETRY, None, type(broken).__name__)

    async def _try(self, wire: messaging.Message, *, anew: bool) -> Result:
        async with self._turn:
            credential = self._service._credential
            if anew or not credential.valid:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._thread, self._sign_in, credential, loop)
            self._service._fcm_headers["Authorization"] = f"Bearer {credential.token}"
        [sent] = (await messaging.send_each_async([wire], app=self._app)).responses
        if sent.exception is None:
            return Result(Outcome.SENT, None, "200")
        return _result_of(sent.exception, self._now_s)

    def _sign_in(self, credential: Any, loop: asyncio.AbstractEventLoop) -> None:
        """In the door's thread. Google's library asks up to three times; all share one limit."""
        until_s = time.monotonic() + self._timeout_s

        def ask(
            url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: Any
        ) -> _Said:
            answer = self._sign_in_by.ask(loop, until_s, method, url, content=body, headers=headers)
            return _Said(answer.status_code, answer.headers, answer.content)

        credential.refresh(ask)


class _Said(msgspec.Struct, frozen=True):
    """An answer in the words of google.auth."""

    status: int
    headers: Any
    data: bytes


class _OneTry(_http_client.HttpxAsyncClient):  # type: ignore[misc]
    """firebase-admin's client over ours, which is bound and asks once, where its own asks four
    times. Without its sign-in, which blocks the loop: we set the header instead."""

    def __init__(self, http: httpx.AsyncClient, timeout_s: float) -> None:
        http.headers.update(_http_client.METRICS_HEADERS)
        self._base_url, self._timeout, self._async_client = "", timeout_s, http


def _own_ways(app: Any, endpoint: str, http: httpx.AsyncClient, timeout_s: float) -> Any:
    """firebase-admin's messaging service of ``app``, without retries and sign-in of its own."""
    service = messaging._get_messaging_service(app)
    service._async_client = _OneTry(http, timeout_s)
    if endpoint:
        service._fcm_url = endpoint + urlsplit(service._fcm_url).path
    return service


def _wire(token: str, message: Message) -> messaging.Message:
    """The message as FCM takes it. Raises ``TooLargeError``."""
    with warnings.catch_warnings():
        # 7.7 would rather have installation ids; the app registers tokens.
        warnings.simplefilter("ignore", DeprecationWarning)
        return messaging.Message(
            token=token,
            data={"message": encode(message).decode()},
            android=messaging.AndroidConfig(
                priority="high" if message.urgency in _HIGH else "normal",
                ttl=timedelta(seconds=message.ttl_s),
                collapse_key=message.collapse_key or None,
            ),
        )


def _result_of(problem: exceptions.FirebaseError, now_s: Callable[[], float]) -> Result:
    """What to do after an error of FCM."""
    answer, code = problem.http_response, str(problem.code)[:39]
    if isinstance(problem, messaging.UnregisteredError):
        return Result(Outcome.FORGET_DEVICE, None, "UNREGISTERED")
    if isinstance(problem, messaging.SenderIdMismatchError):
        return Result(Outcome.FORGET_DEVICE, None, "SENDER_ID_MISMATCH")
    if code == "INVALID_ARGUMENT" and "registration token" in str(problem):
        return Result(Outcome.FORGET_DEVICE, None, "not-a-token")
    if isinstance(problem, messaging.QuotaExceededError):
        code = "QUOTA_EXCEEDED"
    if answer is None or answer.status_code == 429 or answer.status_code >= 500 or code in _RETRY:
        wish = answer.headers.get("Retry-After") if answer is not None else None
        return Result(Outcome.RETRY, retry_after_s(wish, now_s), code)
    return Result(Outcome.REJECTED, None, code)
