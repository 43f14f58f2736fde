"""A phone's key in tests: what the browser does with WebCrypto."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from backend.shared.canonical import canonical
from backend.staff.signing import ALGORITHM
from tests.journey.street import Person

DEVICE = "d1"


class Phone:
    """A private key as a phone holds it: signs envelopes, shows only its public half."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        at = self.key.public_key().public_numbers()
        x, y = (_text(part.to_bytes(32, "big")) for part in (at.x, at.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "ext": True, "key_ops": ["verify"]}

    def signed(self, envelope: dict[str, Any]) -> dict[str, Any]:
        r, s = decode_dss_signature(self.key.sign(canonical(envelope), ALGORITHM))
        return envelope | {"signature": _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}


async def registers(who: Person, phone: Phone, device: str = DEVICE) -> None:
    """From now on this is the key that the device signs with."""
    body = {"deviceId": device, "publicKeyJwk": phone.jwk}
    answer = await who.client.post("/api/field/device", json=body)
    assert answer.status_code == 204, answer.text


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
