"""A storm of small news to one person becomes one message that lists them. Pure.

The first few go out one by one; what follows within a short time is gathered and told as one:
"12 more messages", with their titles. Nothing that rings is ever gathered: no emergency, nothing
that asks for an answer, no check whether a phone can be reached.

    >>> from datetime import UTC, datetime
    >>> from uuid import UUID
    >>> from push.message import Audience
    >>> noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    >>> def news(n):
    ...     return Message(id=UUID(int=n), audience=Audience.DESK, handling=Handling.ACTUAL,
    ...                    title=f"{n} 号楼已回报", body="", lock_title="新回报", lock_body="",
    ...                    urgency=Urgency.NORMAL, ttl_s=600, sent_at=noon)
    >>> joins_digest(news(5), recent=4)
    True
    >>> digest(UUID(int=9), [news(5), news(6)], at=noon).title
    '另有 2 条消息'
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from push.message import Handling, Locale, Message, Urgency


class Policy(msgspec.Struct, frozen=True):
    """So many within ``within_s`` go one by one; more are gathered for ``gather_s``."""

    most: int
    within_s: float
    gather_s: float


POLICIES: Mapping[Urgency, Policy] = {
    Urgency.HIGH: Policy(most=8, within_s=60.0, gather_s=5.0),
    Urgency.NORMAL: Policy(most=4, within_s=60.0, gather_s=20.0),
}
"""▲ Emergencies have none, and so are never gathered."""

KIND = "digest"
"""``data["kind"]`` of a digest."""
LISTED = 12
"""Titles that a digest shows; it counts them all."""

_TITLES: Mapping[Locale, str] = {"zh": "另有 {count} 条消息", "en": "{count} more messages"}


def joins_digest(
    message: Message, recent: int, *, policies: Mapping[Urgency, Policy] = POLICIES
) -> bool:
    """Whether a message is gathered instead of told by itself.

    Args:
        message: the one to come.
        recent: how many of its urgency this person was told within ``within_s`` before it.
        policies: the table.
    """
    policy = policies.get(message.urgency)
    return policy is not None and may_be_gathered(message) and recent >= policy.most


def may_be_gathered(message: Message) -> bool:
    """Whether anything is lost when this one is told in a list, a little later."""
    return (
        message.urgency is not Urgency.EMERGENCY
        and not message.actions
        and message.handling is not Handling.TEST
        and message.data.get("kind") != KIND
    )


def digest(id_: UUID, items: Sequence[Message], *, at: datetime) -> Message:
    """The one message that tells of several.

    Args:
        id_: its own.
        items: at least one, oldest first, of one audience, urgency, handling and locale.
        at: UTC, when it is to be told.

    Returns:
        A message that lives as long as the longest of its items; it opens the page of the
        newest. Its lock-screen lines only count.
    """
    newest = items[-1]
    title = _TITLES[newest.locale].format(count=len(items))
    until = max(item.sent_at + timedelta(seconds=item.ttl_s) for item in items)
    lines = [item.title for item in items[-LISTED:]]
    if len(items) > LISTED:
        lines.insert(0, "…")
    return Message(
        id=id_,
        audience=newest.audience,
        urgency=newest.urgency,
        handling=newest.handling,
        locale=newest.locale,
        title=title,
        body="\n".join(lines),
        lock_title=title,
        lock_body="",
        ttl_s=max(0, int((until - at).total_seconds())),
        sent_at=at,
        collapse_key=f"digest-{id_}",
        url=newest.url,
        data={"kind": KIND, "count": len(items)},
    )
