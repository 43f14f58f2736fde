import re
from urllib.parse import parse_qs, urlsplit

from geo.datum import convert
from geo.links import links
from geo.point import Datum, Point, metres

GUSU = Point(31.315, 120.633)
DRAWN = convert(GUSU, Datum.GCJ02)


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+\.\d+", text)]


def asked(link: str, name: str) -> str:
    return parse_qs(urlsplit(link).query)[name][0]


def test_each_map_gets_the_place_in_its_own_datum_and_order() -> None:
    found = links(GUSU, "平江路 12 号")
    lon, lat = numbers(asked(found.amap, "position"))
    marker = asked(found.tencent, "marker")
    coordinate = re.search(r"coord:([\d.]+),([\d.]+);", marker)
    assert coordinate
    for pair in (
        [lat, lon],
        [float(n) for n in coordinate.groups()],
        numbers(asked(found.apple, "ll")),
        numbers(asked(found.google, "query")),
    ):
        assert metres(Point(pair[0], pair[1], Datum.GCJ02), DRAWN) < 0.2


def test_a_place_that_is_already_on_the_map_is_not_shifted_again() -> None:
    assert links(DRAWN, "x") == links(GUSU, "x")


def test_outside_the_mainland_the_place_stays_where_it_is() -> None:
    assert numbers(asked(links(Point(48.85, 2.35), "x").apple, "ll")) == [48.85, 2.35]


def test_a_name_cannot_add_parts_to_a_link() -> None:
    found = links(GUSU, "a&position=0,0;coord:1,2#x")
    assert asked(found.amap, "name") == "a&position=0,0;coord:1,2#x"
    assert asked(found.tencent, "marker").count("coord:") == 1


def test_the_links_are_written_as_their_maps_publish_them() -> None:
    found = links(GUSU, "平江路")
    name = "%E5%B9%B3%E6%B1%9F%E8%B7%AF"
    assert found.amap == (
        f"https://uri.amap.com/marker?position=120.637193,31.312843&name={name}&coordinate=gaode"
    )
    assert found.tencent == (
        "https://apis.map.qq.com/uri/v1/marker"
        f"?marker=coord:31.312843,120.637193;title:{name};addr:{name}&referer=jiean"
    )
    assert found.apple == f"https://maps.apple.com/?ll=31.312843,120.637193&q={name}"
    assert found.google == ("https://www.google.com/maps/search/?api=1&query=31.312843,120.637193")
