"""History that came late and was over its limit: told to people, never an alarm (lifecycle 10).

A gateway that kept readings while its line was down sends hours of them at once. Whatever was over
its limit then is a technician's ticket, a line in the incident that the detector is in, and one
message per hour to the desk, however many readings it is.
"""

from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from backend.access import accounts
from backend.devices import service as devices
from backend.devices.gateways import gateway_of
from backend.devices.schemas import Place
from backend.incidents import journal
from backend.incidents.flow import commands as c
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Kind
from backend.incidents.service import Incidents
from backend.messages import service as messages
from backend.sensing.service import Alert
from backend.shared.context import Context
from push.message import Audience, Handling, Message, Urgency

SPACE = UUID("6a696561-6e00-7000-8000-000000000006")
"""Name space of what is said about late history: the same is said once."""
AREA = ZoneInfo("Asia/Shanghai")
DESKS = ("desk", "desk_lead")


async def tell(ctx: Context, incidents: Incidents, alert: Alert) -> None:
    """Tell one late reading that was over its limit. Idempotent by ``alert.alert_id``."""
    of = alert.detector_id
    if of is None:
        return
    address = (await devices.addresses_of([of])).get(of)
    await devices.open_ticket(
        source=alert.alert_id,
        kind="late-alarm",
        address=address,
        reason="late",
        detail={
            "quantity": alert.quantity,
            "value": alert.value,
            "unit": alert.unit,
            "limit": alert.limit,
            "measuredAt": alert.measured_at,
            "receivedAt": alert.received_at,
        },
        opened_at=alert.emitted_at,
        detector_id=of,
    )
    place = await devices.place_of(of)
    hour = alert.received_at.strftime("%Y-%m-%dT%H")
    said = sentence(alert, place)
    for incident_id in await _incidents_of(of):
        once = uuid5(SPACE, f"{incident_id} {of} {alert.quantity} {hour}")
        await incidents.say(incident_id, c.Note(text=said), command_id=once)
    group = gateway_of(address or "") or str(of)
    for account_id in await accounts.with_roles(DESKS):
        once = uuid5(SPACE, f"{account_id} {group} {hour}")
        message = _message(once, said, ctx.clock.now(), exercise=ctx.settings.demo.exercise)
        await messages.enqueue(message, f"account:{account_id}", incident_id=None)


async def _incidents_of(detector_id: UUID) -> list[UUID]:
    """Those that hold the detector and whose record is still open."""
    found = await journal.open_with(detector_id)
    released = await journal.released_with(detector_id)
    return [*found, released] if released is not None else found


def sentence(alert: Alert, place: Place) -> str:
    """What happened, when, and when it came: ``迟到的数据，没有自动报警：…``."""
    kind = KINDS[Kind(alert.kind)].zh if alert.kind else ""
    value = "报警"
    if alert.limit is not None and alert.value is not None:
        unit = alert.unit or ""
        value = f"{alert.value:g}{unit}，超过限值 {alert.limit:g}{unit}"
    measured = _clock(alert.measured_at)
    came = _clock(alert.received_at)
    return (
        f"迟到的数据，没有自动报警：{place.address} {place.label}（{kind}）{measured} 时{value}；"
        f"{came} 才收到。请核实现场。"
    )


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(AREA):%m-%d %H:%M:%S}" if at else "—"


def _message(message_id: UUID, said: str, at: datetime, *, exercise: bool) -> Message:
    return Message(
        id=message_id,
        audience=Audience.DESK,
        title="迟到的超限数据，请核实",
        body=said,
        lock_title="迟到的超限数据，请核实",
        lock_body="",
        urgency=Urgency.HIGH,
        handling=Handling.EXERCISE if exercise else Handling.ACTUAL,
        ttl_s=3600,
        sent_at=at,
        collapse_key=f"late-{message_id}",
        url="/desk",
        data={"kind": "late", "about": "late_history"},
    )
