"""The people of the invented neighbourhood: staff, offices and residents. Nobody in it exists.

Telephone numbers lie in a block that no operator gives out (138 0000 xxxx). Pure.
"""

from random import Random
from typing import Literal
from uuid import UUID, uuid5

import msgspec

from backend.demo.homes import NAMESPACE
from backend.demo.town import Town

Post = Literal["field", "desk", "technician"]
OfficeKind = Literal["community", "street", "fire", "emergency", "housing"]


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works for the service; ``post`` as the staff table has it."""

    id: UUID
    account_id: UUID
    login: str
    name: str
    badge: str
    post: Post
    roles: tuple[str, ...]
    phone: str


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody outside who must hear of an incident, with an account of its own."""

    id: UUID
    account_id: UUID
    login: str
    name: str
    kind: OfficeKind
    phone: str
    area: str


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person of a household; ``position`` is the order in which the desk calls."""

    id: UUID
    household_id: UUID
    name: str
    relation: str
    phone: str
    position: int
    needs_help: str | None
    lives_here: bool
    speaks: str | None


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody."""

    staff: tuple[Staff, ...]
    offices: tuple[Office, ...]
    contacts: tuple[Contact, ...]

    def post(self, role: str) -> tuple[Staff, ...]:
        """The staff who have a role."""
        return tuple(s for s in self.staff if role in s.roles)


_STAFF: tuple[tuple[str, str, Post, str], ...] = (
    # login, name, post, role
    ("zhou", "周建国", "field", "field"),
    ("li", "李明", "field", "field"),
    ("wang", "王芳", "field", "field"),
    ("zhao", "赵磊", "field", "field"),
    ("chen", "陈雨桐", "field", "field"),
    ("qian", "钱立群", "field", "field"),
    ("sun", "孙晓岚", "field", "field"),
    ("wu", "吴海涛", "field", "field"),
    ("desk", "沈静", "desk", "desk"),
    ("desk2", "顾晓白", "desk", "desk"),
    ("lead", "陆文澜", "desk", "desk_lead"),
    ("tech", "唐一鸣", "technician", "technician"),
    ("boss", "薛平", "desk", "manager"),
)
_OFFICES: tuple[tuple[str, str, OfficeKind, str], ...] = (
    ("community", "砚池社区居委会", "community", "砚池社区全域"),
    ("street", "听橹街道办事处", "street", "听橹街道"),
    ("fire", "石湾消防救援站", "fire", "古城东片"),
    ("emergency", "区应急管理办公室", "emergency", "全区"),
    ("housing", "区住房和城乡建设局", "housing", "全区"),
)
_FAMILY = "陈王张李周吴徐孙朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文"  # noqa: E501
_GIVEN = (
    "桂英", "建华", "秀兰", "志强", "雨晴", "国平", "玉珍", "子涵", "文斌", "月琴", "晓东",
    "思远", "阿宝", "德明", "慧敏", "浩然", "素芬", "立新", "佳怡", "根生", "美玲", "一诺",
    "永福", "巧云", "振宇", "静怡", "水根", "丽华", "梓轩", "凤英",
)  # fmt: skip
_RELATIONS = ("女儿", "儿子", "妻子", "丈夫", "邻居", "侄子", "房东")
_NEEDS = (
    "独居，八十三岁，听力不好", "坐轮椅，出门要两个人抬", "术后卧床，不能自己下床",
    "视力障碍，熟悉自己的屋子", "孕晚期", "吸氧，家里有氧气瓶", "记性不好，会走错门",
)  # fmt: skip


def invent(town: Town) -> Company:
    """Everybody of a town; the same town, the same people."""
    random = Random(town.seed * 7919 + 1)  # noqa: S311  # invention, not a secret
    seed = town.seed
    staff = tuple(
        Staff(
            id=_id(seed, "person", login),
            account_id=_id(seed, "account", login),
            login=login,
            name=name,
            badge=f"GS-02{n:02d}",
            post=post,
            roles=(role,),
            phone=f"138 0000 02{n:02d}",
        )
        for n, (login, name, post, role) in enumerate(_STAFF, start=1)
    )
    offices = tuple(
        Office(
            id=_id(seed, "office", login),
            account_id=_id(seed, "account", login),
            login=login,
            name=name,
            kind=kind,
            phone=f"138 0000 01{n:02d}",
            area=area,
        )
        for n, (login, name, kind, area) in enumerate(_OFFICES, start=1)
    )
    return Company(staff=staff, offices=offices, contacts=tuple(_contacts(random, town)))


def _contacts(random: Random, town: Town) -> list[Contact]:
    found: list[Contact] = []
    for home in town.households:
        family = random.choice(_FAMILY)
        needs = random.choice(_NEEDS) if random.random() < 0.09 else None
        relations = ["户主", *random.sample(_RELATIONS, random.choice((1, 1, 2)))]
        for order, relation in enumerate(relations):
            own = relation in {"邻居", "房东", "妻子", "丈夫"}
            surname = random.choice(_FAMILY) if own else family
            found.append(
                Contact(
                    id=_id(town.seed, "contact", f"{len(found)}"),
                    household_id=home.id,
                    name=surname + random.choice(_GIVEN),
                    relation=relation,
                    phone=f"138 0000 {1000 + len(found) % 9000:04d}",
                    position=order,
                    needs_help=needs if order == 0 else None,
                    lives_here=order == 0 or relation in {"妻子", "丈夫"},
                    speaks=random.choice((None, None, None, "苏州话", "普通话")),
                )
            )
    return found


def _id(seed: int, kind: str, name: str) -> UUID:
    return uuid5(NAMESPACE, f"{seed}/{kind}/{name}")
