"""The register over HTTP: a detector's life, its history, tables in and out, labels, windows."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.devices import sheets
from backend.devices.columns import COLUMNS
from backend.devices.importing import HEAD
from backend.devices.register import Register
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from tests.edge import detectors
from tests.edge.detectors import plant
from tests.plugin.world import World

MODEL = {"maker": "赛特威尔", "name": "GS-524N", "kind": "smoke", "link": "lpwan",
         "reportIntervalS": 86400}  # fmt: skip
NEW = {"address": "ctwing/868540050000001", "kind": "smoke", "number": "GS-0001",
       "label": "厨房烟感", "point": "厨房吊顶", "householdId": str(detectors.HOUSEHOLD),
       "position": {"lat": 31.3119, "lon": 120.6342, "datum": "GCJ-02"}}  # fmt: skip


async def made(client: httpx.AsyncClient, path: str, body: object) -> str:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def does(client: httpx.AsyncClient, device: str, act: str, **more: str) -> httpx.Response:
    return await client.post(f"/api/devices/{device}/do", json={"act": act, **more})


async def seen(client: httpx.AsyncClient, device: str) -> Any:
    return (await client.get(f"/api/devices/{device}")).json()


@pytest.mark.clause("7.1.2", "7.1.3")
async def test_a_detector_lives_from_plan_to_replacement_and_its_history_tells_all(
    world: World,
) -> None:
    await plant(world, 0)
    async with world.client("technician") as client, world.client("manager") as manager:
        model = await made(client, "/api/models", MODEL)
        device = await made(client, "/api/devices", {**NEW, "modelId": model})
        view = (await seen(client, device))["device"]
        assert (view["state"], view["link"], view["reportIntervalS"]) == ("planned", "lpwan", 86400)
        assert (view["datum"], view["enteredLat"]) == ("GCJ-02", 31.3119)
        assert 200 < abs(view["lat"] - 31.3119) * 111_000 < 280
        refused = await does(client, device, "commission")
        assert (refused.status_code, refused.json()["why"]) == (422, "no-certificate")
        assert (
            await client.post(f"/api/models/{model}/waive", json={"reason": "x"})
        ).status_code == 403
        waived = await manager.post(f"/api/models/{model}/waive", json={"reason": "试点期"})
        assert waived.status_code == 204
        assert (await does(client, device, "commission")).status_code == 200
        entry = {"version": 2, "entry": {"label": "北厨房烟感"}, "reason": "改名"}
        assert (await client.put(f"/api/devices/{device}", json=entry)).status_code == 204
        stale = await client.put(f"/api/devices/{device}", json=entry)
        assert (stale.status_code, stale.json()["type"][-14:]) == (409, "device-changed")
        same = "ctwing/868540050000001"
        swapped = await does(client, device, "replace", reason="进水", successor=same)
        after = await seen(client, swapped.json()["id"])
        old = await seen(client, device)
        assert (after["device"]["state"], after["device"]["replaces"]) == ("planned", device)
        assert old["device"]["replacedBy"] == after["device"]["id"]
        assert [one["action"] for one in old["device"]["history"]] == [
            "replace", "changed", "commission", "created",
        ]  # fmt: skip
        [model_seen] = (await client.get("/api/models")).json()
        assert (model_seen["sensingClass"], model_seen["waivedBy"]) == ("fire", "manager")
    audited = await world.operations.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'devices.%' ORDER BY id"
    )
    assert [row["action"] for row in audited] == [
        "devices.model_added", "devices.created", "devices.certificate_waived",
        "devices.commission", "devices.changed", "devices.replace", "devices.created",
    ]  # fmt: skip


def row(**cells: object) -> list[object]:
    filled = {"kind": "烟感", "maker": "赛特威尔", "model": "GS-524N", "protocol": "ctwing",
              "street": "平江路", "door_number": "12号", "court": "潘宅", **cells}  # fmt: skip
    return [filled.get(column.key) for column in COLUMNS]


async def looks(client: httpx.AsyncClient, rows: list[list[object]]) -> Any:
    data = sheets.xlsx_of([[*HEAD], *rows], "设备")
    answer = await client.post("/api/devices/imports?name=t.xlsx", content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_table_is_looked_through_taken_in_once_and_goes_out_the_same(world: World) -> None:
    await plant(world, 1)
    async with world.client("technician") as client:
        await made(client, "/api/models", {**MODEL, "certificateNumber": "CCC-1"})
        table = [
            row(number="GS-1", address="1", door="东厢", state="在用", label="=cmd"),
            row(number="GS-2", address="2", door_number="14", court=None, lat=31.31, lon=120.63),
            row(number="GS-3", address="2"),
            row(number="GS-4", address="4", model="没有的", state="在用"),
            row(number="GS-5", address="5", street="葑门横街", court=None),
            row(kind="门磁", maker=None, model=None, protocol="zigbee2mqtt", address="d0"),
        ]
        dry = await looks(client, table)
        assert (dry["create"], dry["wrong"], dry["newBuildings"]) == (2, 4, 2)
        assert {(one["cell"], one["why"].split("，")[0]) for one in dry["faults"]} == {
            ("F4", "与第 3 行重复"), ("D5", "没有登记这个厂家的这个型号"),
            ("X5", "没有选型号"), ("P6", "新楼院要有经纬度"), ("B7", "与登记的类别不同"),
        }  # fmt: skip
        assert await world.operations.fetch_value("SELECT count(*) FROM detector") == 1
        done = (await client.post(f"/api/devices/imports/{dry['id']}/advance")).json()
        assert (done["created"], done["finished"], done["refused"]) == (2, True, [])
        states = await world.operations.fetch(
            "SELECT number, state, household_id FROM detector WHERE number <> '' ORDER BY number"
        )
        assert [tuple(one) for one in states] == [
            ("GS-1", "active", detectors.HOUSEHOLD), ("GS-2", "planned", None),
        ]  # fmt: skip
        again = await looks(client, table[:2])
        assert (again["create"], again["change"], again["same"]) == (0, 0, 2)
        export = await client.get("/api/devices/export?form=csv&q=GS-")
        [heads, first, _] = sheets.read(export.content)
        assert (heads, first[14], first[23]) == ([*HEAD], "=cmd", "在用")
        assert b"'=cmd" in export.content
        moved = await looks(client, [row(number="GS-2", address="22", point="过道")])
        assert moved["change"] == 1
        bad = await client.post("/api/devices/imports", content=b"PK\x03\x04broken")
        assert (bad.status_code, bad.json()["type"]) == (422, "urn:jiean:problem:table-refused")


async def test_a_label_opens_the_detector_for_staff_and_tells_a_stranger_nothing(
    world: World,
) -> None:
    await plant(world, 2)
    tag = await world.operations.fetch_value("SELECT tag FROM detector LIMIT 1")
    async with world.client() as stranger, world.client("technician") as client:
        told = [await stranger.get(f"/d/{one}") for one in (tag, "0" * 16)]
        assert [one.headers["location"] for one in told] == [
            f"/login?next=/d/{tag}", f"/login?next=/d/{'0' * 16}",
        ]  # fmt: skip
        assert (await client.get(f"/d/{tag}")).headers["location"].startswith("/desk#device=")
        assert (await client.get("/d/0000")).status_code == 404
        sheet = await client.get("/api/devices/labels")
        assert sheet.content.startswith(b"%PDF")
        page = (await client.get("/api/devices?q=烟感&kind=smoke&problem=no-photo")).json()
        assert (page["total"], page["devices"][0]["place"]) == (2, "平江路 12号 潘宅 东厢")
        assert (await client.get("/api/devices?q=100%25&life=retired")).json()["total"] == 0
        [branch] = (await client.get("/api/devices/tree")).json()
        assert (branch["street"], branch["detectors"]) == ("平江路", 2)


async def test_private_values_stay_with_the_engine(world: World) -> None:
    await plant(world, 1, "door")
    device = detectors.detector_id(0)
    store = await detectors.store_of(world)
    await store.write([detectors.message(world, {"contact": False})])
    world.clock.forward(hours=13)
    async with world.client("technician") as client:
        [sense] = (await seen(client, str(device)))["senses"]
        assert (sense["value"], sense["receivedAt"], sense["coarse"], sense["hours"]) == (
            None, None, "quiet", 13,
        )  # fmt: skip


@pytest.mark.clause("5.1.2.1-d")
async def test_a_session_ticks_off_what_arrived_and_a_window_has_bounds(world: World) -> None:
    await plant(world, 2)
    one = str(detectors.detector_id(0))
    async with world.client("technician") as client:
        now = world.clock.now()

        def pause(flag: str, hours: float, **of: str) -> dict[str, object]:
            ends = (now + timedelta(hours=hours)).isoformat()
            return {"flag": flag, "endsAt": ends, "reason": "换电池", **of}

        long = await client.post("/api/pauses", json=pause("maintenance", 5, detectorId=one))
        assert (long.status_code, long.json()["why"]) == (422, "too-long")
        both = pause("test", 0.5, detectorId=one, gateway="zigbee2mqtt")
        assert (await client.post("/api/pauses", json=both)).json()["why"] == "one"
        house = {"flag": "test", "lastsMin": 30, "reason": "换电池",
                 "buildingId": str(detectors.BUILDING)}  # fmt: skip
        session = await made(client, "/api/pauses", house)
        store = Store(Register(clock=world.clock), RuleBook(defaults()), world.clock, "test")
        await store.start()
        await store.write([detectors.message(world, {"smoke": True})])
        live = (await client.get(f"/api/pauses/{session}")).json()
        assert {d["id"]: len(d["signals"]) for d in live["devices"]} == {
            one: 1, str(detectors.detector_id(1)): 0,
        }  # fmt: skip
        assert await detectors.outbox(world) == []
        [running] = (await client.get("/api/pauses")).json()
        assert (running["of"], running["detectors"], running["life"]) == (
            "平江路 12号 潘宅", 2, True,
        )  # fmt: skip
        assert (await client.post(f"/api/pauses/{session}/end")).status_code == 204
        assert (await client.get("/api/pauses")).json() == []
    audited = await world.operations.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'devices.%' ORDER BY id"
    )
    assert [one["action"] for one in audited] == ["devices.test_planned", "devices.test_ended"]
