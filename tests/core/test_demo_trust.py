"""The demonstration's certificate authority, judged by a real TLS client that trusts only it."""

import ipaddress
import plistlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from litestar.testing import TestClient

from backend.demo import trust
from backend.demo.door import create_door

NOW = datetime.now(UTC)
HERE = [ipaddress.ip_address("192.168.7.20"), ipaddress.ip_address("203.0.113.9")]


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """One handshake in memory; the version, or the client's complaint raised.

    Raises:
        ssl.SSLCertVerificationError: the client does not believe the server.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [here, there]
    for _ in range(8):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert waiting == []
    return here.version()


def serving(made: trust.Trust) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    return context


@pytest.mark.parametrize(
    "name",
    ["192.168.7.20", "203.0.113.9", "127.0.0.1", "localhost", "street-pc", "street-pc.local"],
)
def test_a_client_that_trusts_only_this_authority_believes_every_address_of_the_machine(
    tmp_path: Path, name: str
) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="street-pc", now=NOW)
    assert shaken(serving(made), made.client(), name) == "TLSv1.3"


def test_another_machines_address_and_a_client_without_the_authority_are_refused(
    tmp_path: Path,
) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="street-pc", now=NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shaken(serving(made), made.client(), "192.168.7.21")
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(serving(made), ssl.create_default_context(), "127.0.0.1")


def test_the_authority_can_vouch_for_no_public_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="street-pc", now=NOW)
    # somebody with the key signs for a site of the internet and for a public address
    monkeypatch.setattr(trust, "_covers", lambda *_: True)
    monkeypatch.setattr(trust, "_names", lambda _: ["bank.example"])
    public = [ipaddress.ip_address("198.51.100.1")]
    forged = trust.made(tmp_path / "lan", own=public, host="x", now=NOW)
    assert forged.fingerprint == made.fingerprint
    for name in ("bank.example", "198.51.100.1"):
        with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
            shaken(serving(forged), made.client(), name)


def test_a_phone_trusts_once_until_the_authority_ends_or_the_machine_moves(tmp_path: Path) -> None:
    folder = tmp_path / "lan"
    first = trust.made(folder, own=HERE, host="street-pc", now=NOW)
    again = trust.made(folder, own=HERE[:1], host="street-pc", now=NOW + timedelta(days=100))
    assert again.fingerprint == first.fingerprint
    old = trust.made(folder, own=HERE, host="street-pc", now=NOW + timedelta(days=160))
    assert old.fingerprint != first.fingerprint
    moved = trust.made(
        folder, own=[ipaddress.ip_address("203.0.113.77")], host="street-pc", now=NOW
    )
    assert moved.fingerprint != old.fingerprint


def test_keys_are_for_the_owners_eyes_only(tmp_path: Path) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="street-pc", now=NOW)
    assert stat.S_IMODE((tmp_path / "lan").stat().st_mode) == 0o700
    for key in (made.key, tmp_path / "lan" / "ca.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_leaf_ends_within_what_phones_accept(tmp_path: Path) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="街安", now=NOW)
    leaf, authority = x509.load_pem_x509_certificates(made.chain.read_bytes())
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < timedelta(days=398)
    assert leaf.not_valid_after_utc < authority.not_valid_after_utc < NOW + timedelta(days=366)


def test_the_plain_page_gives_out_the_certificate_the_words_and_nothing_else(
    tmp_path: Path,
) -> None:
    made = trust.made(tmp_path / "lan", own=HERE, host="street-pc", now=NOW)
    app = create_door(made, here="http://192.168.7.20:8319", app="https://192.168.7.20:8317/login")
    with TestClient(app) as phone:
        page = phone.get("/")
        assert made.fingerprint in page.text
        assert page.text.count("<svg") == 2
        assert 'href="https://192.168.7.20:8317/login"' in page.text
        given = phone.get("/jiean.crt")
        assert given.headers["content-type"] == "application/x-x509-ca-cert"
        assert given.content == made.der()
        profile = phone.get("/jiean.mobileconfig")
        assert profile.headers["content-type"] == "application/x-apple-aspen-config"
        [payload] = plistlib.loads(profile.content)["PayloadContent"]
        assert (payload["PayloadType"], payload["PayloadContent"]) == (
            "com.apple.security.root", made.der(),
        )  # fmt: skip
        for other in ("/ca.key", "/server.key", "/demo", "/api/health", "/login"):
            assert phone.get(other).status_code == 404
    assert b"PRIVATE" not in page.content + given.content + profile.content
