"""A certificate authority of the demonstration's own, so that phones in the same network get HTTPS.

Made on the spot and kept in the demonstration's folder, so that a phone trusts it once. It can
vouch for addresses of private networks, this machine's own and ``.local`` names only, and ends by
itself: whoever got its key could not pose as any public site.
"""

import ipaddress
import os
import plistlib
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

AUTHORITY_LIFE = timedelta(days=180)
LEAF_LIFE = timedelta(days=30)
BEHIND = timedelta(days=1)
"""A phone's clock may be a day behind."""
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
        "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip
LOOPBACK: tuple[Address, ...] = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """What a server and a phone need."""

    authority: Path
    """The authority's certificate, PEM: what a client trusts."""
    chain: Path
    """The server's certificate followed by the authority's, PEM."""
    key: Path
    """The server's private key, PEM."""
    fingerprint: str
    """SHA-256 of the authority's certificate, as phones show it: ``AB:CD:…``."""

    def client(self) -> ssl.SSLContext:
        """A context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.authority)

    def der(self) -> bytes:
        """The authority's certificate as a phone installs it."""
        return x509.load_pem_x509_certificate(self.authority.read_bytes()).public_bytes(
            Encoding.DER
        )

    def profile(self) -> bytes:
        """The same as a configuration profile for an iPhone."""
        own = uuid5(NAMESPACE_URL, self.fingerprint)
        certificate = {
            "PayloadType": "com.apple.security.root",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"jiean.demo.{own}.root",
            "PayloadUUID": str(own),
            "PayloadDisplayName": "街安演示 CA",
            "PayloadContent": self.der(),
        }
        return plistlib.dumps(
            {
                "PayloadType": "Configuration",
                "PayloadVersion": 1,
                "PayloadIdentifier": f"jiean.demo.{own}",
                "PayloadUUID": str(uuid5(own, "profile")),
                "PayloadDisplayName": "街安演示 Jiean demonstration",
                "PayloadDescription": "只用于本网络内的演示 For the demonstration in this network",
                "PayloadContent": [certificate],
            }
        )


def addresses() -> list[Address]:
    """This machine's addresses in its networks, the one of the usual way out first.

    No packet is sent.
    """
    found: list[Address] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((far, 9))
            except OSError:
                continue
            found.append(ipaddress.ip_address(probe.getsockname()[0]))
    try:
        named = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        named = []
    found += [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in named]
    kept = [each for each in found if not each.is_loopback and not each.is_link_local]
    return list(dict.fromkeys(kept))


def made(folder: Path, *, own: Sequence[Address], host: str, now: datetime) -> Trust:
    """The authority of this folder, made if need be, and a new certificate for this server.

    Args:
        folder: made with 0700; keys in it are 0600.
        own: this machine's addresses in its networks.
        host: this machine's name.
        now: UTC.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    key, certificate = _authority(folder, own, host, now)
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in ("localhost", *_names(host))]
    names += [x509.IPAddress(each) for each in dict.fromkeys((*own, *LOOPBACK))]
    leaf = (
        _certificate(certificate.subject, _name("街安演示 Jiean demo"), leaf_key, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    authority = certificate.public_bytes(Encoding.PEM)
    chain, own_key = folder / "server.crt", folder / "server.key"
    _keep(own_key, _pem(leaf_key))
    _keep(chain, leaf.public_bytes(Encoding.PEM) + authority)
    printed = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Trust(authority=folder / "ca.crt", chain=chain, key=own_key, fingerprint=printed)


def _authority(
    folder: Path, own: Sequence[Address], host: str, now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """The kept one if it still lives long enough and may vouch for these; else a new one."""
    kept_key, kept = folder / "ca.key", folder / "ca.crt"
    if kept_key.exists() and kept.exists():
        key = load_pem_private_key(kept_key.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(kept.read_bytes())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        if certificate.not_valid_after_utc > now + LEAF_LIFE and _covers(certificate, own, host):
            return key, certificate
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"街安演示 CA {host} {now:%Y-%m-%d}")
    limits: list[x509.GeneralName] = [x509.IPAddress(each) for each in _limits(own)]
    limits += [x509.DNSName(each) for each in ("localhost", "local", *_names(host))]
    certificate = (
        _certificate(name, name, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(limits, None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _keep(kept_key, _pem(key))
    _keep(kept, certificate.public_bytes(Encoding.PEM))
    return key, certificate


def _limits(own: Sequence[Address]) -> list[Network]:
    """Private networks, and single addresses of ours that lie outside them."""
    return [*PRIVATE, *(ipaddress.ip_network(each) for each in own if not _is_private(each))]


def _is_private(address: Address) -> bool:
    return any(address in network for network in PRIVATE)


def _covers(certificate: x509.Certificate, own: Sequence[Address], host: str) -> bool:
    limits = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = [each.value for each in limits.permitted_subtrees or ()]
    return {*_limits(own), *_names(host)} <= set(permitted)


def _names(host: str) -> list[str]:
    """As this machine may be called in its network."""
    first = host.partition(".")[0].lower()
    plain = first.replace("-", "").isalnum() and first.isascii() and first != "localhost"
    return [first, f"{first}.local"] if plain else []


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:60])])


def _certificate(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey,
    now: datetime, life: timedelta,
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEHIND)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Of the authority (signs certificates) or of the server."""
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _keep(path: Path, content: bytes) -> None:
    """Write it for our eyes only, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
