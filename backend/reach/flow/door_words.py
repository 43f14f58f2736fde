"""Doors, their answers and lengths of time as a person reads them. Pure."""

from collections.abc import Mapping

from backend.reach.flow.score import Said
from push.port import Outcome

DOORS: Mapping[str, Said] = {
    "live": Said("打开的应用", "the open app"),
    "webpush": Said("网页推送", "web push"),
    "fcm": Said("谷歌推送", "Google push"),
    "apns": Said("苹果推送", "Apple push"),
    "sms": Said("短信", "a text"),
    "voice": Said("自动电话", "an automatic call"),
    "rooms": Said("工作群", "the group room"),
    "family": Said("打给家属的电话", "a call to the family"),
}
PUSHES = ("webpush", "fcm", "apns")

CODES: Mapping[str, Said] = {
    "not-connected": Said("应用没有打开", "the app was not open"),
    "too-slow": Said("应用来不及接收", "the app was too slow"),
    "queued": Said("已交给打开的应用", "given to the open app"),
    "breaker-open": Said("连续失败，暂停使用", "kept failing, left alone"),
    "timeout": Said("没有在时限内回应", "no answer in time"),
    "lost": Said("发送时程序中断，不知是否发出", "interrupted; it may have left"),
    "called-off": Said("别的方式先到，已停止", "stopped: another way was first"),
    "door-not-configured": Said("没有配置好", "not configured"),
    "room-limit": Said("工作群发得太密，稍后再发", "the room's limit; later"),
    "too-large": Said("消息太长", "too long"),
    "unanswered": Said("电话没有人接", "nobody answered the call"),
    "401": Said("密钥不被接受", "our key is not accepted"),
    "403": Said("密钥不被接受", "our key is not accepted"),
    "404": Said("推送地址已失效", "the push address is dead"),
    "410": Said("推送地址已失效", "the push address is dead"),
    "413": Said("消息太长", "too long"),
    "429": Said("服务商说太多了，稍后再发", "too many for the provider; later"),
    "UNREGISTERED": Said("应用已卸载", "the app was removed"),
    "Unregistered": Said("应用已卸载", "the app was removed"),
    "BadDeviceToken": Said("推送地址不对", "a wrong token"),
    "QUOTA_EXCEEDED": Said("超出额度，稍后再发", "over the quota; later"),
}

OUTCOMES: Mapping[Outcome, Said] = {
    Outcome.SENT: Said("已交给服务商", "handed to the provider"),
    Outcome.RETRY: Said("没有接收，稍后再试", "not taken, tried again later"),
    Outcome.FORGET_DEVICE: Said("推送地址已失效", "the push address is dead"),
    Outcome.REJECTED: Said("拒绝了这条消息", "refused this message"),
}


def door_name(door: str) -> Said:
    """A door's name; one that has none here yet keeps its own."""
    return DOORS.get(door, Said(door, door))


def answer(outcome: Outcome | None, code: str) -> Said:
    """A provider's answer in words, with its own code behind them where it says more."""
    if outcome is None:
        return Said("还没有回应", "no answer yet")
    if code in CODES and (outcome is not Outcome.SENT or code == "queued"):
        return CODES[code]
    said = OUTCOMES[outcome]
    if code.startswith("5") and len(code) == 3:
        said = Said("服务商故障", "the provider is down")
    if outcome is Outcome.SENT or not code:
        return said
    return Said(f"{said.zh}（{code}）", f"{said.en} ({code})")


def span(seconds: float) -> Said:
    """A length of time in one unit."""
    if seconds < 90:
        return Said(f"{max(0.0, seconds):.0f} 秒", f"{max(0.0, seconds):.0f} s")
    if seconds < 5400:
        return Said(f"{seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} min")
    return Said(f"{seconds / 3600:.0f} 小时", f"{seconds / 3600:.0f} h")
