"""Photographs are signed at the shutter and counter-signed here; a wrong one is marked and kept."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from backend.archive.seal import seal, verify
from backend.evidence.keys import signer_of
from backend.evidence.verify import main as verify_photo
from backend.settings import Evidence
from backend.shared.canonical import canonical
from backend.shared.phone_signature import ALGORITHM, to_base64url
from backend.shared.photo_proof import fault_of
from tests.journey.street import Person, Street
from tests.plugin.phone import DEVICE, Phone
from tests.shell.test_evidence import named, picture, put

BURNT, PREVIEW = "b" * 64, "c" * 64


def signed_text(phone: Phone, text: str) -> str:
    r, s = decode_dss_signature(phone.key.sign(text.encode(), ALGORITHM))
    return to_base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def statement(street: Street, incident: str, sha256: str, **more: Any) -> str:
    """What a phone whose clock is an hour slow says at the shutter."""
    at = street.world.clock.now()
    said = {
        "v": 1, "sha256": sha256, "burntSha256": BURNT, "previewSha256": PREVIEW,
        "incidentId": incident, "takenAt": at.isoformat(), "clock": "server",
        "phoneClock": (at - timedelta(hours=1)).isoformat(), "elapsedMs": 2_000,
        "deviceId": DEVICE, "position": {"lat": 31.31, "lon": 120.63, "accuracyM": 6},
    }  # fmt: skip
    return json.dumps(said | more, ensure_ascii=False)


async def says(zhou: Person, phone: Phone, incident: str, **photo: Any) -> None:
    """The photo command, signed as a whole as every command is."""
    at = zhou.street.world.clock.now().isoformat()
    envelope = zhou.envelope(incident, "photo", takenAt=at, caption="灶台", **photo)
    [answer] = await zhou.batch([phone.signed(envelope | {"deviceId": DEVICE})])
    assert answer["outcome"] == "accepted", answer


async def proof_of(zhou: Person, sha256: str) -> dict[str, Any]:
    found: dict[str, Any] = await zhou.get(f"/api/evidence/{sha256}/proof")
    return found


async def photographed(
    street: Street, zhou: Person, phone: Phone, text: str | None = None, **more: Any
) -> dict[str, Any]:
    """A photograph with a statement; its proof."""
    incident, sha256 = await street.newest(), named(picture())
    text = statement(street, incident, sha256) if text is None else text
    photo = {"burntSha256": BURNT, "previewSha256": PREVIEW, "statement": text,
             "signature": signed_text(phone, text)}  # fmt: skip
    await says(zhou, phone, incident, sha256=sha256, **(photo | more))
    return await proof_of(zhou, sha256)


@pytest.mark.clause("6.3.7.1-a")
async def test_the_server_signs_both_clocks_over_what_the_phone_signed(
    street: Street, zhou: Person, phone: Phone
) -> None:
    street.world.clock.forward(seconds=1)
    incident = await street.newest()
    text = statement(street, incident, named(picture()))
    street.world.clock.forward(seconds=600)  # no network for ten minutes
    proof = await photographed(street, zhou, phone, text)
    assert proof["phone"] == "sound"
    assert proof["statement"] == text, "word for word what was signed"
    assert proof["skewMs"] == 3_600_000
    assert proof["receivedAt"] == street.world.clock.now().isoformat()
    published = (await zhou.get("/api/evidence/keys"))["keys"]
    assert fault_of(proof, trusted=frozenset(one["public"] for one in published)) is None
    [photo] = (await (await street.desk()).get(f"/api/incidents/{incident}"))["photos"]
    assert (photo["proof"], photo["previewSha256"]) == ("sound", PREVIEW)


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        ({"signature": "A" * 86}, "forged"),
        ({"signature": "no signature at all"}, "forged"),
        ({"signature": None}, "forged"),
        ({"burntSha256": "d" * 64}, "forged"),
        ({"previewSha256": None}, "forged"),
        ({"statement": "{"}, "forged"),
        ({"statement": "x" * 5000}, "forged"),
        ({"statement": None, "signature": None}, "unsigned"),
    ],
)
async def test_a_photo_with_a_wrong_signature_is_kept_and_marked(
    street: Street, zhou: Person, phone: Phone, wrong: dict[str, Any], verdict: str
) -> None:
    proof = await photographed(street, zhou, phone, **wrong)
    assert proof["phone"] == verdict
    assert fault_of(proof) is None, "the server vouches for what it found"
    await put(zhou.client, picture())
    [photo] = (await zhou.get("/api/field/home"))["incidents"][0]["photos"]
    assert (photo["stored"], photo["proof"]) == (True, verdict)
    audited = "SELECT count(*) FROM audit_entry WHERE action = 'evidence.signature_refused'"
    assert await street.world.operations.fetch_value(audited) == (verdict == "forged")


async def test_a_statement_about_another_incident_or_picture_is_forged(
    street: Street, zhou: Person, phone: Phone
) -> None:
    other = statement(street, "00000000-0000-0000-0000-000000000000", named(picture()))
    assert (await photographed(street, zhou, phone, other))["phone"] == "forged"


async def test_a_phone_that_nobody_registered_is_marked_as_such(
    street: Street, zhou: Person, phone: Phone
) -> None:
    incident = await street.newest()
    text = statement(street, incident, named(picture()), deviceId="somebody-else")
    assert (await photographed(street, zhou, phone, text))["phone"] == "unknown_phone"


async def test_a_phone_that_never_knew_the_time_says_so_and_has_no_skew(
    street: Street, zhou: Person, phone: Phone
) -> None:
    text = statement(street, await street.newest(), named(picture()), clock="phone", elapsedMs=None)
    proof = await photographed(street, zhou, phone, text)
    assert (proof["phone"], proof["skewMs"]) == ("sound", None)


async def test_who_may_not_see_the_photo_does_not_see_its_proof(
    street: Street, zhou: Person, phone: Phone
) -> None:
    await photographed(street, zhou, phone)
    stranger = await street.phone("王芳")
    assert (await stranger.client.get(f"/api/evidence/{named(picture())}/proof")).status_code == 404
    assert (await zhou.client.get(f"/api/evidence/{'0' * 64}/proof")).status_code == 404


async def test_the_desk_sees_the_preview_while_the_original_is_still_to_come(
    street: Street, zhou: Person, phone: Phone
) -> None:
    small = picture(size=(64, 36), colour="blue")
    incident, sha256 = await street.newest(), named(picture())
    await says(zhou, phone, incident, sha256=sha256, previewSha256=named(small))
    await put(zhou.client, small)
    desk = await street.desk()
    [photo] = (await desk.get(f"/api/incidents/{incident}"))["photos"]
    assert (photo["previewStored"], photo["stored"]) == (True, False)
    helper = await street.phone("李明")
    assert (await helper.client.get(f"/api/evidence/{named(small)}")).status_code == 404
    assert (await zhou.client.get(f"/api/evidence/{named(small)}")).content == small
    await put(zhou.client, picture())
    [photo] = (await desk.get(f"/api/incidents/{incident}"))["photos"]
    assert photo["stored"] is True


# --- without a server -----------------------------------------------------------------------


@pytest.fixture
async def files(
    street: Street, zhou: Person, phone: Phone, tmp_path: Path
) -> tuple[Path, Path, Path]:
    """A photograph, its proof, and the published keys, as files."""
    proof = await photographed(street, zhou, phone)
    made = tmp_path / "out"
    made.mkdir()
    (made / "p.jpg").write_bytes(picture())
    (made / "p.json").write_text(json.dumps(proof))
    (made / "keys.json").write_text(json.dumps(await zhou.get("/api/evidence/keys")))
    return made / "p.jpg", made / "p.json", made / "keys.json"


async def test_a_photo_is_checked_with_its_proof_alone(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    photo, proof, keys = map(str, files)
    assert verify_photo([photo, proof, "--keys", keys]) == 0
    told = capsys.readouterr().out
    assert "手机签名有效" in told
    assert "3600000 ms" in told
    assert verify_photo([photo, proof]) == 0
    assert "compare with /api/evidence/keys" in capsys.readouterr().out


async def test_one_changed_byte_anywhere_is_found(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    photo, proof, keys = files
    photo.write_bytes(picture(colour="green"))
    assert verify_photo([str(photo), str(proof)]) == 1
    assert "another picture" in capsys.readouterr().out
    photo.write_bytes(picture())
    whole = json.loads(proof.read_text())
    for field, value in {
        "receivedAt": "2026-03-02T09:00:00+00:00",
        "skewMs": 0,
        "phone": "forged",
        "statement": whole["statement"].replace("灶台", "x") + " ",
    }.items():
        proof.write_text(json.dumps(whole | {field: value}))
        assert verify_photo([str(photo), str(proof)]) == 1, field
    stranger = Ed25519PrivateKey.generate()
    body = {k: v for k, v in whole.items() if k != "counterSignature"}
    body["serverKey"] = to_base64url(stranger.public_key().public_bytes_raw())
    forged = body | {"counterSignature": to_base64url(stranger.sign(canonical(body)))}
    proof.write_text(json.dumps(forged))
    assert verify_photo([str(photo), str(proof), "--keys", str(keys)]) == 1
    assert "not the server's" in capsys.readouterr().out


def test_broken_words_and_files_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_photo([]) == 2
    assert verify_photo(["--help"]) == 0
    assert verify_photo([str(tmp_path / "none.jpg"), str(tmp_path / "none.json")]) == 2
    text = tmp_path / "a.txt"
    text.write_text("no json")
    assert verify_photo([str(text), str(text)]) == 2
    text.write_text("[]")
    assert verify_photo([str(text), str(text)]) == 1


@pytest.mark.clause("6.3.7.1-a", "6.3.7.1-b")
async def test_the_sealed_record_holds_the_proofs_and_is_unsound_when_one_is_not(
    street: Street, zhou: Person, phone: Phone, tmp_path: Path
) -> None:
    proof = await photographed(street, zhou, phone)
    desk, incident = await street.desk(), await street.newest()
    await street.handled(zhou_signing(zhou, phone), incident)
    await street.closed(zhou_signing(zhou, phone), desk, incident)
    answer = await desk.client.get(f"/api/incidents/{incident}/archive")
    assert answer.status_code == 200, answer.text
    record = json.loads(answer.content)
    assert record["document"]["photoProofs"] == [proof]
    assert verify(answer.content).sound
    changed = record["document"] | {"photoProofs": [proof | {"skewMs": 1}]}
    at = street.world.clock.now()
    again = seal(changed, previous=record["previous"], sealed_at=at)
    assert "server's signature" in (verify(again).fault or "")
    (tmp_path / "p.jpg").write_bytes(picture())
    (tmp_path / "record.json").write_bytes(answer.content)
    assert verify_photo([str(tmp_path / "p.jpg"), str(tmp_path / "record.json")]) == 0


def zhou_signing(zhou: Person, phone: Phone) -> Person:
    """The same person, whose every command bears the phone's signature."""

    class Signing(Person):
        def envelope(self, *args: Any, **more: Any) -> dict[str, Any]:
            return phone.signed(super().envelope(*args, **more) | {"deviceId": DEVICE})

    return Signing(zhou.street, zhou.client)


