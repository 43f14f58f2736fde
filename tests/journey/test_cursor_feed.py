"""A phone's picture: what changed after its cursor, everything once, however much was missed."""

from typing import Any

from tests.journey.street import Person, Street

HOME = "/api/field/home"


def put_together(before: dict[str, Any], fresh: dict[str, Any]) -> list[dict[str, Any]]:
    """As the phone does it: what came now, else what it had."""
    views = {view["id"]: view for view in [*before["incidents"], *fresh["incidents"]]}
    return [views[one] for one in fresh["known"]]


async def scene(street: Street) -> tuple[Person, str]:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    return phone, incident


async def test_nothing_new_is_nothing_sent_and_a_change_is_sent_once(street: Street) -> None:
    phone, incident = await scene(street)
    whole = await phone.get(HOME)
    assert [view["id"] for view in whole["incidents"]] == whole["known"] == [incident]
    again = await phone.get(f"{HOME}?since={whole['cursor']}")
    assert (again["incidents"], again["known"]) == ([], [incident])
    await phone.does(incident, "note", text="门锁着")
    [changed] = (fresh := await phone.get(f"{HOME}?since={whole['cursor']}"))["incidents"]
    assert changed["timeline"][-1]["type"] == "NoteAdded"
    assert (await phone.get(f"{HOME}?since={fresh['cursor']}"))["incidents"] == []


async def test_a_phone_that_missed_hours_has_everything_in_order_after_one_look(
    street: Street,
) -> None:
    phone, incident = await scene(street)
    before = await phone.get(HOME)
    desk = await street.desk()
    for n in range(30):
        street.world.clock.forward(seconds=300)
        await desk.does(incident, "note", text=f"第{n}次")
    missed = await phone.get(f"{HOME}?since={before['cursor']}")
    whole = await phone.get(HOME)
    for parts in (missed["incidents"], whole["incidents"]):
        for view in parts:
            view.pop("live", None)
    assert put_together(before, missed) == whole["incidents"]
    [view] = whole["incidents"]
    notes = [e["facts"]["text"] for e in view["timeline"] if e["type"] == "NoteAdded"]
    assert notes == [f"第{n}次" for n in range(30)]
    versions = [e["version"] for e in view["timeline"]]
    assert versions == sorted(set(versions)), "each once, in order"


async def test_an_incident_that_left_the_phone_is_no_longer_known(street: Street) -> None:
    phone, incident = await scene(street)
    desk = await street.desk()
    before = await phone.get(HOME)
    await desk.does(incident, "reassign", reason="伤了脚")
    after = await phone.get(f"{HOME}?since={before['cursor']}")
    assert (after["known"], put_together(before, after)) == ([], [])
