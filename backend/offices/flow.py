"""From a stored report to what an office sees. Pure."""

import msgspec

from backend.offices.schemas import Coordinates, OfficeName, ReportRow, ReportView
from geo.datum import convert
from geo.links import links
from geo.point import Datum, Point


def shown(report: ReportRow, office: OfficeName) -> ReportView:
    """A report with its place in both datums and links into the common maps.

    Fire and emergency offices read coordinates off the radio into maps drawn in GCJ-02; both
    are given and named, because 464 m of difference is the next street.
    """
    told = report.situation
    place = Point(told.place.lat, told.place.lon)
    on_street_map = convert(place, Datum.GCJ02)
    return ReportView(
        id=report.id,
        incident_id=report.incident_id,
        no=told.no,
        kind=told.kind,
        urgency=told.urgency,
        state=told.state,
        handling=told.handling,
        office=office,
        situation=told.situation,
        place=told.place,
        coordinates=Coordinates(
            wgs84=(place.lat, place.lon),
            gcj02=(round(on_street_map.lat, 6), round(on_street_map.lon, 6)),
        ),
        people=told.people,
        measures=told.measures,
        contact=told.contact,
        scene=told.scene,
        status=report.status,
        sent_at=report.sent_at,
        delivered_at=report.delivered_at,
        acknowledged_at=report.acknowledged_at,
        reply=report.reply,
        purpose=told.purpose,
        paper=told.paper,
        paper_title=told.paper_title,
        map_links=msgspec.structs.asdict(links(place, told.place.address)),
    )
