"""What the archive keeps of an incident (6.3.7.1): six fields, measures, and the whole journal."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.marks import marks

MEASURES = (
    e.ItemDone,
    e.CallLogged,
    e.EmergencyCallLogged,
    e.ReportQueued,
    e.ReportAcknowledged,
    e.EvacuationStarted,
    e.EvacuationClosed,
    e.CordonSet,
    e.CordonLifted,
    e.RoadOpened,
    e.GuideInPlace,
    e.HandlingStarted,
    e.FinalChecked,
    e.Advised,
    e.CommunityReported,
    e.AuthorityReported,
    e.UnitReached,
    e.Checked,
    e.CauseEstablished,
)


def document(
    now: Incident,
    journal: Sequence[e.Event],
    proofs: Sequence[Mapping[str, Any]] = (),
    worded: Any = None,
) -> dict[str, Any]:
    """The record to seal: JSON-like, times as RFC 3339 text.

    ``raisedAt`` 发布时间 · ``kind`` 预警类型 · ``category`` 事件类别 · ``place`` 预警区域 ·
    ``measures`` 采取的措施 · ``releasedAt`` 解除时间; then who and when, the 2-second figure, each
    offer with the people looked at, photographs by hash with what proves them, debts, late
    statements, the journal. ``cards`` is the version of the Appendix B cards it was handled by
    and how they were worded.
    """
    found: dict[str, Any] = msgspec.to_builtins(
        {
            "no": now.no,
            "incidentId": now.id,
            "handling": now.handling,
            "raisedAt": now.emitted_at,
            "kind": now.kind,
            "kinds": now.kinds,
            "category": now.category,
            "place": now.place,
            "cards": {"version": now.cards_version, "worded": worded},
            "measures": [_line(event) for event in journal if isinstance(event.fact, MEASURES)],
            "releasedAt": now.released_at,
            "releasedHow": now.released_how,
            "falseDeclaredAt": now.false_declared_at,
            "presentedMs": now.presented_ms,
            "marks": marks(now.emitted_at, journal),
            "claimedAt": now.claimed_at,
            "claimedBy": now.claimed_name,
            "lead": now.lead,
            "helpers": now.helpers,
            "offers": [event.fact for event in journal if isinstance(event.fact, e.Offered)],
            "offerOutcomes": now.offers,
            "people": now.people,
            "conditions": {"c1": now.c1, "c2": now.c2},
            "photos": now.photos,
            "photoProofs": proofs,
            "obligations": now.obligations,
            "lateStatements": now.late_statements,
            "journal": journal,
        }
    )
    return found


def _line(event: e.Event) -> dict[str, Any]:
    return {"at": event.occurred_at, "by": event.actor.name, "fact": event.fact}