# --- the server's key -----------------------------------------------------------------------


def test_the_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first = signer_of(Evidence(), tmp_path)
    assert signer_of(Evidence(), tmp_path).private_bytes_raw() == first.private_bytes_raw()
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_broken_key_is_told_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "evidence.key").write_text("short")
    with pytest.raises(ValueError):
        signer_of(Evidence(), tmp_path)
    assert (tmp_path / "evidence.key").read_text() == "short"


async def test_after_a_new_key_older_proofs_stay_good(
    street: Street, zhou: Person, phone: Phone
) -> None:
    before = await photographed(street, zhou, phone)
    (street.world.ctx.data / "evidence.key").unlink()
    other = named(picture(colour="blue"))
    await says(zhou, phone, await street.newest(), sha256=other)
    after = await proof_of(zhou, other)
    assert after["serverKey"] != before["serverKey"]
    keys = (await zhou.get("/api/evidence/keys"))["keys"]
    trusted = frozenset(one["public"] for one in keys)
    assert len(keys) == 2
    assert fault_of(before, trusted=trusted) is None
    assert fault_of(after, trusted=trusted) is None


# --- a photograph in parts ------------------------------------------------------------------


async def part(
    zhou: Person, whole: bytes, start: int, end: int, *, total: int | None = None, sha: str = ""
) -> tuple[int, dict[str, Any]]:
    answer = await zhou.client.put(
        f"/api/evidence/{sha or named(whole)}",
        content=whole[start:end],
        headers={
            "Content-Type": "image/jpeg",
            "Content-Range": f"bytes {start}-{end - 1}/{total or len(whole)}",
        },
    )
    return answer.status_code, answer.json()


