"""The HTTP face: every route of every domain, and how each refusal looks on the wire.

Read ``ROUTES`` first. A refusal is always RFC 9457 (``application/problem+json``), ours and the
framework's alike, unknown addresses and our own bugs included.
"""

import asyncio
import http
import logging
import traceback
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler, Message, Middleware, Scope

from backend import __version__, web
from backend.access import routes as access
from backend.access.guards import not_cross_site
from backend.access.middleware import SessionMiddleware
from backend.devices import routes as devices
from backend.evidence import routes as evidence
from backend.messages import report_routes
from backend.messages import routes as messages
from backend.messages.hooks import SocketHooks
from backend.pipeline import Pipeline
from backend.screens import (
    absences,
    asking,
    baselines,
    board,
    cards,
    colleagues,
    commands,
    deliveries,
    device_files,
    documents,
    doors,
    drills,
    duty,
    faults,
    history,
    home,
    incident,
    inspection,
    inspection_record,
    links,
    mapping,
    moving_up,
    mutes,
    my_shifts,
    pauses,
    photos,
    preferences,
    reach,
    roster,
    rules,
    rules_preview,
    series,
    shifts,
    socket,
    statistics,
    upkeep,
    why,
)
from backend.screens import devices as register
from backend.screens.hooks import hooks_of
from backend.screens.reachability import Reachability
from backend.screens.services import Parts
from backend.settings import Settings
from backend.shared.context import Context
from backend.shared.db import ALL
from backend.shared.inflate import InflateMiddleware
from backend.shared.problems import Malformed, NotFound, Problem, TooLarge, Unavailable
from backend.staff import routes as staff

log = logging.getLogger("jiean.http")

PROBLEM = "application/problem+json"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
}
AWAY = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, cut off
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
)
"""What a query raises while the database restarts."""
NUL = (asyncpg.UntranslatableCharacterError, asyncpg.CharacterNotInRepertoireError)
"""What a query raises for the one character that PostgreSQL stores in no text."""


class Health(msgspec.Struct, frozen=True):
    """Whether this process can do its work now."""

    status: str
    version: str
    databases: dict[str, bool]


@get("/api/health", operation_id="Health")
async def health() -> Response[Health]:
    """200 while every database answers within a second, else 503 and which does not."""

    async def answers(database: Any) -> bool:
        try:
            async with asyncio.timeout(1):
                return bool(await database.fetch_value("SELECT true"))
        except (*AWAY, asyncpg.PostgresError, OSError):
            return False

    found = await asyncio.gather(*(answers(database) for database in ALL))
    well = all(found)
    names = (database.name for database in ALL)
    body = Health("ok" if well else "degraded", __version__, dict(zip(names, found, strict=True)))
    return Response(body, status_code=200 if well else 503)


ROUTES: list[ControllerRouterHandler] = [
    health,
    *access.ROUTES,
    *staff.ROUTES,
    *devices.ROUTES,
    *register.ROUTES,
    *device_files.ROUTES,
    *pauses.ROUTES,
    *evidence.routes(photos.may_see),
    *messages.ROUTES,
    *report_routes.ROUTES,
    *commands.ROUTES,
    *board.ROUTES,
    *incident.ROUTES,
    *inspection.ROUTES,
    *inspection_record.ROUTES,
    *asking.ROUTES,
    *moving_up.ROUTES,
    *mutes.ROUTES,
    *faults.ROUTES,
    *documents.ROUTES,
    *deliveries.ROUTES,
    *colleagues.ROUTES,
    *doors.ROUTES,
    *drills.ROUTES,
    *duty.ROUTES,
    *shifts.ROUTES,
    *my_shifts.ROUTES,
    *history.ROUTES,
    *cards.ROUTES,
    *rules.ROUTES,
    *baselines.ROUTES,
    *absences.ROUTES,
    *rules_preview.ROUTES,
    *series.ROUTES,
    *home.ROUTES,
    *reach.ROUTES,
    *roster.ROUTES,
    *links.ROUTES,
    *mapping.ROUTES,
    *preferences.ROUTES,
    *photos.ROUTES,
    *statistics.ROUTES,
    *upkeep.ROUTES,
    *why.ROUTES,
    *socket.ROUTES,
]
"""Every domain adds its own ``ROUTES`` here."""

MIDDLEWARE: list[Middleware] = [InflateMiddleware(), SessionMiddleware()]
"""Outermost first."""


@get(["/api", "/api/{path:path}"], include_in_schema=False, sync_to_thread=False)
def no_such_api(path: FromPath[str] = "") -> None:
    """An unknown API address is a problem, never the web app's page."""
    raise NotFound("no such address", path=f"/api{path}")


def create_app(
    context: Context, *, dist: Path = web.DIST, hooks: SocketHooks | None = None
) -> Litestar:
    """The application around one context.

    Args:
        context: what routes get as ``ctx``.
        dist: the built web app; may be absent.
        hooks: what receipts and presented cards do; None for the product's own.
    """
    return wire(build(context.settings, dist), context, hooks)


