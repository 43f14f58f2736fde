"""China Telecom CTWing / AEP asked for what it holds: the wire, not the network. Pure.

The gateway's signature: HMAC-SHA1 with the App Secret, in base64, over ``application:<key>``,
``timestamp:<ms>``, each parameter as ``name:value`` in the order of names, and the body, each with
a line feed behind it. ``getDeviceStatusHisInPage`` gives what a device reported, newest first, with
a ``page_timestamp`` for the next page; a row is flat: ``timestamp`` and the properties, or
``APPdata``. A row becomes the push that would have carried it, so it is read by the same adapter
and counts once, whichever way it came first.

Paths, versions and forms: the platform's published API list and SDK; not tried against the
platform itself.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from backend.sensing.body import Refused

HISTORY = "/aep_device_status/getDeviceStatusHisInPage"
HISTORY_VERSION = "20190928013337"
DEVICES = "/aep_device_management/devices"
DEVICES_VERSION = "20190507012134"
ECHO = "/echo"
PAGE_ROWS = 100
PAGE_DEVICES = 40


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one page, and what the next is asked with; None: there is no next."""

    rows: tuple[dict[str, object], ...]
    next: str | None


def signed(
    key: str, secret: str, version: str, at: datetime, params: Mapping[str, str], body: str = ""
) -> dict[str, str]:
    """The headers of one request.

    Args:
        key: App Key.
        secret: App Secret.
        version: of the API.
        at: UTC, by the platform's clock.
        params: of the query, with ``MasterKey`` where the call needs it.
        body: as it is sent.
    """
    stamp = str(round(at.timestamp() * 1000))
    text = f"application:{key}\ntimestamp:{stamp}\n"
    text += "".join(f"{name}:{params[name]}\n" for name in sorted(params))
    text += f"{body}\n" if body else ""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return {
        "application": key,
        "timestamp": stamp,
        "version": version,
        "signature": base64.b64encode(digest).decode(),
    }


def asks(product: str, device: str, since: datetime, until: datetime, page: str | None) -> str:
    """The body that asks for one page of a device's reports, ``since`` to ``until``."""
    body: dict[str, object] = {
        "productId": product,
        "deviceId": device,
        "begin_timestamp": str(round(since.timestamp() * 1000)),
        "end_timestamp": str(round(until.timestamp() * 1000)),
        "page_size": PAGE_ROWS,
    }
    if page:
        body["page_timestamp"] = page
    return msgspec.json.encode(body).decode()


def page_of(raw: bytes) -> Page:
    """One page of reports.

    Raises:
        Refused: no answer of this call, or one that says no.
    """
    body = _answer(raw)
    rows = body.get("deviceStatusList")
    if not isinstance(rows, list):
        raise Refused("unknown-shape", "deviceStatusList: a list expected")
    following = body.get("page_timestamp")
    text = str(following) if isinstance(following, str | int) and following else None
    return Page(rows=tuple(row for row in rows[:1000] if isinstance(row, dict)), next=text)


def devices_of(raw: bytes) -> tuple[str, ...]:
    """The device ids of one page of a product's list.

    Raises:
        Refused: no answer of this call, or one that says no.
    """
    result = _answer(raw).get("result")
    found = result.get("list") if isinstance(result, dict) else None
    if not isinstance(found, list):
        raise Refused("unknown-shape", "result.list: a list expected")
    ids = [one.get("deviceId") for one in found[:1000] if isinstance(one, dict)]
    return tuple(one for one in ids if isinstance(one, str) and one)


def _answer(raw: bytes) -> dict[str, object]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused("not-json", str(wrong)[:200]) from wrong
    if not isinstance(body, dict):
        raise Refused("not-an-object", "an object expected")
    if body.get("code") != 0:
        said = body.get("desc") or body.get("msg") or body.get("error_desc") or body.get("code")
        raise Refused("unknown-shape", f"the platform says no: {said}"[:200])
    return body


def push_of(product: str, device: str, row: Mapping[str, object]) -> bytes:
    """The push that would have carried a row."""
    told = {name: value for name, value in row.items() if name != "timestamp"}
    at = row.get("timestamp")
    if isinstance(at, str) and at.isdecimal() and len(at) < 20:
        at = int(at)
    return msgspec.json.encode(
        {
            "messageType": "dataReport",
            "productId": product,
            "deviceId": device,
            "timestamp": at,
            "payload": told,
        }
    )


def by_time(row: Mapping[str, object]) -> int:
    """The order in which rows happened."""
    at = row.get("timestamp")
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    return int(at) if isinstance(at, str) and at.isdecimal() and len(at) < 20 else 0
