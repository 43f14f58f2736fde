"""The built web app as it goes over the wire: which file, which headers, compressed once.

Files under ``assets/`` have their hash in their name and may be kept for ever; everything else
is asked for again each time and answered 304 when it did not change.
"""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backend.shared.problems import NotFound

DIST = Path(__file__).resolve().parent.parent / "pwa" / "dist"
ENTRIES = ("desk", "field", "office", "resident", "report", "login")
"""One HTML file per group of users; an address below it is the same page."""

TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".html": "text/html",
    ".css": "text/css",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
PACKED = {".js", ".mjs", ".html", ".css", ".json", ".webmanifest", ".svg", ".txt"}
ROBOTS = b"User-agent: *\nDisallow: /\n"
NOT_BUILT = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>街安</title>
<h1>街安</h1><p>服务正在运行，网页尚未构建。The service runs; the web app is not built yet.</p>
<p><code>./jiean serve</code> 会自动构建。builds it. API: <a href="/api/health">/api/health</a></p>
</html>"""


class Asset:
    """One file's bytes, its hash and its compressed form; read again when the file changes."""

    def __init__(self, path: Path, stamp: tuple[int, int]) -> None:
        self.stamp = stamp
        self.plain = path.read_bytes()
        self.etag = f'"{hashlib.sha256(self.plain).hexdigest()[:32]}"'
        self.type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or (
            "application/octet-stream"
        )  # fmt: skip
        self.packed = gzip.compress(self.plain, 7, mtime=0) if path.suffix in PACKED else None


class Files:
    """The files below one folder, kept in memory once asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: dict[str, Asset] = {}

    def find(self, name: str) -> Asset | None:
        """The file ``name`` (``assets/x.js``), or None; never one outside the folder."""
        path = self.root.joinpath(name)
        try:
            if not path.resolve().is_relative_to(self.root.resolve()):
                return None
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            kept = self._kept.get(name)
            if kept is None or kept.stamp != stamp:
                kept = self._kept[name] = Asset(path, stamp)
        except (OSError, ValueError):  # absent, a folder, a NUL in the name
            return None
        return kept


def handlers(root: Path = DIST) -> list[HTTPRouteHandler]:
    """The routes of the web app served from ``root``; they work before it is built."""
    files = Files(root)

    def send(request: Request, name: str, asset: Asset) -> Response:  # type: ignore[type-arg]
        kept = name.startswith("assets/")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if kept else "no-cache",
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
        }
        if name == "sw.js":
            headers["Service-Worker-Allowed"] = "/"
        if request.headers.get("if-none-match") == asset.etag:
            return Response(b"", status_code=304, headers=headers)
        body = asset.plain
        if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = asset.packed, "gzip"
        return Response(body, media_type=asset.type, headers=headers)

    @get(["/", "/{path:path}"], include_in_schema=False, sync_to_thread=False)
    def page(request: Request, path: FromPath[str] = "") -> Response:  # type: ignore[type-arg]
        """A page, or a file of the web app."""
        name = path.strip("/")
        first = name.split("/", 1)[0]
        if first in ENTRIES or not name:
            name = f"{first or 'index'}.html"
        asset = files.find(name)
        if asset is None and name == "index.html":
            name, asset = "login.html", files.find("login.html")
        if asset is not None:
            return send(request, name, asset)
        if name == "robots.txt":
            return Response(ROBOTS, media_type="text/plain")
        if name.endswith(".html") and not root.is_dir():
            return Response(NOT_BUILT, media_type="text/html", status_code=503)
        raise NotFound("no such page", path=f"/{path.strip('/')}")

    return [page]
