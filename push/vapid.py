"""VAPID: the key by which a push service knows who sends (RFC 8292).

One key pair per installation. Browsers subscribe with its public half, so a new pair makes
every subscription worthless: it is made once and kept with the installation's secrets.
"""

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_LIFE_S = 12 * 3600
"""Push services refuse tokens that live longer than a day."""
_RENEW_S = 3600
_MOST_ORIGINS = 64


class VapidKey:
    """An ES256 key pair.

    >>> key = VapidKey.generate()
    >>> VapidKey.load(key.private).public == key.public
    True
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._public = to_base64url(point)
        self._tokens: dict[tuple[str, str], tuple[int, str]] = {}

    @classmethod
    def generate(cls) -> "VapidKey":
        """A new pair, from the operating system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, private: str) -> "VapidKey":
        """The pair of a serialised private key.

        Args:
            private: 32 bytes, base64url without padding, as ``private`` gives it.

        Raises:
            ValueError: it is not a P-256 private key of that form.
        """
        raw = from_base64url(private)
        if len(raw) != 32:
            raise ValueError("a VAPID private key is 32 bytes")
        return cls(ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1()))

    @property
    def private(self) -> str:
        """32 bytes, base64url without padding. A secret."""
        return to_base64url(self._key.private_numbers().private_value.to_bytes(32, "big"))

    @property
    def public(self) -> str:
        """The uncompressed point, 65 bytes, base64url: a browser's ``applicationServerKey``."""
        return self._public

    def authorization(self, origin: str, subject: str, *, now_s: int) -> str:
        """The ``Authorization`` header for one push service; signed anew every eleven hours.

        Args:
            origin: the push service's scheme, host and port, as ``https://push.example``.
            subject: how the push service reaches us, ``mailto:`` or ``https:``.
            now_s: Unix time, seconds.
        """
        expires, token = self._tokens.get((origin, subject), (0, ""))
        if not now_s + _RENEW_S < expires <= now_s + _LIFE_S:
            expires = now_s + _LIFE_S
            claims = {"aud": origin, "exp": expires, "sub": subject}
            token = jwt.encode(claims, self._key, algorithm="ES256")
            if len(self._tokens) >= _MOST_ORIGINS:
                self._tokens.clear()
            self._tokens[origin, subject] = (expires, token)
        return f"vapid t={token}, k={self.public}"


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Decode with or without padding. Raises ``ValueError`` when it is not base64url."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True)
