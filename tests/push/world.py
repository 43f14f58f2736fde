"""A message as the product would write it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from push.message import Action, Audience, Handling, Message, Urgency

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def a_message(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": UUID(int=7),
        "audience": Audience.STAFF,
        "handling": Handling.ACTUAL,
        "title": "烟雾报警:平江路 12 号 2 楼",
        "body": "李阿姨家,离你 180 米",
        "lock_title": "烟雾报警",
        "lock_body": "请打开应答",
        "urgency": Urgency.EMERGENCY,
        "ttl_s": 25,
        "collapse_key": "offer-7",
        "actions": (Action(id="accept", label="我去"), Action(id="decline", label="去不了")),
        "url": "/field",
        "data": {"kind": "offer", "offerId": "7"},
        "sent_at": NOON,
    }
    return Message(**(fields | changes))
