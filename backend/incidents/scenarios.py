"""What a drill can play: the standard's ways through an incident as scripts. Pure data.

A script's happenings come by themselves at their times after the alarm; the leader may play more
by hand. ``golden`` is the scenario of the lifecycle's list that it is made from. All ▲ ours.
"""

from typing import Literal

import msgspec

from backend.incidents.flow.kinds import Words
from backend.incidents.flow.vocabulary import Kind

What = Literal["normal", "alarm", "second", "say"]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """``normal``: readings recover. ``alarm``: it alarms again. ``second``: another detector.
    ``say``: the people in the drill are told something that they would see."""

    after_s: int
    what: What
    said: Words = Words("", "")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    golden: int
    kind: Kind
    name: Words
    brief: Words
    happenings: tuple[Happening, ...] = ()


def _say(after_s: int, zh: str, en: str) -> Happening:
    return Happening(after_s=after_s, what="say", said=Words(zh, en))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        code="burnt_food", golden=2, kind=Kind.SMOKE,
        name=Words("烟感误报：做饭油烟", "False smoke alarm: cooking"),
        brief=Words("到场后只见油烟，没有火；判误报并写报告。",
                    "Only cooking fumes, no fire: call it false and report."),
        happenings=(_say(60, "户主电话无人接听", "Nobody answers the phone"),
                    _say(120, "厨房有油烟，没有明火，锅已离灶", "Fumes, no flame, the pan is off")),
    ),
    Scenario(
        code="kitchen_fire", golden=7, kind=Kind.SMOKE,
        name=Words("厨房起火，扑不灭", "Kitchen fire that does not go out"),
        brief=Words("先可控，后失控：报告、引导、疏散、警戒。",
                    "In hand at first, then out of control: report, guide, evacuate, cordon."),
        happenings=(_say(120, "灶台有明火，烟不大", "Flames at the stove, little smoke"),
                    _say(300, "灭火器用完，火窜上吊顶", "Extinguisher empty, fire in the ceiling"),
                    Happening(after_s=330, what="second"),
                    _say(420, "二楼有老人行动不便", "An old person upstairs cannot walk"),
                    Happening(after_s=1200, what="normal")),
    ),
    Scenario(
        code="trapped", golden=9, kind=Kind.SMOKE,
        name=Words("有人被困、有人受伤", "People trapped and hurt"),
        brief=Words("练被困、受伤上报和 120。", "Trapped, hurt, and 120."),
        happenings=(_say(120, "阁楼上有两人呼救", "Two people call from the attic"),
                    _say(180, "其中一人呛烟受伤", "One of them is hurt by smoke"),
                    _say(600, "一人已被消防救出", "The fire service brought one out"),
                    Happening(after_s=1200, what="normal")),
    ),
    Scenario(
        code="gas_leak", golden=5, kind=Kind.GAS,
        name=Words("燃气泄漏：关阀、通风、等正常", "Gas leak: shut, air, wait"),
        brief=Words("室内不打电话、不拍照；正常后才查漏点。",
                    "No calls or pictures inside; the leak only after release."),
        happenings=(_say(90, "门口能闻到燃气味", "Gas can be smelt at the door"),
                    Happening(after_s=480, what="normal")),
    ),
    Scenario(
        code="gas_again", golden=6, kind=Kind.GAS,
        name=Words("燃气恢复后再次报警", "Gas alarms again"),
        brief=Words("条件成立后又报警，两把锁要重新开。",
                    "A new alarm voids both conditions."),
        happenings=(Happening(after_s=360, what="normal"), Happening(after_s=540, what="alarm"),
                    Happening(after_s=900, what="normal")),
    ),
    Scenario(
        code="overload", golden=4, kind=Kind.ELECTRIC,
        name=Words("用电过载", "Overload"),
        brief=Words("查原因、出整改通知、告知安全用电。", "Cause, notice, advice."),
        happenings=(_say(60, "户主说已拔掉取暖器", "The user unplugged the heater"),
                    Happening(after_s=240, what="normal")),
    ),
    Scenario(
        code="crack", golden=10, kind=Kind.STRUCTURE,
        name=Words("裂缝发展", "A growing crack"),
        brief=Words("周围每栋看五项，有隐患报主管部门。",
                    "Five signs at every building; hazards to the authority."),
        happenings=(_say(120, "山墙裂缝新开了 2 毫米", "The gable's crack opened by 2 mm"),),
    ),
    Scenario(
        code="hydrant_low", golden=11, kind=Kind.HYDRANT,
        name=Words("消火栓水压低", "Low hydrant"),
        brief=Words("联系主管单位，协助检查。", "Call the unit, help check."),
        happenings=(Happening(after_s=600, what="normal"),),
    ),
    Scenario(
        code="no_answer", golden=12, kind=Kind.DOOR,
        name=Words("独居老人无人应答", "Nobody answers the door"),
        brief=Words("逐级联系，不破门，汇报社区。", "The ladder; never force the door."),
        happenings=(_say(120, "敲门无人应答，屋里有电视声", "No answer; a television is on"),
                    _say(300, "邻居说早上见过老人出门", "A neighbour saw them go out"),
                    Happening(after_s=600, what="normal")),
    ),
    Scenario(
        code="no_gear", golden=8, kind=Kind.SMOKE,
        name=Words("防护缺一件，不进入", "One piece missing"),
        brief=Words("缺防护就守在外面报告救援。", "Stay outside and report for rescue."),
        happenings=(_say(60, "逃生面罩不在车上", "The escape hood is not in the car"),),
    ),
)  # fmt: skip

BY_CODE = {one.code: one for one in SCENARIOS}
