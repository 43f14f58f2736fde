"""What every door promises. A door's own test file subclasses ``DoorContract``."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from push.message import Handling
from push.port import Door, Outcome, Reach, Result
from tests.push.world import a_message


class Rig(msgspec.Struct):
    """A door joined to a receiving end that the test can look into.

    Args:
        door: under test.
        address: of a device that works.
        dead: addresses that cannot work, of every sort this door knows.
        shown: what the device has shown so far.
        carries: the parts of a message that this door's devices get: a text or a call has no
            buttons and no data.
    """

    door: Door
    address: str
    dead: tuple[str, ...]
    shown: Callable[[], list[dict[str, Any]]]
    carries: frozenset[str] = frozenset({"id", "title", "lockBody", "actions", "data"})


class DoorContract:
    """Subclass it with a ``rig`` fixture."""

    async def test_the_device_shows_the_whole_message(self, rig: Rig) -> None:
        assert (await rig.door.send(rig.address, a_message())).outcome is Outcome.SENT
        await _until(lambda: bool(rig.shown()))
        [shown] = rig.shown()
        message = a_message()
        assert "lockBody" in rig.carries
        assert shown["lockBody"] == message.lock_body
        if "id" in rig.carries:
            assert UUID(shown["id"]) == message.id
        if "title" in rig.carries:
            assert shown["title"] == message.title
        else:
            assert shown["lockTitle"] == message.lock_title
        if "actions" in rig.carries:
            assert [action["id"] for action in shown["actions"]] == ["accept", "decline"]
        if "data" in rig.carries:
            assert shown["data"] == {"kind": "offer", "offerId": "7"}

    async def test_an_address_that_cannot_work_is_an_outcome_and_never_an_exception(
        self, rig: Rig
    ) -> None:
        for address in (*rig.dead, "", "{}", "[" * 5000, "\ud800", "null"):
            result = await rig.door.send(address, a_message())
            assert result.outcome is not Outcome.SENT, address
            assert isinstance(result, Result)

    async def test_the_ledger_word_never_holds_an_address(self, rig: Rig) -> None:
        for address in (rig.address, *rig.dead):
            result = await rig.door.send(address, a_message())
            assert address not in result.provider_code
            assert len(result.provider_code) < 40

    async def test_many_at_once_are_each_answered(self, rig: Rig) -> None:
        messages = [a_message(id=UUID(int=n)) for n in range(40)]
        results = await asyncio.gather(*(rig.door.send(rig.address, m) for m in messages))
        assert {result.outcome for result in results} == {Outcome.SENT}
        await _until(lambda: len(rig.shown()) == 40)
        if "id" in rig.carries:
            assert {UUID(shown["id"]) for shown in rig.shown()} == {m.id for m in messages}

    async def test_a_message_that_cannot_fit_is_rejected(self, rig: Rig) -> None:
        huge = a_message(data={"note": "x" * 100_000})
        result = await rig.door.send(rig.address, huge)
        if "data" in rig.carries:
            assert result.outcome is Outcome.REJECTED
            assert rig.shown() == []
        else:
            assert result.outcome is Outcome.SENT

    @pytest.mark.parametrize("handling", [Handling.EXERCISE, Handling.TEST])
    async def test_only_a_door_that_stays_inside_carries_an_exercise(
        self, rig: Rig, handling: Handling
    ) -> None:
        result = await rig.door.send(rig.address, a_message(handling=handling))
        inside = rig.door.reach is Reach.LOOPBACK
        assert result.outcome is (Outcome.SENT if inside else Outcome.REJECTED)


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # a device has no event to wait on
            await asyncio.sleep(0)
