"""The doors by which this installation's messages may leave: what is configured is opened.

Clients of providers take long to import and hold memory, so each door is made ready at its first
message; a door that cannot be made ready says why in the log and in the ledger, and the ladder
goes on to the next.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from backend.settings import Push, Settings
from backend.shared.context import Context
from push.message import Message
from push.port import Door, Outcome, Reach, Result, kept_inside

if TYPE_CHECKING:
    from push.telephony import Telephony
    from push.vapid import VapidKey

log = logging.getLogger("jiean.messages")

KEY_FILE = "vapid.key"


def doors(context: Context) -> tuple[Door, ...]:
    """Open screens always; providers as configured, unless everything here is an exercise."""
    settings = context.settings
    if settings.demo.exercise:
        return (context.live,)
    return (context.live, *(Later(name, make) for name, make in _configured(context).items()))


def _configured(context: Context) -> dict[str, Callable[[], Door]]:
    """Name → what makes the door, for each that has its settings."""
    push = context.settings.push
    made: dict[str, Callable[[], Door]] = {"webpush": lambda: _webpush(context)}
    if push.fcm_service_account:
        made["fcm"] = lambda: _fcm(push)
    if push.apns_key:
        made["apns"] = lambda: _apns(push)
    if push.telephony and push.sms_template:
        made["sms"] = lambda: _telephone(push, "sms")
    if push.telephony and push.voice_template:
        made["voice"] = lambda: _telephone(push, "voice")
        made["family"] = lambda: _telephone(push, "family")
    made["rooms"] = lambda: _rooms(context.settings)
    return made


class Later:
    """A door to the internet that is made ready at its first message: no start waits for it.

    The only way to a provider. What is not actual is refused here before a provider's client is
    even made; that the same holds inside each door is the second lock of two.
    """

    reach = Reach.INTERNET

    def __init__(self, name: str, make: Callable[[], Door]) -> None:
        self.name = name
        self._make = make
        self._turn = asyncio.Lock()
        self._door: Door | None = None

    async def aclose(self) -> None:
        """Close the door, when it was ever opened."""
        close = getattr(self._door, "aclose", None)
        if close is not None:
            await close()

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message over; see ``push.port.Door``."""
        if refused := kept_inside(self.reach, message):
            return refused
        async with self._turn:
            if self._door is None:
                try:
                    self._door = await asyncio.to_thread(self._make)
                except (ImportError, OSError, ValueError) as why:
                    # Of the settings or of the installation: somebody must see to it.
                    log.error("door %s cannot be opened: %s", self.name, why)
                    return Result(Outcome.RETRY, None, "door-not-configured")
        return await self._door.send(address, message)


def _webpush(context: Context) -> Door:
    from push.webpush import WebPush

    push = context.settings.push
    key = vapid_key(context.settings, context.data)
    return WebPush(key, push.vapid_subject, timeout_s=push.timeout_s)


def _fcm(push: Push) -> Door:
    from push.fcm import Fcm

    account = json.loads(Path(push.fcm_service_account).read_text("utf-8"))
    return Fcm(account, timeout_s=push.timeout_s)


def _apns(push: Push) -> Door:
    from push.apns import Apns

    return Apns(
        Path(push.apns_key).read_text("utf-8"),
        push.apns_key_id,
        push.apns_team_id,
        push.apns_topic,
        critical=push.apns_critical,
        timeout_s=push.timeout_s,
    )


def _telephone(push: Push, way: str) -> Door:
    from push.sms import sms
    from push.voice import voice

    if way == "sms":
        return sms(telephony(push), timeout_s=push.timeout_s)
    return voice(telephony(push), name=way, timeout_s=push.timeout_s)


def telephony(push: Push) -> "Telephony":
    """The configured provider of texts and calls; Tencent unless it is Aliyun."""
    if push.telephony == "aliyun":
        from push.aliyun import Aliyun

        return Aliyun(
            key_id=push.telephony_key_id,
            key_secret=push.telephony_key_secret,
            sign_name=push.sms_sign,
            sms_template=push.sms_template,
            voice_template=push.voice_template,
            key_template=push.voice_key_template,
            shown_number=push.voice_app,
        )
    from push.tencent import Tencent

    return Tencent(
        key_id=push.telephony_key_id,
        key_secret=push.telephony_key_secret,
        sign_name=push.sms_sign,
        sms_app=push.sms_app,
        sms_template=push.sms_template,
        voice_app=push.voice_app,
        voice_template=push.voice_template,
    )


def _rooms(settings: Settings) -> Door:
    from push.rooms import Rooms

    return Rooms(settings.public_url, timeout_s=settings.push.timeout_s)


def vapid_key(settings: Settings, data: Path) -> "VapidKey":
    """The installation's key: configured, or made once and kept in the data folder.

    Raises:
        ValueError: what is configured or kept is no P-256 private key.
        OSError: the data folder cannot be read or written.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from push.vapid import VapidKey

    configured = settings.push.vapid_private_key
    if configured.startswith("-----BEGIN"):
        pem = load_pem_private_key(configured.encode(), None)
        if not isinstance(pem, ec.EllipticCurvePrivateKey) or pem.curve.name != "secp256r1":
            raise ValueError("the VAPID key must be of P-256")
        return VapidKey(pem)
    if configured:
        return VapidKey.load(configured)
    path = data / KEY_FILE
    if not path.exists():
        # Whole or not at all: a half-written key would make every subscription worthless.
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        with draft.open("w") as file:
            file.write(VapidKey.generate().private)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return VapidKey.load(path.read_text().strip())
