"""What differs by kind: Appendix B cards, protective equipment, paths and obligations.

Cards B.1–B.6 are binding (Appendix B is normative, T34); equipment lists are ours (▲) and
configurable. Order is enforced only where the text gives one (``after``).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from backend.incidents.flow.vocabulary import Kind


class Words(msgspec.Struct, frozen=True):
    zh: str
    en: str


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the ladder when nobody answers; each try is written down under its code."""

    code: str
    zh: str
    en: str
    icon: str


class CardItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One action of a card. ``mandatory`` items must be ticked before the final check."""

    code: str
    zh: str
    en: str
    hint: Words
    icon: str
    clause: str
    mandatory: bool = True
    photo: bool = False
    value: str | None = None
    causes: tuple[tuple[str, str, str], ...] = ()
    cause_needed: bool = True
    """One of ``causes`` must be named to be done; False: it may be."""
    after: tuple[str, ...] = ()
    meets: str | None = None
    """The obligation that doing this settles."""
    in_scene: bool = True
    """False: done when arriving or after release, not on the card's walk."""
    after_release: bool = False
    """The text puts it after the release (B.2)."""
    either_way: bool = False
    """Finding nothing is a result too and settles ``meets`` (B.3: seat not found)."""
    each_building: bool = False
    """Wanted of the alarming building and of each one around it (B.4)."""
    rungs: tuple[Rung, ...] = ()


