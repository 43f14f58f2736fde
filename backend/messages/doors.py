"""The doors by which this installation's messages may leave."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from backend.settings import Settings
from backend.shared.context import Context
from push.message import Message
from push.port import Door, Reach, Result

if TYPE_CHECKING:  # HTTP client and encryption take long to import: only once they are needed
    from push.vapid import VapidKey
    from push.webpush import WebPush

KEY_FILE = "vapid.key"


def doors(context: Context) -> tuple[Door, ...]:
    """Open screens always; browsers' push services unless everything here is an exercise."""
    if context.settings.demo.exercise:
        return (context.live,)
    return (context.live, BrowserPush(context))


class BrowserPush:
    """``push.webpush``, made ready at its first message so that no start waits for it."""

    name = "webpush"
    reach = Reach.INTERNET

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turn = asyncio.Lock()
        self._door: WebPush | None = None

    async def send(self, address: str, message: Message) -> Result:
        """Hand one message to the browser's push service; see ``push.port.Door``."""
        async with self._turn:
            if self._door is None:
                self._door = await asyncio.to_thread(self._open)
        return await self._door.send(address, message)

    def _open(self) -> "WebPush":
        from push.webpush import WebPush

        push = self._context.settings.push
        key = vapid_key(self._context.settings, self._context.data)
        return WebPush(key, push.vapid_subject, timeout_s=push.timeout_s)


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
