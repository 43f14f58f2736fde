"""The curve of one detector: for whoever looks after it, and for those who are on its incident.

How people use water and doors is nobody's to look at (T37): those curves are shown to no one. The
desk may open, inside an open incident and on record, whether there was any use in each hour of the
last day.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery, QueryParameter

from backend.access.guards import requires, signed_in
from backend.access.problems import WrongRole
from backend.audit import service as audit
from backend.devices import charted
from backend.devices.charted import Charted
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import OPEN
from backend.screens.incident import DESKS, LIVING, may_see
from backend.screens.reading import existing
from backend.screens.services import Services
from backend.sensing import living, series
from backend.sensing import service as sensing
from backend.sensing.keeping import PRIVATE
from backend.sensing.living import Living
from backend.sensing.quantities import QUANTITIES
from backend.sensing.rule import Of
from backend.sensing.rules import RuleBook
from backend.sensing.series import Bar, Grain
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
AFTER = timedelta(minutes=10)
"""▲ The curve of an incident that is over ends so long after its release."""


class Length(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


BACK = {
    Length.HOUR: timedelta(hours=1),
    Length.DAY: timedelta(days=1),
    Length.MONTH: timedelta(days=30),
}


class Limit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line across the chart: where it raises, and where it counts as normal again.

    ``form``: ``above``, ``below`` or ``beyond`` (either direction); ``stage``: ``note`` or
    ``alarm``. ``change``: it is a change from the detector's baseline. ``ours`` marks ▲.
    """

    rule: str
    form: str
    stage: str
    change: bool
    raise_at: float
    clear_at: float
    ours: bool
    source: str


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the span; ``until`` null: still so. ``word`` is a rule's code or a reason."""

    since: datetime
    until: datetime | None
    word: str
    kind: str


