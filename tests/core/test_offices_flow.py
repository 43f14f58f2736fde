"""A report as an office sees it."""

from uuid import UUID

from backend.offices.flow import shown
from backend.offices.schemas import OfficeName, ReportPlace, ReportRow, Situation

OFFICE = OfficeName(id=UUID(int=9), name="平江消防救援站", kind="fire")


def report(lat: float, lon: float) -> ReportRow:
    return ReportRow(
        id=UUID(int=1),
        incident_id=UUID(int=2),
        office_id=OFFICE.id,
        situation=Situation(
            no="2026-0001",
            kind="smoke",
            urgency="emergency",
            state="rescue",
            handling="exercise",
            situation="二楼起火",
            place=ReportPlace(address="平江路 12 号", lat=lat, lon=lon),
        ),
        status="sent",
        version=7,
    )


def test_a_report_gives_the_place_in_both_datums_latitude_first() -> None:
    view = shown(report(31.3150, 120.6330), OFFICE)
    assert view.coordinates.wgs84 == (31.3150, 120.6330)
    assert view.coordinates.gcj02 == (31.312843, 120.637193)


def test_every_map_link_is_an_https_address_of_the_shifted_place() -> None:
    view = shown(report(31.3150, 120.6330), OFFICE)
    assert set(view.map_links) == {"amap", "tencent", "apple", "google"}
    assert all(link.startswith("https://") for link in view.map_links.values())
    assert "120.637193,31.312843" in view.map_links["amap"]


def test_a_report_carries_that_it_is_an_exercise() -> None:
    assert shown(report(31.0, 120.0), OFFICE).handling == "exercise"
