"""How well a person on duty can be reached, 0 to 100, with its parts in words. Pure.

Read ``MOST`` first: what each part may add. A part that is unknown is worth less than one that is
good and never less than one that is bad, so a phone that says nothing never looks well. An older
receipt never raises the number, and a permission taken away always lowers it.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

MOST: Mapping[str, int] = {
    "receipt": 30, "live": 15, "notification": 15, "doors": 10, "position": 10, "location": 5,
    "camera": 5, "battery": 5, "version": 5,
}  # fmt: skip
"""▲ Points of each part, 100 in sum: first what proves that a message came."""
UNKNOWN_SHARE = 3
"""▲ What is not known is worth a third."""
ENOUGH_DOORS = 2
"""▲ Ways beside the open screen; the second is the first one's spare."""
EMPTY_PCT, LOW_PCT = 5, 25
"""▲ Battery: of no worth below the first, full worth from the second."""


class Grant(StrEnum):
    """A permission on the phone."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Mark(StrEnum):
    """A part's state in one word, for its colour and its sign."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"
    UNKNOWN = "unknown"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All ▲ ours; times in s, lengths in m.

    Args:
        unreachable_below: under this number a person is left out, unless a receipt is fresh.
        receipt_fresh_s, receipt_worthless_s: a receipt has its full worth up to the first.
        proof_s: a receipt no older than this proves that messages come, whatever the rest says.
        position_fresh_s, position_worthless_s, accuracy_m: the same of the position.
    """

    unreachable_below: int = 40
    receipt_fresh_s: float = 4 * 3600.0
    receipt_worthless_s: float = 12 * 3600.0
    proof_s: float = 900.0
    position_fresh_s: float = 180.0
    position_worthless_s: float = 900.0
    accuracy_m: float = 100.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person on duty; None where nothing is.

    Args:
        receipt_age_s: since any message's last receipt.
        missed: a test was not answered, and no receipt has come since.
        position_age_s, accuracy_m: of the last fix.
        battery_pct: 0 to 100. charging: on a cable.
        version: of the app. current: whether it is the newest; None when it did not say.
        live: a screen of theirs is open and connected. None when not looked at.
        doors: ways that work without an open screen: devices with a token, a telephone.
    """

    receipt_age_s: float | None = None
    missed: bool = False
    position_age_s: float | None = None
    accuracy_m: float | None = None
    notification: Grant = Grant.UNKNOWN
    location: Grant = Grant.UNKNOWN
    camera: Grant = Grant.UNKNOWN
    battery_pct: int | None = None
    charging: bool = False
    version: str = ""
    current: bool | None = None
    live: bool | None = None
    doors: int | None = None


class Said(msgspec.Struct, frozen=True):
    """The same in both languages."""

    zh: str
    en: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its points of ``most``, what it is in words, and what raises it (None: nothing)."""

    code: str
    points: int
    most: int
    mark: Mark
    said: Said
    remedy: Said | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """``parts`` stand in the order of ``MOST``; ``number`` is their sum."""

    number: int
    parts: tuple[Part, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody counts as reachable, and by which rule: ``why`` is empty when they do."""

    reachable: bool
    why: str = ""
    said: Said = Said("可以联系上", "Can be reached")


def score(facts: Facts, policy: Policy) -> Score:
    """The number and its parts."""
    parts = (
        _receipt(facts, policy),
        _live(facts),
        _permission("notification", facts.notification),
        _doors(facts),
        _position(facts, policy),
        _permission("location", facts.location),
        _permission("camera", facts.camera),
        _battery(facts),
        _version(facts),
    )
    return Score(number=sum(part.points for part in parts), parts=parts)


def judge(facts: Facts, policy: Policy) -> Verdict:
    """Whether this person may be asked. A fresh receipt proves more than any number."""
    if facts.missed:
        return Verdict(
            reachable=False,
            why="test_missed",
            said=Said("没有回应通信测试", "Did not answer the communication test"),
        )
    proved = facts.receipt_age_s is not None and facts.receipt_age_s <= policy.proof_s
    number = score(facts, policy).number
    if number < policy.unreachable_below and not proved:
        return Verdict(
            reachable=False,
            why="below_threshold",
            said=Said(
                f"可达 {number} 分，低于 {policy.unreachable_below}",
                f"Reachability {number}, below {policy.unreachable_below}",
            ),
        )
    return Verdict(reachable=True)


def _part(code: str, share: float, mark: Mark, said: Said, remedy: Said | None = None) -> Part:
    most = MOST[code]
    whole = round(most * min(1.0, max(0.0, share)))
    if whole == most:  # what costs no point needs no remedy
        mark, remedy = Mark.GOOD, None
    return Part(code=code, points=whole, most=most, mark=mark, said=said, remedy=remedy)


def _unknown(code: str, said: Said, remedy: Said | None = None) -> Part:
    return _part(code, 1 / UNKNOWN_SHARE, Mark.UNKNOWN, said, remedy)


def _fall(age: float, fresh: float, worthless: float) -> float:
    """1 up to ``fresh``, 0 from ``worthless``, straight between."""
    return min(1.0, max(0.0, (worthless - age) / (worthless - fresh)))


def _mark(share: float) -> Mark:
    return Mark.GOOD if share >= 1 else Mark.FAIR if share > 0 else Mark.BAD


