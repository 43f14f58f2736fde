"""Field staff nobody plays: they answer an offer after a moment, go there and do the work.

Only what the phone would offer them: the incident's ``allowed`` decides, so a person at the
desk may step in at any point.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random

from backend.demo.actors import SOFT, Field, Told
from backend.demo.wire import Json, Refused
from geo.point import Point

CATCH = (*SOFT, Refused)
THINK_S = (5.0, 11.0)
"""A person looks, reads and decides."""


async def drive(
    one: Field, told: Told, calm: Callable[[str], None], *, seed: int, haste: float = 1.0
) -> None:
    """Answer offers until this phone is a human's.

    Args:
        one: an opened actor.
        told: lines for the terminal.
        calm: called with the incident's detector ids once its cause is removed.
        seed: of the answers.
        haste: divides every pause.
    """
    random = Random(seed)  # noqa: S311
    while not one.is_human():
        offer = await one.offers.get()
        await asyncio.sleep(random.uniform(*THINK_S) / haste)
        if one.is_human():
            return
        incident = str(offer["incidentId"])
        with suppress(*CATCH):
            if random.random() < 0.15:
                await one.command(
                    incident, "decline", offerId=offer["offerId"], reason="busy", note=""
                )
                told(one.staff.name, "去不了 declined")
                continue
            await one.command(incident, "accept", offerId=offer["offerId"])
            told(one.staff.name, "接受，正在赶去 accepted, on the way")
            await _work(one, told, calm, incident, haste)
            one.resume()


async def _work(
    one: Field, told: Told, calm: Callable[[str], None], incident: str, haste: float
) -> None:
    view = await _mine(one, incident)
    if view is None:
        return
    one.hurry(4.0)  # an e-bike
    await one.go_to(Point(view["place"]["lat"], view["place"]["lon"]))
    one.hurry(1.25)
    rules = await one.wire.call("GET", "/api/rulebook")
    told(one.staff.name, f"到场 {view['place']['address']} arrived")
    await _try(one, incident, "arrived", metresOff=3.0)
    await asyncio.sleep(6 / haste)
    await _try(one, incident, "confirm_real", note="现场可见")
    await _try(one, incident, "assess_controllable", controllable=True, reason="初起，可控")
    kit = [{"code": p["code"], "has": True} for p in rules["ppe"][view["kind"]]]
    await _try(one, incident, "confirm_ppe", items=kit)
    await _try(one, incident, "start_handling")
    card = rules["cards"][view["kind"]]
    for item in card["items"]:
        if not item["mandatory"]:
            continue
        await asyncio.sleep(4 / haste)
        sha = await one.photograph(item["code"]) if item["photo"] else None
        causes = item.get("causes") or []
        await _try(
            one, incident, "tick", card=card["card"], item=item["code"], result="done",
            reason=None, value=None, photo=sha, cause=causes[0]["code"] if causes else None,
        )  # fmt: skip
    for detector in view["detectors"]:
        calm(detector["id"])
    told(one.staff.name, "处置完毕，等数据恢复 handled, waiting for normal data")
    await _try(one, incident, "leave_scene")
    await asyncio.sleep(8 / haste)
    await _try(one, incident, "final_check", note="无复燃")
    await _try(one, incident, "field_confirm_eliminated", note="隐患已排除")
    told(one.staff.name, "确认隐患排除 hazard eliminated")


async def _mine(one: Field, incident: str) -> Json | None:
    home = await one.wire.call("GET", "/api/field/home")
    found: list[Json] = [v for v in home["incidents"] if v["id"] == incident]
    return found[0] if found else None


async def _try(one: Field, incident: str, name: str, **args: object) -> None:
    """A step that the state may not want: a refusal is no accident."""
    with suppress(Refused):
        await one.command(incident, name, **args)