class Picture(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a chart draws. Instants in the lists are milliseconds since 1970 UTC.

    ``runs`` of [ms, value] are joined inside and never to each other; a summary has ``bars``
    instead, runs of [ms, lowest, highest, mean, readings, seconds over the limit], each ``stepS``
    wide. ``late`` and ``odd`` ([ms, value, ``test``/``fault``]) are marked, ``gaps`` are
    [from, to]. ``last`` is the newest that counts. ``quantities`` are all that this detector
    measures. Of a ``private`` one there is nothing to draw.
    """

    detector_id: UUID
    label: str
    quantity: str
    quantities: list[str] = []
    kind: str
    private: bool = False
    unit: str | None
    switch: bool
    since: datetime
    until: datetime
    at: datetime
    interval_s: float
    grain: Grain
    step_s: int
    runs: list[list[tuple[int, float]]]
    bars: list[list[Bar]]
    late: list[tuple[int, float]]
    odd: list[tuple[int, float, str]]
    gaps: list[tuple[int, int]]
    last: tuple[int, float] | None
    limits: list[Limit]
    stretches: list[Stretch]


def limits_of(one: Charted, quantity: str, rules: RuleBook) -> list[Limit]:
    """The lines to draw; flags, rates and hours have none."""
    return [
        Limit(
            rule=rule.code,
            form=rule.form.value,
            stage=rule.stage.value,
            change=rule.of is Of.CHANGE,
            raise_at=rule.raise_at,
            clear_at=rule.clear_at,
            ours=rule.ours,
            source=rule.source,
        )
        for rule in rules.of(one.kind, one.group, one.detector_id).get(quantity, ())
        if rule.limit is not None and rule.of in (Of.VALUE, Of.CHANGE) and not rule.off
    ]


async def picture(
    one: Charted,
    quantity: str,
    since: datetime,
    until: datetime,
    *,
    rules: RuleBook,
    at: datetime,
    at_most: int = 600,
    incident_id: UUID | None = None,
) -> Picture:
    """Everything that a chart of one quantity shows.

    Args:
        one: silence beyond 2.5 times its interval is a gap; its kind and group choose the limits.
        since: UTC, before ``until``.
        until: UTC.
        at: now.
        incident_id: whose kept readings count too.
    """
    found = await series.drawn(
        one.detector_id,
        quantity,
        since,
        until,
        interval_s=one.interval_s,
        at_most=at_most,
        incident_id=incident_id,
    )
    known = QUANTITIES.get(quantity)
    return Picture(
        detector_id=one.detector_id,
        label=one.label,
        quantity=quantity,
        kind=one.kind,
        unit=found.unit or (known.unit if known else None),
        switch=known is not None and known.boolean,
        since=since,
        until=until,
        at=at,
        interval_s=one.interval_s,
        grain=found.grain,
        step_s=found.step_s,
        runs=found.curve.runs,
        bars=found.bars,
        late=found.curve.late,
        odd=found.curve.odd,
        gaps=found.curve.gaps,
        last=found.last,
        limits=limits_of(one, quantity, rules),
        stretches=await _stretches(one.detector_id, quantity, since, until),
    )


async def _stretches(
    detector_id: UUID, quantity: str, since: datetime, until: datetime
) -> list[Stretch]:
    """Alarms first, then when it was muted or being worked on."""
    alarms = await series.alarms(detector_id, quantity, since, until)
    rest = await charted.spans(detector_id, since, until)
    return [
        *(Stretch(since=s.since, until=s.until, word=s.word, kind="alarm") for s in alarms),
        *(Stretch(since=s.since, until=s.until, word=s.reason, kind=s.kind) for s in rest),
    ]


async def _chart(
    one: Charted,
    quantity: str | None,
    since: datetime,
    until: datetime,
    *,
    rules: RuleBook,
    at: datetime,
    incident_id: UUID | None = None,
) -> Picture:
    """The picture, or for a private quantity its empty frame."""
    known = [x.quantity for x in await sensing.latest([one.detector_id], rules)]
    known.sort(key=lambda name: (not limits_of(one, name, rules), QUANTITIES[name].boolean, name))
    chosen = quantity or next(iter(known), "")
    if chosen not in QUANTITIES:
        raise NotFound(f"没有这个测量值 no quantity {chosen}")
    if one.kind in LIVING or chosen in PRIVATE:
        return Picture(
            detector_id=one.detector_id, label=one.label, quantity=chosen, quantities=known,
            kind=one.kind, private=True, unit=None, switch=False, since=since, until=until, at=at,
            interval_s=one.interval_s, grain=Grain.RAW, step_s=0, runs=[], bars=[], late=[],
            odd=[], gaps=[], last=None, limits=[], stretches=[],
        )  # fmt: skip
    drawn = await picture(one, chosen, since, until, rules=rules, at=at, incident_id=incident_id)
    return msgspec.structs.replace(drawn, quantities=[n for n in known if n not in PRIVATE])


@get(
    "/api/detectors/{detector_id:uuid}/series",
    guards=[requires("technician", *DESKS)],
    operation_id="DetectorSeries",
)
async def detector_series(
    detector_id: FromPath[UUID],
    ctx: Ctx,
    services: Services,
    quantity: Annotated[str | None, QueryParameter(max_length=60)] = None,
    span: FromQuery[Length] = Length.DAY,
) -> Picture:
    """The last hour, day or month of a detector; without ``quantity`` the one that may alarm."""
    at = ctx.clock.now()
    one = await charted.charted(detector_id)
    return await _chart(one, quantity, at - BACK[span], at, rules=services.rules, at=at)


@get("/api/incidents/{incident_id:uuid}/series", guards=[signed_in],
     operation_id="IncidentSeries")  # fmt: skip
async def incident_series(
    request: AnyRequest,
    incident_id: FromPath[UUID],
    detector_id: Annotated[UUID, QueryParameter(name="detector")],
    ctx: Ctx,
    services: Services,
    quantity: Annotated[str | None, QueryParameter(max_length=60)] = None,
    span: FromQuery[Length] = Length.HOUR,
) -> Picture:
    """One of the incident's detectors, up to now, or to the end of an incident that is over.

    For the desk, and for those whom the incident concerns: of its own detectors only.
    """
    now = await existing(incident_id)
    may_see(now, request.user)
    at = ctx.clock.now()
    if detector_id not in now.detectors:
        raise NotFound(f"警情中没有这个探测器 no detector {detector_id} in this incident")
    one = await charted.charted(detector_id)
    until = min(at, now.released_at + AFTER) if now.released_at is not None else at
    return await _chart(
        one, quantity or now.detectors[detector_id].quantity, until - BACK[span], until,
        rules=services.rules, at=at, incident_id=incident_id,
    )  # fmt: skip


@get("/api/incidents/{incident_id:uuid}/living", guards=[requires(*DESKS)],
     operation_id="IncidentLiving")  # fmt: skip
async def incident_living(
    request: AnyRequest,
    incident_id: FromPath[UUID],
    detector_id: Annotated[UUID, QueryParameter(name="detector")],
    ctx: Ctx,
) -> Living:
    """Whether water or a door was used in each of the last 24 hours; who looked is on record."""
    now: Incident = await existing(incident_id)
    if now.state not in OPEN:
        raise WrongRole("警情结束后不再可看 Only while the incident is open")
    found = now.detectors.get(detector_id)
    if found is None or found.kind not in LIVING:
        raise NotFound(f"警情中没有这个探测器 no detector {detector_id} in this incident")
    at = ctx.clock.now()
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS,
            actor=request.user.account_id,
            role=request.user.role,
            action="sensing.living_opened",
            subject=detector_id,
            after={"incident": str(incident_id)},
            at=at,
        )
    return await living.living(detector_id, at)


ROUTES = [detector_series, incident_series, incident_living]