async def here(zhou: Person, whole: bytes) -> int:
    answer = await zhou.client.put(
        f"/api/evidence/{named(whole)}",
        headers={"Content-Type": "image/jpeg", "Content-Range": f"bytes */{len(whole)}"},
    )
    assert answer.status_code == 202
    return int(answer.json()["received"])


async def test_an_upload_goes_on_where_it_broke_off(zhou: Person) -> None:
    whole = picture(size=(900, 700))
    third = len(whole) // 3
    assert await here(zhou, whole) == 0
    assert await part(zhou, whole, 0, third) == (202, {"received": third})
    assert await here(zhou, whole) == third
    assert await part(zhou, whole, 0, third) == (202, {"received": third}), "the same again"
    assert await part(zhou, whole, 2 * third, len(whole)) == (202, {"received": third}), "a gap"
    assert (await part(zhou, whole, third, 2 * third))[1] == {"received": 2 * third}
    status, photo = await part(zhou, whole, 2 * third, len(whole))
    assert (status, photo["bytes"]) == (201, len(whole))
    assert (await part(zhou, whole, 0, third))[0] == 200, "it is whole already"
    assert await zhou.street.world.operations.fetch_value("SELECT count(*) FROM evidence_part") == 0


async def test_parts_that_make_another_file_are_refused_and_forgotten(zhou: Person) -> None:
    whole, sha = picture(), "a" * 64
    await part(zhou, whole, 0, 50, sha=sha)
    status, problem = await part(zhou, whole, 50, len(whole), sha=sha)
    assert (status, problem["type"]) == (400, "urn:jiean:problem:hash-mismatch")
    assert await zhou.street.world.operations.fetch_value("SELECT count(*) FROM evidence_part") == 0


@pytest.mark.parametrize(
    ("header", "status"),
    [("bytes 5-2/10", 400), ("bytes 0-9/10", 400), ("octets 0-1/2", 400), ("", 400),
     ("bytes 0-4/99999999", 413), ("bytes 0-9999999/10000000", 400)],
)  # fmt: skip
async def test_a_part_that_is_not_what_it_says_is_refused(
    zhou: Person, header: str, status: int
) -> None:
    answer = await zhou.client.put(
        "/api/evidence/" + hashlib.sha256(b"12345").hexdigest(),
        content=b"12345",
        headers={"Content-Type": "image/jpeg", "Content-Range": header},
    )
    assert answer.status_code == status


async def test_parts_that_nobody_finished_go_after_two_days(zhou: Person) -> None:
    world = zhou.street.world
    await part(zhou, picture(), 0, 50)
    world.clock.forward(seconds=3 * 86_400)
    async with world.client() as client:
        await world.login(client, "field", login="f1")
        other = Person(zhou.street, client)
        await part(other, picture(colour="blue"), 0, 50)
    assert await world.operations.fetch_value("SELECT count(*) FROM evidence_part") == 1
