"""``jiean verify-photo PICTURE PROOF``: check a photograph with no server and no database."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import msgspec

from backend.shared.photo_proof import fault_of, key_id, read

FORMS = {
    "sha256": "原图 original",
    "burntSha256": "水印图 burnt-in",
    "previewSha256": "缩略图 preview",
}
PHONES = {
    "sound": "手机签名有效 signed by the phone",
    "forged": "手机签名不符 THE PHONE'S SIGNATURE IS WRONG",
    "unknown_phone": "签名的手机未登记 signed by a phone that is not known",
    "unsigned": "手机未签名 not signed by the phone",
}


def main(argv: list[str]) -> int:
    """0 when the picture is proved, 1 when it is not, 2 for wrong words or an unreadable file."""
    parser = argparse.ArgumentParser(
        "jiean verify-photo",
        description="Checks a photograph against its proof: the phone's signature and the "
        "server's over both clocks. 用证明核验照片，不需要服务器。",
    )
    parser.add_argument("picture", type=Path, help="the photograph")
    parser.add_argument(
        "proof", type=Path,
        help="from /api/evidence/<sha256>/proof, or a sealed record that holds it",
    )  # fmt: skip
    parser.add_argument(
        "--keys", type=Path, help="the server's public keys, from /api/evidence/keys"
    )
    try:
        words = parser.parse_args(argv)
    except SystemExit as ended:
        return int(ended.code or 0)
    try:
        sha256 = hashlib.sha256(words.picture.read_bytes()).hexdigest()
        kept = msgspec.json.decode(words.proof.read_bytes())
        trusted = (
            None if words.keys is None else _keys(msgspec.json.decode(words.keys.read_bytes()))
        )
    except OSError as failed:
        print(f"{failed.filename}: cannot be read: {failed.strerror}", file=sys.stderr)
        return 2
    except (msgspec.DecodeError, KeyError, TypeError) as wrong:
        print(f"not JSON of ours: {wrong}", file=sys.stderr)
        return 2
    return _tell(words.picture.name, sha256, _proof_in(kept, sha256), trusted)


def _keys(published: Any) -> frozenset[str]:
    return frozenset(str(one["public"]) for one in published["keys"])


def _proof_in(kept: Any, sha256: str) -> Any:
    """The proof itself, or the one about this picture in a sealed record."""
    document = kept.get("document") if isinstance(kept, dict) else None
    if not isinstance(document, dict):
        return kept
    proofs = document.get("photoProofs") or ()
    return next((one for one in proofs if sha256 in [one.get(form) for form in FORMS]), None)


def _tell(name: str, sha256: str, proof: Any, trusted: frozenset[str] | None) -> int:
    fault = fault_of(proof, trusted=trusted)
    form = None
    if fault is None:
        form = next((form for form in FORMS if proof[form] == sha256), None)
        if form is None:
            fault = "the proof is about another picture"
    if fault is not None or form is None:
        print(f"{name}: NOT PROVED 未证明: {fault}")
        return 1
    said = read(proof["statement"])
    print(f"{name}: {FORMS[form]}  sha256 {sha256}")
    print(f"  {PHONES[proof['phone']]}")
    if said is not None:
        print(f"  taken 拍摄 {said.taken_at.isoformat()}  (clock 时钟: {said.clock})")
        print(f"  phone's clock 手机时间 {said.phone_clock.isoformat()}")
    print(f"  received 服务器收到 {proof['receivedAt']}  skew 时差 {proof['skewMs']} ms")
    print(f"  incident 警情 {proof['incidentId']}")
    known = "" if trusted is not None else "  (compare with /api/evidence/keys 请与公布的公钥核对)"
    print(f"  server's key 服务器公钥 {key_id(proof['serverKey'])}{known}")
    return 0 if proof["phone"] != "forged" else 1