class Card(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    card: str
    zh: str
    en: str
    items: tuple[CardItem, ...]


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    zh: str
    en: str
    required: bool = True


class KindPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident of this kind switches on (lifecycle section 3)."""

    zh: str
    en: str
    detector: Words
    question: Words
    icon: str
    at_once: bool
    evacuates: bool
    resident: bool
    card: Card
    ppe: tuple[Equipment, ...]
    owed_at_raise: tuple[str, ...] = ()
    owed_when_real: tuple[str, ...] = ()
    welfare: bool = False
    eliminated_on_scene: bool = False
    """Condition 2 may be confirmed without a handling step (hydrant, water, door)."""


def _item(
    code: str, zh: str, en: str, hint_zh: str, hint_en: str, icon: str, **more: Any
) -> CardItem:
    clause = more.pop("clause", code)
    return CardItem(
        code=code, zh=zh, en=en, hint=Words(hint_zh, hint_en), icon=icon, clause=clause, **more
    )


CARD_ELECTRIC = Card(
    card="B.1",
    zh="电气火灾",
    en="Electrical fire risk",
    items=(
        _item(
            "B.1-2", "排查原因", "Find the cause", "看接头、电线皮、用电负荷，不碰带电部位。",
            "Look at joints, insulation and load. Touch nothing live.", "bolt", photo=True,
            causes=(
                ("loose_joint", "接头松动", "Loose joint"),
                ("worn_wire", "电线破皮", "Worn insulation"),
                ("overload", "超负荷运行", "Overload"),
                ("other", "其他", "Other"),
            ),
            meets="cause_found",
        ),
        _item(
            "B.1-3", "提醒立即整改", "Tell the user to repair now",
            "说清哪一处、怎么改、几天内改好；通知书自动生成，留给用户。",
            "Say what, how and within how many days; the notice for the user writes itself.",
            "flag", after=("B.1-2",), meets="rectification", value="天",
        ),
        _item(
            "B.1-4", "提醒用电安全", "Remind of electrical safety",
            "大功率电器不要同时使用。", "No heavy appliances at the same time.", "speak",
            after=("B.1-2",),
        ),
    ),
)  # fmt: skip
CARD_GAS = Card(
    card="B.2",
    zh="可燃气体",
    en="Combustible gas",
    items=(
        _item(
            "B.2-2", "切断气源", "Shut off the gas", "先关表前总阀，再关灶前阀。不碰任何开关。",
            "Main valve first, then the stove valve. Touch no switch.", "valve",
        ),
        _item(
            "B.2-3", "开窗通风", "Open the windows", "先开离门最近的窗，再开对面。不用排风扇。",
            "The window nearest the door first, then opposite. No fan.", "wind",
            after=("B.2-2",),
        ),
        _item(
            "B.2-4", "等浓度降下来", "Wait for the value to fall", "在门外等，看上方实时浓度。",
            "Wait outside and watch the live value above.", "clock", after=("B.2-2",),
            value="%LEL",
        ),
        _item(
            "B.2-5", "排查泄漏原因", "Find the leak", "解除预警后再查：软管、接头、灶具。",
            "After release: hose, joints, stove.", "gas", mandatory=False, in_scene=False,
            after_release=True, meets="leak_cause",
        ),
        _item(
            "B.2-6", "提醒用气安全", "Remind of gas safety", "用完关阀，软管两年一换。",
            "Close the valve after use; new hose every two years.", "speak", mandatory=False,
            in_scene=False, after_release=True,
        ),
    ),
)  # fmt: skip
CARD_SMOKE = Card(
    card="B.3",
    zh="烟雾",
    en="Smoke",
    items=(
        _item(
            "B.3-2", "点位附近查勘", "Search near the detector", "由外到内，手背试门温，低姿前进。",
            "Outside in. Test the door with the back of the hand. Stay low.", "smoke",
            photo=True,
        ),
        _item(
            "B.3-3", "查找起火点", "Find the seat of the fire", "看厨房、插座、电动车、垃圾桶。",
            "Kitchen, sockets, e-bike, bin.", "pin", after=("B.3-2",), meets="fire_seat",
            either_way=True, cause_needed=False,
            causes=(
                ("kitchen", "厨房灶台", "Kitchen"),
                ("socket", "插座、电线", "Socket or wire"),
                ("ebike", "电动车、电池", "E-bike or battery"),
                ("bin", "垃圾、杂物", "Bin or rubbish"),
                ("incense", "香烛、烟头", "Incense or cigarette"),
                ("elsewhere", "其他位置", "Elsewhere"),
            ),
        ),
        _item(
            "B.3-4", "合理使用灭火器", "Use the right extinguisher",
            "带电先断电；油锅盖盖子；电池远离并多用水。",
            "Cut power first; lid on burning oil; batteries: distance and much water.",
            "flag", after=("B.3-3",),
        ),
        _item(
            "B.3-5", "扑灭初期火灾", "Put out the early fire", "扑不灭就撤，不恋战。",
            "If it does not go out, get out.", "check", after=("B.3-3",),
        ),
    ),
)  # fmt: skip
CARD_STRUCTURE = Card(
    card="B.4",
    zh="建筑安全",
    en="Building safety",
    items=tuple(
        _item(code, zh, en, "站在倒塌范围外看，拍照带比例尺。",
              "Look from outside the collapse zone; photo with a scale.", "wall", photo=True,
              clause="B.4-2", each_building=True, value=unit, cause_needed=False,
              causes=(("hazard", "有隐患", "Hazard"), ("none", "未见异常", "Nothing unusual")))
        for code, zh, en, unit in (
            ("B.4-2a", "水平倾角", "Horizontal tilt", "°"),
            ("B.4-2b", "垂直倾角", "Vertical tilt", "°"),
            ("B.4-2c", "沉降", "Settlement", "mm"),
            ("B.4-2d", "位移", "Displacement", "mm"),
            ("B.4-2e", "裂缝", "Cracks", "mm"),
        )
    ),
)  # fmt: skip
CARD_HYDRANT = Card(
    card="B.5",
    zh="消防水压",
    en="Hydrant pressure",
    items=(
        _item(
            "B.5-1", "联系主管单位", "Contact the responsible unit", "报消火栓编号、位置和水压。",
            "Give the hydrant's number, place and pressure.", "phone", meets="unit_contacted",
        ),
        _item(
            "B.5-2", "协助检查消火栓", "Help check the hydrant", "看阀门、漏水、倾斜，读压力表。",
            "Valve, leaks, tilt; read the gauge.", "hydrant", value="MPa", photo=True,
            meets="check_result",
        ),
    ),
)  # fmt: skip
CARD_WELFARE = Card(
    card="B.6",
    zh="居民关怀",
    en="Welfare",
    items=(
        _item(
            "B.6-2", "询问生活状况", "Ask how they are", "先报身份，语气温和；不强行进门。",
            "Say who you are, be gentle; never force the door.", "people",
            causes=(
                ("well", "平安", "Well"),
                ("needs_help", "需要帮助", "Needs help"),
                ("ill", "身体不适", "Ill"),
                ("no_answer", "无人应答", "No answer"),
                ("absent", "外出", "Away"),
            ),
        ),
        _item(
            "B.6-2n", "无人应答时逐级联系", "When nobody answers",
            "敲门、打电话、家人、邻居、物业、社区，最后 110、120；不自行破门。",
            "Knock, phone, family, neighbours, landlord, community, then 110 and 120; we never "
            "force the door.", "phone", clause="B.6-2", mandatory=False, in_scene=False,
            rungs=(
                Rung(code="knock", zh="敲门、按门铃、喊人", en="Knock, ring and call out", icon="door"),
                Rung(code="phone", zh="打居民本人电话", en="Phone the resident", icon="phone"),
                Rung(code="family", zh="打家人电话", en="Phone the family", icon="people"),
                Rung(code="neighbour", zh="问邻居", en="Ask the neighbours", icon="people"),
                Rung(code="landlord", zh="找物业、房东", en="Find the landlord", icon="building"),
                Rung(code="community", zh="找社区", en="Ask the community", icon="building"),
                Rung(code="110", zh="有异常：打 110，由警察开门", en="Signs of trouble: 110 opens the door",
                     icon="warn"),
                Rung(code="120", zh="可能有人倒下：打 120", en="Somebody may be down: 120",
                     icon="bandage"),
            ),
        ),
        _item(
            "B.6-3", "汇报所在社区", "Report to the community", "报住址和居民情况，不报病史。",
            "Give the address and how they are; no medical history.", "flag",
            after=("B.6-2",), meets="community_report",
        ),
    ),
)  # fmt: skip


def _kit(*items: tuple[str, str, str, bool]) -> tuple[Equipment, ...]:
    return tuple(Equipment(code=c, zh=zh, en=en, required=need) for c, zh, en, need in items)


KINDS: dict[Kind, KindPolicy] = {
    Kind.SMOKE: KindPolicy(
        zh="烟雾", en="Smoke", detector=Words("烟感探测器", "smoke detector"),
        question=Words("有烟雾", "smoke at home"), icon="smoke", at_once=True,
        evacuates=True, resident=True, card=CARD_SMOKE,
        ppe=_kit(
            ("helmet", "头盔", "Helmet", True), ("hood", "逃生面罩", "Escape hood", True),
            ("gloves", "防护手套", "Gloves", True), ("torch", "手电", "Torch", True),
            ("extinguisher", "灭火器", "Extinguisher", True),
        ),
        owed_when_real=("fire_seat",),
    ),
    Kind.GAS: KindPolicy(
        zh="可燃气体", en="Combustible gas", detector=Words("燃气泄漏探测器", "gas detector"),
        question=Words("有燃气泄漏", "a gas leak"), icon="gas", at_once=True, evacuates=True,
        resident=True, card=CARD_GAS,
        ppe=_kit(
            ("safe_torch", "防爆手电", "No-spark torch", True),
            ("gas_meter", "测爆仪", "Gas meter", True), ("gloves", "手套", "Gloves", True),
            ("cotton", "棉质工装", "Cotton clothing", True),
            ("phone_off", "进门前手机关机", "Phone off before entry", True),
        ),
        owed_when_real=("leak_cause",),
    ),
    Kind.ELECTRIC: KindPolicy(
        zh="电气火灾", en="Electrical", detector=Words("电气火灾探测器", "electrical fire detector"),
        question=Words("用电有异常", "electrical trouble"), icon="bolt", at_once=False,
        evacuates=True, resident=True, card=CARD_ELECTRIC,
        ppe=_kit(
            ("ins_gloves", "绝缘手套", "Insulating gloves", True),
            ("ins_shoes", "绝缘鞋", "Insulating shoes", True), ("tester", "验电笔", "Tester", True),
        ),
        owed_when_real=("cause_found", "rectification"),
    ),
    Kind.STRUCTURE: KindPolicy(
        zh="建筑安全", en="Building", detector=Words("倾斜探测器", "tilt detector"),
        question=Words("房屋有异常", "anything wrong with the building"), icon="wall",
        at_once=False, evacuates=True, resident=True, card=CARD_STRUCTURE,
        ppe=_kit(("helmet", "头盔", "Helmet", True), ("torch", "手电", "Torch", True)),
    ),
    Kind.HYDRANT: KindPolicy(
        zh="消防水压", en="Hydrant pressure", detector=Words("消火栓水压探测器", "hydrant sensor"),
        question=Words("消火栓有异常", "anything wrong with the hydrant"), icon="hydrant",
        at_once=False, evacuates=False, resident=False, card=CARD_HYDRANT,
        ppe=_kit(("vest", "反光背心", "Vest", True), ("key", "消火栓钥匙", "Hydrant key", False)),
        owed_at_raise=("unit_contacted", "check_result"), eliminated_on_scene=True,
    ),
    Kind.WATER: KindPolicy(
        zh="用水异常", en="Water use", detector=Words("用水监测器", "water monitor"),
        question=Words("用水有异常", "anything unusual with the water"), icon="water",
        at_once=False, evacuates=False, resident=True, card=CARD_WELFARE,
        ppe=_kit(
            ("badge", "工作证", "Badge", True), ("second", "第二人同行", "Second person", False),
        ),
        owed_at_raise=("community_report",), welfare=True, eliminated_on_scene=True,
    ),
    Kind.DOOR: KindPolicy(
        zh="门磁", en="Door", detector=Words("门磁探测器", "door sensor"),
        question=Words("大门有异常", "anything unusual with the door"), icon="door",
        at_once=False, evacuates=False, resident=True, card=CARD_WELFARE,
        ppe=_kit(
            ("badge", "工作证", "Badge", True), ("second", "第二人同行", "Second person", False),
        ),
        owed_at_raise=("community_report",), welfare=True, eliminated_on_scene=True,
    ),
}  # fmt: skip


def cards(kinds: tuple[Kind, ...]) -> tuple[Card, ...]:
    """The cards of all kinds in an incident, each once, in order of appearance."""
    return tuple({KINDS[k].card.card: KINDS[k].card for k in kinds}.values())


def find_item(kinds: tuple[Kind, ...], code: str) -> CardItem | None:
    """The card item of that code among the incident's kinds, or None."""
    return next((i for card in cards(kinds) for i in card.items if i.code == code), None)


def required_ppe(
    kinds: tuple[Kind, ...], chosen: Mapping[Kind, tuple[str, ...]] | None = None
) -> tuple[str, ...]:
    """Codes of the equipment without which nobody enters, over all kinds.

    Args:
        kinds: the alert types in the incident.
        chosen: the operator's own lists, frozen into the incident; the list here where a kind
            has none.
    """
    own = chosen or {}
    codes = [code for k in kinds for code in own.get(k, _required(k))]
    return tuple(dict.fromkeys(codes))


def _required(kind: Kind) -> tuple[str, ...]:
    return tuple(e.code for e in KINDS[kind].ppe if e.required)