def wire(app: Litestar, context: Context, hooks: SocketHooks | None = None) -> Litestar:
    """Put an application around a context, in place of the one it had."""
    pipeline = Pipeline(context)
    parts = Parts(
        incidents=pipeline.incidents, rules=pipeline.directory.rules, finding=pipeline.finding
    )
    if context.reachability is None:
        context.reachability = Reachability(context)
    app.state = State(
        {
            "context": context,
            "services": parts,
            "hooks": hooks or hooks_of(parts, Reachability(context)),
        }
    )
    return app


async def _context(state: State) -> Context:
    found: Context = state.context
    return found


async def _services(state: State) -> Parts:
    found: Parts = state.services
    return found


async def _hooks(state: State) -> SocketHooks:
    found: SocketHooks = state.hooks
    return found


def build(settings: Settings, dist: Path) -> Litestar:
    """The routes and what stands before them; it answers once it is wired to a context."""

    async def headers(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        present = {name.lower() for name, _value in message["headers"]}
        extra = dict(HEADERS)
        if scope["path"].startswith("/api"):
            extra["Cache-Control"] = "no-store"
        # a demonstration's certificate ends by itself, and its name must then still open plainly
        if settings.http.cookie_secure and not settings.demo.exercise:
            extra["Strict-Transport-Security"] = "max-age=31536000"
        message["headers"] = [
            *message["headers"],
            *(
                (name.lower().encode(), value.encode())
                for name, value in extra.items()
                if name.lower().encode() not in present
            ),
        ]

    return Litestar(
        route_handlers=[*ROUTES, no_such_api, *web.handlers(dist)],
        dependencies={
            "ctx": Provide(_context),
            "services": Provide(_services),
            "hooks": Provide(_hooks),
        },
        middleware=MIDDLEWARE,
        guards=[not_cross_site],
        before_send=[headers],
        exception_handlers={Exception: render},
        request_max_body_size=settings.http.body_max_bytes,
        compression_config=CompressionConfig(
            # photographs and the web app's files are compressed already
            backend="gzip",
            minimum_size=1024,
            exclude=[
                "^/api/evidence/",
                "^/[^/]+$",
                *(f"^/{first}/" for first in ("assets", *web.ENTRIES)),
            ],
        ),
        openapi_config=OpenAPIConfig(title="街安", version=__version__, path="/api/schema"),
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )


def render(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Any exception as a problem. What is our bug is logged whole and told in no detail."""
    if isinstance(error, Problem):
        return _respond(error)
    if isinstance(error, HTTPException):
        return _framework(error)
    if isinstance(error, RecursionError | UnicodeDecodeError) and _while_reading(error):
        nested = isinstance(error, RecursionError)
        return _respond(Malformed("nested too deeply" if nested else "not UTF-8"))
    if isinstance(error, NUL):
        return _respond(Malformed("a text holds a NUL character"))
    if isinstance(error, AWAY):
        log.warning("%s %s: database away: %s", request.method, request.url.path, error)
        return _respond(Unavailable("the database is away", retryAfterS=1))
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _respond(Problem("the server made a mistake; it has been recorded"))


def _while_reading(error: Exception) -> bool:
    """True where the framework's body reader raised it, not a handler of ours."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_name == "decode_json" for frame, _line in frames)


def _framework(error: HTTPException) -> Response[dict[str, Any]]:
    """Litestar's own refusals in our form."""
    problem: Problem
    if error.status_code == 413:
        problem = TooLarge(error.detail)
    elif error.status_code == 404:
        problem = NotFound(error.detail)
    elif isinstance(error, ValidationException) or error.status_code == 400:
        fields = _fields(error.extra)
        problem = Malformed(error.detail, **({"fields": fields} if fields else {}))
    else:
        problem = Problem(error.detail)
        phrase = http.HTTPStatus(error.status_code).phrase
        answer = _respond(problem, error.headers)
        answer.status_code = error.status_code
        answer.content |= {
            "type": "urn:jiean:problem:" + phrase.lower().replace(" ", "-"),
            "title": phrase,
            "status": error.status_code,
        }
        return answer
    return _respond(problem, error.headers)


def _fields(extra: Any) -> list[dict[str, str]]:
    """Which fields are wrong and why, without echoing what was sent."""
    if not isinstance(extra, list):
        return []
    return [
        {"field": str(part.get("key", "")), "why": str(part.get("message", ""))}
        for part in extra
        if isinstance(part, dict)
    ]


def _respond(problem: Problem, headers: Any = None) -> Response[dict[str, Any]]:
    found = dict(headers or {})
    if "retryAfterS" in problem.facts:
        found["Retry-After"] = str(problem.facts["retryAfterS"])
    body = {
        "type": f"urn:jiean:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.facts,
    }
    return Response(body, status_code=problem.status, media_type=PROBLEM, headers=found)