def ago(seconds: float) -> Said:
    """``3 分钟前``."""
    for unit_s, zh, en in ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= unit_s:
            return Said(f"{int(seconds // unit_s)} {zh}前", f"{int(seconds // unit_s)} {en} ago")
    return Said("刚刚", "just now")


TEST_IT = Said("点“测试一下”", "Tap “Test it”")


def _receipt(facts: Facts, policy: Policy) -> Part:
    if facts.missed:
        said = Said("上次通信测试没有回应", "The last test was not answered")
        return _part(
            "receipt",
            0,
            Mark.BAD,
            said,
            Said("打开街安，点“测试一下”", "Open the app and tap “Test it”"),
        )
    if facts.receipt_age_s is None:
        # a proof that never came is worth nothing: this part is about proof alone
        said = Said("还没有收到过回执", "No receipt yet")
        return _part("receipt", 0, Mark.UNKNOWN, said, TEST_IT)
    share = _fall(facts.receipt_age_s, policy.receipt_fresh_s, policy.receipt_worthless_s)
    when = ago(facts.receipt_age_s)
    said = Said(f"上次回执 {when.zh}", f"Last receipt {when.en}")
    return _part("receipt", share, _mark(share), said, None if share >= 1 else TEST_IT)


def _live(facts: Facts) -> Part:
    if facts.live is None:
        return _unknown("live", Said("实时连接未知", "Live connection unknown"))
    if facts.live:
        return _part("live", 1, Mark.GOOD, Said("实时连接正常", "Live connection open"))
    # a phone in a pocket is reached by its other doors: no fault, only fewer points
    said = Said("应用没有打开或没有网络", "The app is closed or has no network")
    return _part(
        "live", 0, Mark.FAIR, said, Said("打开街安，检查网络", "Open the app, check the network")
    )


PERMISSIONS: Mapping[str, tuple[Said, Said]] = {
    "notification": (
        Said("通知", "Notifications"),
        Said("在系统设置里允许街安的通知", "Allow notifications in the system's settings"),
    ),
    "location": (
        Said("定位", "Location"),
        Said("在系统设置里允许街安使用位置", "Allow location in the system's settings"),
    ),
    "camera": (
        Said("相机", "Camera"),
        Said("在系统设置里允许街安使用相机", "Allow the camera in the system's settings"),
    ),
}


def _permission(code: str, grant: Grant) -> Part:
    name, remedy = PERMISSIONS[code]
    match grant:
        case Grant.GRANTED:
            return _part(code, 1, Mark.GOOD, Said(f"{name.zh}已允许", f"{name.en} allowed"))
        case Grant.DENIED:
            said = Said(f"{name.zh}被关闭", f"{name.en} switched off")
            return _part(code, 0, Mark.BAD, said, remedy)
        case Grant.UNKNOWN:
            said = Said(f"{name.zh}：不知道是否允许", f"{name.en}: not known to be allowed")
            return _unknown(code, said, remedy)


def _doors(facts: Facts) -> Part:
    if facts.doors is None:
        return _unknown("doors", Said("推送方式未知", "Push doors unknown"))
    share = min(facts.doors, ENOUGH_DOORS) / ENOUGH_DOORS
    said = (
        Said(f"应用之外有 {facts.doors} 种方式", f"{facts.doors} ways beside the open app")
        if facts.doors
        else Said("应用关着就没有别的方式", "No way but the open app")
    )
    remedy = Said(
        "重新上岗并允许通知；登记手机号",
        "Go on duty again and allow notifications; register a telephone",
    )
    return _part("doors", share, _mark(share), said, None if share >= 1 else remedy)


def _position(facts: Facts, policy: Policy) -> Part:
    remedy = Said("到开阔处，打开定位", "Go into the open, switch location on")
    if facts.position_age_s is None:
        said = Said("没有位置", "No position")
        return _part("position", 0, Mark.UNKNOWN, said, remedy)
    share = _fall(facts.position_age_s, policy.position_fresh_s, policy.position_worthless_s)
    metres = facts.accuracy_m or 0.0
    vague = metres > policy.accuracy_m
    if vague:
        share /= 2
    when = ago(facts.position_age_s)
    said = Said(
        f"位置 {when.zh}，误差 {metres:.0f} 米", f"Position {when.en}, within {metres:.0f} m"
    )
    return _part("position", share, _mark(share), said, None if share >= 1 else remedy)


def _battery(facts: Facts) -> Part:
    if facts.battery_pct is None:
        return _unknown("battery", Said("电量未知", "Battery unknown"))
    share = 1.0 if facts.charging else (facts.battery_pct - EMPTY_PCT) / (LOW_PCT - EMPTY_PCT)
    cable = Said("，充电中", ", charging") if facts.charging else Said("", "")
    said = Said(f"电量 {facts.battery_pct}%{cable.zh}", f"Battery {facts.battery_pct}%{cable.en}")
    remedy = Said("请充电", "Charge the phone")
    return _part("battery", share, _mark(share), said, None if share >= 1 else remedy)


def _version(facts: Facts) -> Part:
    if facts.current is None or not facts.version:
        return _unknown("version", Said("应用版本未知", "App version unknown"))
    if facts.current:
        return _part("version", 1, Mark.GOOD, Said("应用是最新版", "The app is up to date"))
    said = Said("有新版本等待更新", "A newer version waits")
    return _part(
        "version",
        0,
        Mark.FAIR,
        said,
        Said("空闲时关闭并重新打开街安", "Close and reopen the app when idle"),
    )
