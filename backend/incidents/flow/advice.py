"""What a resident is told to do, what the desk says, and how it is kept from happening again.

Phrases A.1 are the standard's (corrected spelling, T36); those for hydrant, water and door and
all advice are ours (▲), editable.
"""

from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS, Words
from backend.incidents.flow.vocabulary import Kind, Place

RESIDENT: dict[Kind, tuple[tuple[str, str, str], ...]] = {
    Kind.SMOKE: (
        ("door", "人先出来，别拿东西", "Get out, take nothing"),
        ("smoke", "弯腰走，湿毛巾捂口鼻", "Stay low, wet cloth over your mouth"),
        ("phone", "到院外再打电话", "Call from outside"),
    ),
    Kind.GAS: (
        ("valve", "关燃气总阀", "Close the gas valve"),
        ("wind", "开窗，不碰开关", "Open windows, touch no switch"),
        ("door", "人到院外，再打电话", "Go outside, then call"),
    ),
    Kind.ELECTRIC: (
        ("bolt", "拔掉大功率电器", "Unplug heavy appliances"),
        ("x", "闻到焦味就拉总闸", "Smell burning: switch off the mains"),
        ("phone", "我们会联系您", "We will call you"),
    ),
    Kind.STRUCTURE: (
        ("door", "离开房屋，站到空地", "Leave the house for open ground"),
        ("x", "不要回去拿东西", "Do not go back in"),
        ("phone", "我们会联系您", "We will call you"),
    ),
    Kind.WATER: (
        ("phone", "我们想知道您是否平安", "We want to know that you are well"),
    ),
    Kind.DOOR: (
        ("phone", "我们想知道您是否平安", "We want to know that you are well"),
    ),
    Kind.HYDRANT: (),
}  # fmt: skip

PREVENTION: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.SMOKE: (
        ("炒菜不离人，烟头掐灭再丢", "Stay with the stove; put cigarettes out"),
        ("电动车不进屋充电", "Charge no e-bike indoors"),
    ),
    Kind.GAS: (
        ("用完关阀，软管两年一换", "Close the valve after use; new hose every two years"),
        ("闻到异味先开窗，不点火", "Smell gas: windows first, no flame"),
    ),
    Kind.ELECTRIC: (
        ("大功率电器不要同时使用", "No heavy appliances at the same time"),
        ("旧线路请电工检查", "Have old wiring checked"),
    ),
    Kind.STRUCTURE: (("有新裂缝马上告诉我们", "Tell us of new cracks at once"),),
    Kind.HYDRANT: (("消火栓周围不堆物", "Keep the hydrant clear"),),
    Kind.WATER: (("出远门请告诉我们", "Tell us when you travel"),),
    Kind.DOOR: (("出远门请告诉我们", "Tell us when you travel"),),
}

PHRASES: dict[str, Words] = {
    "A.1-a": Words(
        "您好，我这里是安防云平台监控中心，平台上收到了您家里{detector}的报警信息，"
        "请问您家里{question}等异常情况吗？",
        "Hello, this is the safety monitoring centre. The {detector} in your home has raised an "
        "alarm. Is there {question} or anything else unusual?",
    ),
    "A.1-b": Words("好的，日常请您注意安全，打扰您了，再见！",
                   "All right. Please stay safe. Sorry to disturb you, goodbye!"),
    "A.1-c": Words(
        "请您家里大功率的用电器不要同时使用，也请您检查下家里的线路，日常注意用电安全，"
        "打扰您了，再见！",
        "Please do not use heavy appliances at the same time, and have the wiring checked. "
        "Goodbye!",
    ),
    "A.1-d": Words("您不要着急，家人和邻居先疏散至安全地带，我协助您拨打 119 报警电话。",
                   "Stay calm. Take family and neighbours to safety; I will help you call 119."),
    "A.1-e": Words(
        "您好，我这里是安防云平台监控中心，{place}家里的{detector}发生了报警信息，户主本人"
        "无法联系上，你们能协助联系下他/她家人吗？谢谢",
        "Hello, this is the safety monitoring centre. The {detector} at {place} has raised an "
        "alarm and we cannot reach the householder. Can you help us reach the family? Thank you.",
    ),
    "A.1-f": Words(
        "您好，我这里是安防云平台监控中心，平台上收到了{place}家里的{detector}的报警信息，"
        "户主本人无法联系上，请你马上赶往其家里确认下警情，并反馈回来，谢谢！",
        "Hello, this is the safety monitoring centre. The {detector} at {place} has raised an "
        "alarm and we cannot reach the householder. Please go there at once, confirm and report "
        "back. Thank you!",
    ),
}  # fmt: skip

OWN_OPENINGS: dict[Kind, Words] = {
    Kind.HYDRANT: Words(
        "您好，我这里是安防云平台监控中心，{place}的消火栓水压异常，请协助检查，谢谢！",
        "Hello, this is the safety monitoring centre. The hydrant at {place} has abnormal "
        "pressure. Please help check it. Thank you!",
    ),
    Kind.WATER: Words(
        "您好，我这里是安防云平台监控中心，您家用水和平时不一样，想问问您是否一切都好？",
        "Hello, this is the safety monitoring centre. Your water use is different from usual. "
        "Is everything all right?",
    ),
    Kind.DOOR: Words(
        "您好，我这里是安防云平台监控中心，您家大门和平时不一样，想问问您是否一切都好？",
        "Hello, this is the safety monitoring centre. Your front door is different from usual. "
        "Is everything all right?",
    ),
}
"""▲ not from the standard (T18)."""


REASONS: dict[str, str] = {
    "uncontrollable": "现场情况难以控制",
    "trapped": "有人员被困",
    "withdrawn": "现场人员已撤离",
    "party_needs_rescue": "当事人求救",
    "fire_not_out": "初期火灾未能扑灭",
    "nobody_left": "附近无人可派，请就近派人到场",
    "lone_worker": "现场人员入户后失联",
}


def situation(now: Incident, said: str) -> str:
    """What a report says when nobody had time to write (6.3.4.1-c): kind, stage, people."""
    parts = [KINDS[kind].zh for kind in now.kinds]
    told = REASONS.get(said, said).strip()
    if told:
        parts.append(told)
    parts.append(f"被困 {now.people.trapped} 人，受伤 {now.people.injured} 人")
    return "；".join(parts)


def script(code: str, kind: Kind, place: Place) -> Words:
    """One phrase with device, place and question filled; one detector, one question (T18)."""
    policy = KINDS[kind]
    own = OWN_OPENINGS.get(kind)
    words = own if code == "A.1-a" and own is not None else PHRASES[code]

    def fill(text: str, *, zh: bool) -> str:
        return text.format(
            detector=policy.detector.zh if zh else policy.detector.en,
            question=policy.question.zh if zh else policy.question.en,
            place=place.address,
        )

    return Words(fill(words.zh, zh=True), fill(words.en, zh=False))
