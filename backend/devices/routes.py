"""The base map and the technicians' tickets over HTTP."""

from typing import Any

from litestar import Request, Response, get

from backend.access.guards import requires, signed_in
from backend.devices import service
from backend.devices.schemas import TicketView


@get("/api/map", guards=[signed_in], operation_id="BaseMap")
async def base_map(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the neighbourhood's base map as GeoJSON; 304 while it is unchanged."""
    etag = await service.map_etag()
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(await service.map_area(), media_type="application/geo+json", headers=headers)


@get("/api/tickets", guards=[requires("technician", "manager")], operation_id="Tickets")
async def tickets() -> list[TicketView]:
    """Answer the technicians' tickets, open ones first."""
    return await service.tickets()


ROUTES = [base_map, tickets]
