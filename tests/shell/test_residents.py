"""Residents' people: who may not see them, and what every look leaves behind."""

import asyncpg
import pytest

from backend.access.principal import Principal
from backend.residents import service
from backend.residents.schemas import NewContact
from backend.shared.ids import uuid7
from tests.plugin.world import World

HOUSEHOLD, OTHER = uuid7(), uuid7()
DESK = Principal(
    account_id=uuid7(),
    name="王芳",
    roles=frozenset({"desk"}),
    staff_id=None,
    office_id=None,
    device_id=None,
    exercise=False,
)


def person(name: str, phone: str, position: int, needs: str | None = None) -> NewContact:
    return NewContact(
        id=uuid7(),
        household_id=HOUSEHOLD,
        name=name,
        relation="户主",
        phone=phone,
        position=position,
        needs_help=needs,
    )


async def seeded(world: World) -> None:
    people = [person("陈阿婆", "05126522", 2, "轮椅"), person("陈建国", "13812341234", 1)]
    await service.register(people, actor="test", role="system", at=world.clock.now())


@pytest.mark.clause("7.3.4-a")
@pytest.mark.parametrize("login", ["operations", "telemetry", "records"])
async def test_no_other_databases_role_can_even_connect_to_the_identity_database(
    world: World, login: str
) -> None:
    app = world.server.where.app
    stranger = {**app[login], "database": app["identity"]["database"]}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(**stranger)


async def test_masked_contacts_give_neither_name_nor_number_nor_need(world: World) -> None:
    await seeded(world)
    found = await service.contacts(HOUSEHOLD, unmasked=False)
    assert [(one.name, one.phone, one.needs_help) for one in found] == [
        ("陈**", "138****1234", None),
        ("陈**", "****22", "•"),
    ]
    assert all(one.masked for one in found)


async def test_another_household_is_never_among_them(world: World) -> None:
    await seeded(world)
    assert await service.contacts(OTHER, unmasked=True) == []
    assert await service.needs_help([OTHER]) == {}


async def test_unmasked_contacts_come_in_the_order_of_calling(world: World) -> None:
    await seeded(world)
    found = await service.contacts(HOUSEHOLD, unmasked=True)
    assert [one.name for one in found] == ["陈建国", "陈阿婆"]
    assert await service.needs_help([HOUSEHOLD, OTHER]) == {HOUSEHOLD: ["轮椅"]}


@pytest.mark.parametrize("unmasked", [True, False])
async def test_every_look_leaves_who_when_and_why_but_not_what(
    world: World, unmasked: bool
) -> None:
    await seeded(world)
    incident = uuid7()
    await service.view_contacts(
        DESK, incident, HOUSEHOLD, unmasked=unmasked, reason="预警处理", at=world.clock.now()
    )
    row = await world.identity.fetch_one(
        "SELECT *, e::text AS whole FROM audit_entry e WHERE action LIKE 'residents.contacts%'"
    )
    assert row is not None
    assert row["actor"] == str(DESK.account_id)
    assert row["subject"] == str(HOUSEHOLD)
    assert row["reason"] == "预警处理"
    assert str(incident) in row["after"]
    assert row["action"].endswith("_masked") is not unmasked
    for secret in ("陈建国", "13812341234", "轮椅", "05126522"):
        assert secret not in row["whole"]


async def test_what_is_seeded_again_is_replaced_and_not_doubled(world: World) -> None:
    first = person("陈建国", "13812341234", 1)
    for _ in range(2):
        await service.register([first], actor="test", role="system", at=world.clock.now())
    assert len(await service.contacts(HOUSEHOLD, unmasked=True)) == 1
