"""Every refusal of a check or a repair, with its words. Pure."""

from typing import NamedTuple


class Words(NamedTuple):
    """What is wrong and what to do, in both languages."""

    zh: str
    en: str
    do_zh: str
    do_en: str


WORDS: dict[str, Words] = {
    "inspection_unknown": Words(
        "没有这项巡检", "No such check", "请刷新巡检任务", "Fetch the rounds again"
    ),
    "inspection_done": Words(
        "{name}已于 {time} 完成这台设备的巡检，您的记录已留存，不重复计入",
        "{name} finished this device at {time}; what you said is kept and not counted twice",
        "请看下一台", "Go on with the next device",
    ),
    "inspection_left": Words(
        "设备已停用或更换，不再巡检", "The device was retired or replaced meanwhile",
        "请看下一台", "Go on with the next device",
    ),
    "inspection_items": Words(
        "六项还没有查完", "Not all six items are answered", "请查完再结束", "Answer what is missing"
    ),
    "inspection_photo": Words(
        "还没有照片", "A photograph is missing", "请补拍：整机一张，异常处各一张",
        "Take one of the device, and one of each thing that is bad",
    ),
    "inspection_why": Words(
        "选“不适用”要说明原因", "Not applicable needs a reason", "请写明原因", "Say why"
    ),
    "inspection_place": Words(
        "手机位置与登记位置相差 {m} 米", "The phone is {m} m from the registered place",
        "请说明：设备被移动，还是登记有误",
        "Say whether the device was moved or the register is wrong",
    ),
    "inspection_test": Words(
        "还没有做测试", "The test was not made", "请先点“开始测试”，再触发设备",
        "Tap Start test, then make the device send",
    ),
    "inspection_no_signal": Words(
        "平台在开始测试后 {n} 分钟内没有收到信号",
        "The platform saw no signal within {n} min of the start of the test",
        "请重新测试；仍收不到，请选“异常”", "Test again; if nothing comes, answer bad",
    ),
    "inspection_owed": Words(
        "异常还没有处理", "What is bad is not dealt with yet",
        "请当场修好并拍照复测，或转给技术人员", "Repair, photograph and test it, or hand it over",
    ),
    "inspection_nothing_bad": Words(
        "没有异常可以处理", "Nothing is bad here", "请先标出异常项", "Mark the bad item first"
    ),
    "inspection_handed": Words(
        "已转给技术人员", "Already handed to a technician", "", ""
    ),
    "inspection_role": Words(
        "此账户不能这样做", "This account may not do this", "", ""
    ),
    "repair_unknown": Words("没有这张报修单", "No such repair", "请刷新", "Refresh"),
    "repair_over": Words(
        "报修单已结束", "This repair is over", "请刷新", "Refresh"
    ),
    "repair_plan_first": Words(
        "还没有提出解决方案", "There is no plan yet", "请先填写方案", "Write the plan first"
    ),
    "repair_not_done": Words(
        "技术人员还没有完成", "The technician has not finished", "完成后再确认",
        "Confirm afterwards",
    ),
    "repair_is_done": Words(
        "已完成，等待复测确认", "Done already, waits for the test", "请复测确认", "Test and confirm"
    ),
    "repair_overrun": Words(
        "已超过 24 小时", "24 hours have passed", "请先填写超时原因和新的日期",
        "Give the reason and a new date first",
    ),
    "repair_not_over": Words(
        "还没有超时", "It is not overdue", "", ""
    ),
    "repair_date": Words(
        "新的日期不能早于今天", "The new date is before today", "请改日期", "Change the date"
    ),
    "repair_no_signal": Words(
        "完成以后平台还没有收到这台设备的信号",
        "The platform saw no signal of this device after the repair",
        "请触发设备测试，再确认", "Make the device send, then confirm",
    ),
}  # fmt: skip


class Refused(Exception):
    """Not allowed now. ``missing``: codes of what is owed; ``facts`` fill the words."""

    def __init__(self, code: str, *missing: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code, self.missing, self.facts = code, missing, facts

    def words(self) -> Words:
        """The words with their facts in place."""
        found = WORDS[self.code]
        return Words(*(text.format(**self.facts) if self.facts else text for text in found))
