"""The messages that households get, in the language that they asked for. Pure.

Nothing personal stands on a lock screen, and a call or a text carries nothing else: what it is,
and what to do. The words are short because a voice reads them.
"""

from datetime import datetime
from uuid import UUID

from backend.incidents.flow.advice import PREVENTION, RESIDENT
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.notices import URGENT
from backend.residents.schemas import Language
from push.message import Audience, Handling, Message, Urgency


def _to_home(
    now: Incident,
    *,
    message_id: UUID,
    at: datetime,
    language: Language,
    words: dict[Language, tuple[str, str, str, str]],
    urgency: Urgency,
    ttl_s: int,
    kind: str,
    collapse_key: str,
) -> Message:
    """``words``: title, body, and the two lines of a lock screen, by language."""
    title, body, lock_title, lock_body = words[language]
    return Message(
        id=message_id,
        audience=Audience.RESIDENT,
        title=title,
        body=body,
        lock_title=lock_title,
        lock_body=lock_body,
        urgency=urgency,
        handling=Handling(now.handling.value),
        ttl_s=ttl_s,
        sent_at=at,
        collapse_key=collapse_key,
        locale=language,
        url="/resident",
        data={"incidentId": str(now.id), "no": now.no, "kind": kind},
    )


def alert(now: Incident, *, message_id: UUID, at: datetime, language: Language = "zh") -> Message:
    """您家……报警: to the household, by every way it has."""
    policy = KINDS[now.kind]
    return _to_home(
        now,
        message_id=message_id,
        at=at,
        language=language,
        words={
            "zh": (
                f"您家{policy.zh}报警",
                "请按页面提示处理，并告诉我们您是否安全。",
                "家中设备报警",
                "请打开查看",
            ),
            "en": (
                f"{policy.en} alarm at your home",
                "Do what the page says, and tell us whether you are safe.",
                "An alarm at your home",
                "Open to see what to do",
            ),
        },
        urgency=URGENT[now.urgency],
        ttl_s=900,
        kind="alert",
        collapse_key=f"alert-{now.no}",
    )


def cordon(
    now: Incident, *, standing: bool, message_id: UUID, at: datetime, language: Language = "zh"
) -> Message:
    """To a home inside a cordon, once for each change: keep out, or it is over."""
    policy = KINDS[now.kind]
    standing_words: dict[Language, tuple[str, str, str, str]] = {
        "zh": (
            f"附近{policy.zh}，已设警戒区",
            "您家在警戒区内。请听现场人员安排撤离，不要返回，不要围观。",
            "警戒通知",
            "请打开查看",
        ),
        "en": (
            f"{policy.en} nearby: a cordon is set",
            "Your home is inside. Leave as the people on the scene tell you; do not go back.",
            "Cordon near your home",
            "Open to see what to do",
        ),
    }
    lifted_words: dict[Language, tuple[str, str, str, str]] = {
        "zh": ("警戒区已撤除", "可以通行了。有异常请联系我们。", "警戒解除", "请打开查看"),
        "en": (
            "The cordon is lifted",
            "You can pass again. Call us if anything seems wrong.",
            "Cordon lifted",
            "Open to see more",
        ),
    }
    return _to_home(
        now,
        message_id=message_id,
        at=at,
        language=language,
        words=standing_words if standing else lifted_words,
        urgency=Urgency.EMERGENCY if standing else Urgency.HIGH,
        ttl_s=3600,
        kind="cordon" if standing else "cordon_lifted",
        collapse_key=f"cordon-{now.no}",
    )


def advice(
    now: Incident, about: str, *, message_id: UUID, at: datetime, language: Language = "zh"
) -> Message:
    """6.3.6.2: what to do another time, or how to keep it from happening, to the household."""
    handling = about == "handling"
    lines = [(zh, en) for _icon, zh, en in RESIDENT[now.kind]] if handling else PREVENTION[now.kind]
    zh = "再遇到这种情况，请这样做" if handling else "请注意，避免再次发生"
    en = "If it happens again, do this" if handling else "How to keep it from happening again"
    return _to_home(
        now,
        message_id=message_id,
        at=at,
        language=language,
        words={
            "zh": (zh, "；".join(each for each, _ in lines), "安全提示", zh),
            "en": (en, "; ".join(each for _, each in lines), "Safety advice", en),
        },
        urgency=Urgency.NORMAL,
        ttl_s=86_400,
        kind="advice",
        collapse_key=f"advice-{about}-{now.no}",
    )
