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
    Scenario(
        code="told_by_phone", golden=1, kind=Kind.SMOKE,
        name=Words("烟感误报：户主在家", "False smoke alarm: the resident is at home"),
        brief=Words("先打电话：户主说是做饭；值班台判误报，写报告。",
                    "Telephone first: it was cooking; the desk calls it false and reports."),
        happenings=(_say(30, "户主接电话：锅烧糊了，已关火", "The resident: a pan burnt"),
                    Happening(after_s=180, what="normal")),
    ),
    Scenario(
        code="not_answered", golden=3, kind=Kind.SMOKE,
        name=Words("最近的人不接警", "The nearest does not answer"),
        brief=Words("第一个人故意不点，25 秒后改派下一个人。至少两人参加。",
                    "The first one leaves it; after 25 s the next is asked. Two people or more."),
        happenings=(_say(60, "烟感仍在响，楼道没有烟", "It still sounds; no smoke on the stairs"),
                    Happening(after_s=600, what="normal")),
    ),
    Scenario(
        code="no_network", golden=13, kind=Kind.GAS,
        name=Words("手机离线处置", "Handling with no network"),
        brief=Words("接警后把手机设为飞行模式，做完再联网：一条不丢，两个时间都在。",
                    "Airplane mode after the offer; back on when done: nothing lost, both times."),
        happenings=(_say(60, "现在打开飞行模式", "Turn airplane mode on now"),
                    Happening(after_s=600, what="normal"),
                    _say(900, "现在关闭飞行模式", "Turn airplane mode off now")),
    ),
    Scenario(
        code="late_cry", golden=14, kind=Kind.SMOKE,
        name=Words("解除之后才得知有人被困", "Trapped people learnt of after the release"),
        brief=Words("离线的人报被困；解除之后联网，应另开一起并关联。",
                    "Said with no network; sent after the release: a linked incident opens."),
        happenings=(_say(120, "一人打开飞行模式，报“阁楼有人被困”",
                         "One of you: airplane mode, report somebody trapped in the attic"),
                    Happening(after_s=300, what="normal"),
                    _say(1200, "值班台已解除：现在关闭飞行模式",
                         "The desk has released: airplane mode off now")),
    ),
    Scenario(
        code="two_homes", golden=15, kind=Kind.SMOKE,
        name=Words("一院两户同时报警", "Two homes of one court alarm"),
        brief=Words("两户是一起警情；弄清后由值班台拆开一户。",
                    "One incident for both homes; the desk splits one off when it is clear."),
        happenings=(Happening(after_s=60, what="second"),
                    _say(240, "西厢只是油烟，东厢有火", "Fumes in the west wing, fire in the east"),
                    Happening(after_s=1200, what="normal")),
    ),
)  # fmt: skip

NOT_PLAYED: tuple[tuple[int, Words], ...] = (
    (16, Words("网关大量报警：演练只用一个探测器的位置，不冒充网关",
               "A gateway's storm: a drill stands at one detector and never poses as a gateway")),
    (17, Words("没有值班台在线：演练由在线的值班台发起",
               "No desk logged in: a desk that is logged in starts the drill")),
    (18, Words("改动档案被拒：不需要人在现场，由系统自检",
               "Changing the archive is refused: nobody is needed for it, the system tests it")),
    (19, Words("跨年警情计入旧年：演练不计入年度统计",
               "New Year's incident counts in the old year: drills are in no yearly figures")),
    (20, Words("演练本身：每次演练就是它", "The drill itself: every drill is one")),
)  # fmt: skip
"""What of the lifecycle's list no drill can play, and why."""

BY_CODE = {one.code: one for one in SCENARIOS}
