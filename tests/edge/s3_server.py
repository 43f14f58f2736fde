"""A bucket on this machine that speaks S3's real protocol: signatures (SigV4) are recomputed.

Source: AWS, "Authenticating Requests (AWS Signature Version 4)".
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, quote, unquote, urlsplit

KEY_ID, SECRET, REGION, BUCKET = "AKIDJIEAN", "s3-secret-of-tests", "cn-east-1", "evidence"
Headers = dict[str, str]


class S3:
    """What it holds, what it was asked, and how it misbehaves next.

    ``faults`` are taken one per request: a status to answer with, ``half`` to break off in the
    middle of the answer, ``deaf`` to take the request and say nothing.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.faults: list[int | str] = []
        self.url = ""
        self.ended = asyncio.Event()
        self.lines: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as long as the client keeps it."""
        self.lines[writer] = asyncio.current_task()
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        method, target, _version = first.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(f"{method} {target}")
        fault = self.faults.pop(0) if self.faults else None
        if fault == "deaf":
            await self.ended.wait()
            return False
        status, content = self._answer(method, target, headers, body)
        whole, start = len(content), 0
        if status == 200 and (
            wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        ):
            start = int(wanted[1])
            status, content = 206, content[start : int(wanted[2] or whole) + 1]
        if isinstance(fault, int):
            status, content = fault, b"<Error><Code>InternalError</Code></Error>"
        words = [
            f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", 'ETag: "e"',
            "Last-Modified: Mon, 02 Mar 2026 08:00:00 GMT",
            *([f"Content-Range: bytes {start}-{start + len(content) - 1}/{whole}"]
              if status == 206 else []),
            "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(words).encode())
        if method != "HEAD":
            writer.write(content[: len(content) // 2] if fault == "half" else content)
        await writer.drain()
        return fault != "half"

    def _answer(self, method: str, target: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        if not _signed(method, target, headers, body):
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        bucket, _, name = unquote(urlsplit(target).path).lstrip("/").partition("/")
        if bucket != BUCKET:
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        if method == "PUT":
            self.objects[name] = body
            return 200, b""
        if name not in self.objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, self.objects[name]


def _signed(method: str, target: str, headers: Headers, body: bytes) -> bool:
    """Whether ``Authorization`` is right for every byte of this request."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return False
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    key_id, day, region, service, end = parts["Credential"].split("/")
    hashed = hashlib.sha256(body).hexdigest()
    if (key_id, region, service, end) != (KEY_ID, REGION, "s3", "aws4_request"):
        return False
    if headers.get("x-amz-content-sha256") != hashed:
        return False
    where = urlsplit(target)
    query = sorted(parse_qsl(where.query, keep_blank_values=True))
    names = parts["SignedHeaders"].split(";")
    asked = "\n".join([
        method,
        where.path,
        "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in query),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names),
        "",
        ";".join(names),
        hashed,
    ])  # fmt: skip
    scope = f"{day}/{region}/{service}/{end}"
    to_sign = "\n".join([
        "AWS4-HMAC-SHA256", headers["x-amz-date"], scope,
        hashlib.sha256(asked.encode()).hexdigest(),
    ])  # fmt: skip
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, end):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(
        hmac.digest(key, to_sign.encode(), "sha256").hex(), parts["Signature"]
    )


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3]:
    """An empty bucket on a free port of this machine."""
    s3 = S3()
    server = await asyncio.start_server(s3.serve, "127.0.0.1", 0)
    s3.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield s3
    finally:
        s3.ended.set()
        server.close()
        for writer in s3.lines:
            writer.close()
        await asyncio.gather(*(task for task in s3.lines.values() if task is not None))
