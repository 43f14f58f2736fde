"""The product on one screen: which event makes which other domain do what.

Start at ``REACTIONS``. A reaction may run twice (a crash between its work and the mark that it
is done), so each is idempotent: command and message ids follow from the event that causes them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from backend import delivery, finding, home_notices, late_history, notices, papers
from backend.access import accounts
from backend.archive import service as archive
from backend.devices import service as devices
from backend.devices.gateways import gateway_of
from backend.devices.schemas import Place as DevicePlace
from backend.documents import service as documents
from backend.documents.flow import Print
from backend.evidence import outward, proofs, stores
from backend.incidents import card_sets, drills, journal, traces
from backend.incidents.card_words import card_of
from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.advice import situation
from backend.incidents.flow.deadlines import RETRY_OFFER
from backend.incidents.flow.decide import replay
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.linking import BESIDE_M, Neighbour, links
from backend.incidents.flow.vocabulary import (
    OPEN,
    Handling,
    Kind,
    OfficeRef,
    Place,
    Role,
    State,
    Urgency,
)
from backend.incidents.record import MEASURES, document
from backend.incidents.service import Alert, Incidents, PersonFacts
from backend.messages import ledger
from backend.messages import service as messages
from backend.messages.addresses import staff_id_of
from backend.messages.carrier import Unreached
from backend.offices import service as offices
from backend.offices.schemas import (
    Arrival,
    Caller,
    Measure,
    People,
    ReportPlace,
    ReportRow,
    Scene,
    Situation,
)
from backend.residents import service as residents
from backend.residents.schemas import Language
from backend.screens import roster
from backend.screens.moving_up import MovingUp
from backend.screens.photos import outgoing
from backend.sensing import rulebook
from backend.sensing import service as sensing
from backend.shared.context import Context
from backend.shared.listen import AWAY
from backend.shared.photo_proof import Picture
from backend.staff import phones
from backend.staff import service as staff
from geo.areas import buffered, people_inside
from geo.moving import MovingIndex
from geo.point import Point, metres
from push import message as push
from push.message import Message

ORIGIN = UUID("6a696561-6e00-7000-8000-000000000001")
"""Name space of ids that follow from an event."""

URGENCIES: Mapping[str, Urgency] = {
    "smoke": Urgency.EMERGENCY,
    "gas": Urgency.EMERGENCY,
    "electric": Urgency.NOTICE,
    "structure": Urgency.NOTICE,
    "hydrant": Urgency.NOTICE,
    "water": Urgency.INFO,
    "door": Urgency.INFO,
}

FOR_DUTY = frozenset({"offer", "be_ready", "cordon"})
"""Messages for people on duty only."""
SURROUNDING_M = 30.0
SURROUNDING_AT_MOST = 3
"""▲ B.4 says 周围建筑 without a distance; more can be added on the spot."""

LOOKS = 5
TAKEN = frozenset({"leads_elsewhere", "asked_elsewhere", "off_shift", "not_qualified"})
"""Looks for somebody before the next waits a moment, and the refusals that call for another: what
was true when the people were looked at is not any more."""

SAMPLE = 20
"""Detectors named in the ticket of a gateway's storm."""

Reaction = Callable[["Pipeline", Incident, e.Event, Any], Awaitable[None]]


def policy_of(ctx: Context) -> Policy:
    """The incident's numbers from the settings."""
    timers, cordon = ctx.settings.timers, ctx.settings.cordon
    shared = set(Policy.__struct_fields__) & set(timers.__struct_fields__)
    return Policy(
        **{name: getattr(timers, name) for name in shared},
        **msgspec.structs.asdict(cordon),
        self_assign_m=ctx.settings.dispatch.self_assign_m,
    )


class Directory:
    """What an incident asks other domains about people, offices and live values."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.rules = rulebook.live(ctx)

    async def person(self, staff_id: UUID, place: Place) -> PersonFacts | None:
        found = await staff.person_of(staff_id, self.ctx.clock.now())
        if found is None:
            return None
        here = found.lat is not None and found.lon is not None
        away = None
        if here:
            away = metres(Point(found.lat or 0.0, found.lon or 0.0), Point(place.lat, place.lon))
        return PersonFacts(
            name=found.name,
            badge=found.badge,
            qualified=found.qualified,
            on_shift=found.on_since is not None,
            metres=away,
        )

    async def offices(self, building_id: UUID | None) -> tuple[OfficeRef, ...]:
        if building_id is None:
            return ()
        real = await drills.real_building(building_id)
        found = [o for o in await offices.offices_for(real or building_id) if o.kind != "housing"]
        mark = "（演练，不发送）" if real else ""
        return tuple(OfficeRef(id=o.id, name=o.name + mark, kind=o.kind) for o in found)

    async def surroundings(self, place: Place) -> tuple[str, ...]:
        """Buildings around the place that B.4 asks to look at, as people call them."""
        own = place.building_id
        if own is not None:
            own = await drills.real_building(own) or own
        return await devices.buildings_near(
            Point(place.lat, place.lon), own, within_m=SURROUNDING_M, at_most=SURROUNDING_AT_MOST
        )

    async def account_in_use(self, account_id: str) -> bool:
        return await accounts.in_use(account_id)

    async def below_clear(self, detectors: list[UUID]) -> bool | None:
        """False while any gas detector's newest value is at or above its alarm's clear level."""
        found = [
            one for one in await sensing.latest(detectors, self.rules) if one.value is not None
        ]
        if not found:
            return None
        return not any(one.alarming and one.normals == 0 for one in found)


class Pipeline:
    """Everything that reacts. Stateless but for the finding's cache of the street network."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.directory = Directory(ctx)
        self.incidents = Incidents(
            clock=ctx.clock,
            policy=policy_of(ctx),
            directory=self.directory,
            reacts_to=frozenset(e.type_name(fact) for fact in REACTIONS),
        )
        self.finding = finding.Finding(ctx)
        self.moving_up = MovingUp(ctx, self.finding)

    async def warm(self) -> None:
        """Load the street network before the first alarm needs it."""
        await self.finding.network()

    # --- readings become incidents ------------------------------------------------------

    async def take(self, alert: sensing.Alert) -> None:
        """Act on one row of sensing's outbox."""
        if alert.type == "ticket" or alert.detector_id is None:
            await self._ticket(alert)
        elif alert.type == "raised":
            await self._raise(alert)
        elif alert.type == "cleared":
            await self._cleared(alert)
        elif alert.type == "late":
            await self._late(alert)
        elif alert.type == "noted":
            await self._noted(alert)

    async def _raise(self, alert: sensing.Alert) -> None:
        assert alert.detector_id is not None  # sensing: every raised alert has both
        assert alert.kind is not None
        place = await devices.place_of(alert.detector_id)
        kind = Kind(alert.kind)
        exercise = self.ctx.settings.demo.exercise
        raised = Alert(
            id=alert.alert_id,
            kind=kind,
            urgency=URGENCIES[kind],
            handling=Handling.EXERCISE if exercise else Handling.ACTUAL,
            place=_place_in(place),
            detector_id=alert.detector_id,
            label=place.label,
            quantity=alert.quantity or "",
            value=alert.value,
            unit=alert.unit or "",
            limit=alert.limit,
            emitted_at=alert.emitted_at,
            at_once=KINDS[kind].at_once,
            rule=str(alert.body.get("rule", "")),
            rules_version=int(alert.body.get("rulesVersion", 0)),
            home=await devices.detectors_of_home(place.household_id),
        )
        storming = await self._storm(alert)
        if storming is None:
            await self.incidents.open_or_join(raised)
            return
        gateway, sample = storming
        incident_id = await self.incidents.join_storm(raised, uuid5(ORIGIN, gateway))
        await devices.open_ticket(
            source=alert.alert_id,
            kind="gateway-storm",
            address=gateway,
            reason="gateway-storm",
            detail={"incidentId": str(incident_id), "sample": sample},
            opened_at=alert.emitted_at,
        )

    async def _storm(self, alert: sensing.Alert) -> tuple[str, list[str]] | None:
        """The gateway that raises too many just now, and addresses of theirs; None: no storm.

        Detectors behind other gateways, and those behind none, are never held together.
        """
        ours = self.ctx.settings.sensing
        recent = await sensing.raised_by(alert.alert_id, ours.storm_s)
        if alert.detector_id is None or len(recent) <= ours.storm_episodes:
            return None
        addresses = await devices.addresses_of(recent)
        gateway = gateway_of(addresses.get(alert.detector_id, ""))
        same = sorted(one for one in addresses.values() if gateway_of(one) == gateway)
        if gateway is None or len(same) <= ours.storm_episodes:
            return None
        return gateway, same[:SAMPLE]

    async def _cleared(self, alert: sensing.Alert) -> None:
        assert alert.detector_id is not None
        if alert.body.get("still"):
            return  # another alarm of the same detector is on
        for incident_id in await journal.open_with(alert.detector_id):
            normal = c.DataNormal(
                detector_id=alert.detector_id,
                at=alert.emitted_at,
                normals=int(alert.body.get("normals", 0)),
            )
            command_id = uuid5(alert.alert_id, str(incident_id))
            await self.incidents.say(incident_id, normal, command_id=command_id)

    async def _late(self, alert: sensing.Alert) -> None:
        """A retained alarm raises where nobody has dealt with it; past history is for a person."""
        assert alert.detector_id is not None
        since = alert.measured_at or alert.received_at
        if "retained" in alert.flags and not await journal.dealt_with(alert.detector_id, since):
            await self._raise(alert)
            return
        await late_history.tell(self.ctx, self.incidents, alert)

    async def _ticket(self, alert: sensing.Alert) -> None:
        body = alert.body
        detail = body.get("detail")
        if body.get("over"):
            await devices.close_ticket(
                source=alert.alert_id,
                kind=str(body["kind"]),
                address=body.get("address"),
                at=alert.emitted_at,
                detail=detail if isinstance(detail, dict) else {},
            )
            return
        await devices.open_ticket(
            source=alert.alert_id,
            kind=str(body["kind"]),
            address=body.get("address"),
            reason=str(body.get("reason", "")),
            detail=detail if isinstance(detail, dict) else body,
            opened_at=alert.emitted_at,
            detector_id=alert.detector_id,
        )

    async def _noted(self, alert: sensing.Alert) -> None:
        """A value worth looking at, below any alarm: a notice for technician and lead."""
        await devices.open_ticket(
            source=alert.alert_id,
            kind="note",
            address=None,
            reason=alert.quantity or "",
            detail={
                **alert.body,
                "value": alert.value,
                "unit": alert.unit,
                "limit": alert.limit,
            },
            opened_at=alert.emitted_at,
            detector_id=alert.detector_id,
        )

    async def alert_failed(self, alert: sensing.Alert, why: str) -> None:
        """An alert nobody could use is a technician's ticket, never silence."""
        await devices.open_ticket(
            source=alert.alert_id,
            kind="alert-failed",
            address=None,
            reason=why[:500],
            detail=msgspec.to_builtins(alert),
            opened_at=alert.emitted_at,
        )

    # --- events become other domains' work ----------------------------------------------

    async def react(self, seq: int) -> None:
        """Do everything that one journal row calls for."""
        event = await journal.event_at(seq)
        if event is None:
            return
        now = await journal.load(event.incident_id)
        for reaction in REACTIONS.get(type(event.fact), ()):
            await reaction(self, now, event, event.fact)

    async def offer_nearest(self, now: Incident, cause: UUID) -> None:
        """Ask the best eligible person not yet asked, or say that nobody is left.

        Without a lead that is who will lead; with one, who comes beside them if that is wanted.
        Two incidents may choose the same person at one moment: one of them gets the person, the
        other looks again.
        """
        for _ in range(LOOKS):
            helper = now.lead is not None
            asking = {State.DISPATCHING, State.PARTY_HANDLED}
            wanted = now.helper_wanted if helper else now.state in asking and now.dispatch_open
            if not wanted or now.id is None or now.open_offer is not None:
                return
            if await self._offered(now, now.id, cause, helper=helper):
                return
            now = await journal.load(now.id)
        # all the looks were overtaken: somebody else is still looked for a moment later
        await self._look_again(now, cause)

    async def _offered(
        self, now: Incident, incident_id: UUID, cause: UUID, *, helper: bool
    ) -> bool:
        """One look and one offer; False where another incident got that person first."""
        at = self.ctx.clock.now()
        choice, people = await self.finding.choice(now, at)
        candidates = tuple(finding.as_recorded(one) for one in choice.candidates)
        if choice.chosen is None:
            nobody = c.NobodyLeft(candidates=candidates)
            await self.incidents.say(incident_id, nobody, command_id=uuid5(cause, "nobody"))
            return True
        policy = self.incidents.policy
        open_s = policy.offer_first_s if not now.offers else policy.offer_next_s
        who = choice.chosen
        offer = c.Offer(
            offer_id=uuid5(cause, f"offer {who.staff_id}"),
            staff_id=who.staff_id,
            name_=who.name,
            badge=who.badge,
            metres=who.metres,
            minutes=who.minutes,
            basis=who.basis,
            expires_at=at + timedelta(seconds=open_s),
            pre_alerted=() if helper else choice.pre_alerted,
            candidates=candidates,
            helper=helper,
        )
        asked = uuid5(cause, f"ask {who.staff_id}")
        answer = await self.incidents.say(incident_id, offer, command_id=asked)
        if answer.refusal is not None:
            return answer.refusal.code not in TAKEN
        stood = next(one for one in people if one.staff_id == who.staff_id)
        spot = stood.fix or stood.post
        if spot is not None:
            trace = traces.Trace(
                staff_id=who.staff_id,
                name=who.name,
                at=at,
                what="offer",
                lat=spot.lat,
                lon=spot.lon,
                accuracy_m=stood.accuracy_m or 0.0,
            )
            await traces.leave(incident_id, [(asked, trace)])
        return True

    async def retry_offer(self, incident_id: UUID, cause: UUID) -> None:
        """Look again for a lead: somebody may have come on duty. Goes on until one is asked."""
        await self.offer_nearest(await journal.load(incident_id), cause)
        await self._look_again(await journal.load(incident_id), cause)

    async def _look_again(self, now: Incident, cause: UUID) -> None:
        if now.id is not None and now.dispatch_open and now.open_offer is None:
            again = self.ctx.clock.now() + timedelta(seconds=self.incidents.policy.retry_s)
            await journal.start_deadline(uuid5(cause, RETRY_OFFER), now.id, RETRY_OFFER, again)

    async def send(self, message: Message, address: str, now: Incident) -> None:
        """The one way out for what an incident says. A drill reaches its own people only (I15), and
        what asks for work nobody off duty: they may have gone since they were chosen."""
        for_duty = message.data.get("kind") in FOR_DUTY
        staff_id = staff_id_of(address) if for_duty else None
        if staff_id is not None and not (await staff.duty_of(staff_id)).on:
            return
        drill = await drills.drill_of(now.id)
        closing = message.data.get("kind") == "drill_ended"
        if drill is None or drill.reaches(address, closing=closing):
            await messages.enqueue(message, address, incident_id=now.id)

    async def office_silent(self, incident_id: UUID, cause: UUID) -> None:
        """A paper that its office did not acknowledge in time."""
        await delivery.office_silent(self, incident_id, cause)

    async def unreached(self, found: Unreached) -> None:
        """Nobody took the message in time, by any way: the desk telephones, or somebody goes.

        In an exercise no telephone rings, so every home without an open page would be one.
        """
        about = _UNREACHED.get(found.address.partition(":")[0])
        if found.incident_id is None or about is None:
            return
        if about != "no_receipt" and (
            found.message.handling is not push.Handling.ACTUAL
            or found.message.urgency is push.Urgency.NORMAL
        ):
            return
        if about != "no_receipt":
            lines = await ledger.of_messages([found.message.id])
            if all(each.door == "live" for line in lines for each in line.deliveries):
                return  # who has no way at all is on the card; the desk rings by its own order
        now = await journal.load(found.incident_id)
        if about == "home_unreached" and now.contact.outcome is not None:
            return  # somebody has spoken with them since
        if now.state in OPEN:
            await self.tell_desks(now, about, found.message.id, ("desk", "desk_lead"))

    async def languages(self, homes: Sequence[UUID]) -> Mapping[UUID, Language]:
        """What households want to be told in; an alarm never waits for a database to say it."""
        try:
            return await residents.languages(homes)
        except AWAY:
            return {}

    async def tell_desks(
        self, now: Incident, about: str, cause: UUID, roles: Sequence[str]
    ) -> None:
        """Put a reminder before everybody with one of these roles."""
        at = self.ctx.clock.now()
        for account_id in await accounts.with_roles(roles):
            message_id = uuid5(cause, f"{about} {account_id}")
            message = notices.to_desk(now, about, message_id=message_id, at=at)
            await self.send(message, f"account:{account_id}", now)


def _place_in(place: DevicePlace) -> Place:
    """The register's place as the incident keeps it."""
    shared = sorted(set(Place.__struct_fields__) & set(place.__struct_fields__))
    known = {name: getattr(place, name) for name in shared}
    given: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    return msgspec.structs.replace(Place(address=""), **given)


_UNREACHED = {
    "staff": "no_receipt",
    "household": "home_unreached",
    "office": "office_unreached",
}
"""What the desk is told when nobody at an address of this kind took a message."""


# --- reactions: a few lines each --------------------------------------------------------------


def _cause(event: e.Event) -> UUID:
    return uuid5(ORIGIN, f"{event.incident_id} {event.version}")


async def alert_household(p: Pipeline, now: Incident, event: e.Event, fact: e.AlertRaised) -> None:
    home = now.place.household_id
    if home is not None and KINDS[now.kind].resident:
        message = home_notices.alert(
            now,
            message_id=uuid5(_cause(event), "home"),
            at=p.ctx.clock.now(),
            language=(await p.languages([home])).get(home, "zh"),
        )
        await p.send(message, f"household:{home}", now)


async def link_neighbours(p: Pipeline, now: Incident, event: e.Event, fact: e.AlertRaised) -> None:
    """Open incidents beside a new one that are one event with it: both journals say so."""
    box_deg = BESIDE_M / 80_000.0  # no shorter than the metres in east and north below 44°
    around = [
        await _neighbour(one, now.place)
        for one in await journal.open_around(event.incident_id, now.place, box_deg)
    ]
    if around:
        for to, said in links(await _neighbour(now, now.place), around):
            command_id = uuid5(_cause(event), f"link {to} {said.other}")
            await p.incidents.say(to, said, command_id=command_id)


async def _neighbour(one: Incident, place: Place) -> Neighbour:
    assert one.id is not None
    assert one.emitted_at is not None
    return Neighbour(
        id=one.id,
        no=one.no,
        kind=one.kind,
        handling=one.handling,
        drill=await drills.drill_of(one.id) is not None,
        building_id=one.place.building_id,
        metres=metres(Point(place.lat, place.lon), Point(one.place.lat, one.place.lon)),
        emitted_at=one.emitted_at,
    )


async def send_visit(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """T4: the party says it is handled; somebody still looks."""
    await p.incidents.say(
        event.incident_id, c.DispatchNow(reason="verification"), command_id=_cause(event)
    )


async def find_somebody(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    await p.offer_nearest(now, _cause(event))


async def find_for_others(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """Somebody is free again: incidents that found nobody look once more, the most urgent first."""
    for other in await journal.waiting(event.incident_id):
        await p.offer_nearest(await journal.load(other), uuid5(_cause(event), str(other)))


async def look_at_areas(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """Somebody became busy or free: an area may be left empty, or covered again."""
    await p.moving_up.look()


async def push_offer(p: Pipeline, now: Incident, event: e.Event, fact: e.Offered) -> None:
    message = notices.offer(
        now, fact, message_id=uuid5(fact.offer_id, "offer"), at=p.ctx.clock.now()
    )
    await p.send(message, f"staff:{fact.staff_id}", now)
    for person in fact.pre_alerted:
        ready = notices.be_ready(
            now, message_id=uuid5(fact.offer_id, f"ready {person}"), at=p.ctx.clock.now()
        )
        await p.send(ready, f"staff:{person}", now)


async def tell_nobody(p: Pipeline, now: Incident, event: e.Event, fact: e.NobodyLeftToAsk) -> None:
    about = "no_helper" if fact.helper else "nobody"
    await p.tell_desks(now, about, _cause(event), ("desk_lead", "desk"))


async def tell_no_desk(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    await p.tell_desks(now, "no_desk", _cause(event), ("desk_lead", "desk"))


async def push_stand_down(
    p: Pipeline, now: Incident, event: e.Event, fact: e.RespondersStoodDown
) -> None:
    for person in fact.staff_ids:
        message = notices.stand_down(
            now, message_id=uuid5(_cause(event), str(person)), at=p.ctx.clock.now()
        )
        await p.send(message, f"staff:{person}", now)


async def relieve(p: Pipeline, now: Incident, event: e.Event, fact: e.LeadReleased) -> None:
    """Whom the desk takes an incident from hears it, and why."""
    if event.actor.role in {Role.DESK, Role.DESK_LEAD}:
        said = notices.relieved(now, fact.reason, message_id=_cause(event), at=p.ctx.clock.now())
        await p.send(said, f"staff:{fact.staff_id}", now)


async def withdraw_offer(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """An answered or expired offer stops climbing the ladder, and no locked screen asks on."""
    await messages.withdraw(ids=[uuid5(fact.offer_id, "offer")], now=p.ctx.clock.now())


async def deliver_report(p: Pipeline, now: Incident, event: e.Event, fact: e.ReportQueued) -> None:
    await renew_report(p, now, event, fact)
    await _send_report(p, now, fact.report_id, uuid5(fact.report_id, "report"))


async def resend_report(p: Pipeline, now: Incident, event: e.Event, fact: e.Reminded) -> None:
    """A report that nobody has taken is sent once more; the desk is reminded beside it."""
    if fact.about == "report_delivered" and fact.ref is not None:
        await _send_report(p, now, fact.ref, uuid5(fact.ref, "report again"))


async def supplement_reports(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """What was learnt later goes out to everybody who was told the beginning."""
    await renew_report(p, now, event, fact)
    for report in now.reports:
        await _send_report(p, now, report.id, uuid5(_cause(event), f"more {report.id}"))


async def _send_report(p: Pipeline, now: Incident, report_id: UUID, message_id: UUID) -> None:
    report = now.report(report_id)
    if report is not None:
        at = p.ctx.clock.now()
        message = notices.to_office(now, report_id, message_id=message_id, at=at)
        await p.send(message, f"office:{report.office.id}", now)


async def renew_report(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """The office's page shows where its report and the incident stand."""
    if await drills.drill_of(now.id) is not None:
        return  # an office's inbox knows nothing of drills
    past = await journal.events_of(event.incident_id)
    for report in now.reports:
        await offices.save_report(_report_row(now, report, past))


def _scene(now: Incident) -> Scene:
    evac, cordon = now.evacuation, now.cordon
    standing = cordon.state == "set"
    return Scene(
        evacuation=evac.state,
        with_fire=evac.with_fire,
        absent=evac.absent,
        refused=evac.refused,
        road_open=now.road_open,
        guide=now.guide,
        meeting=(now.meeting.lat, now.meeting.lon) if now.meeting else None,
        vehicles=tuple(Arrival(what=one.what, at=one.at) for one in now.vehicles),
        cordon=cordon.shape if standing else None,
        cordon_radius_m=cordon.radius_m if standing else None,
        posts=cordon.posts if standing else 0,
        command=now.command_held_by,
        more=now.supplements,
    )


def _report_row(now: Incident, report: Any, past: Sequence[e.Event]) -> ReportRow:
    measures = [
        Measure(
            at=event.occurred_at,
            type=e.type_of(event.fact),
            facts=msgspec.to_builtins(event.fact),
        )
        for event in past
        if isinstance(event.fact, (*MEASURES, e.ArrivedOnScene, e.AssessedUncontrollable))
    ]
    evac = now.evacuation
    return ReportRow(
        id=report.id,
        incident_id=now.id or UUID(int=0),
        office_id=report.office.id,
        situation=Situation(
            no=now.no,
            kind=now.kind,
            urgency=now.urgency,
            state=now.state,
            handling=now.handling,
            situation=situation(now, report.situation),
            place=ReportPlace(**{f: getattr(now.place, f) for f in ReportPlace.__struct_fields__}),
            people=People(
                trapped=now.people.trapped,
                injured=now.people.injured,
                out=evac.out,
                unaccounted=evac.unaccounted,
            ),
            measures=tuple(measures),
            contact=Caller(name=now.lead.name) if now.lead else None,
            scene=_scene(now),
        ),
        status=report.status,
        version=now.version,
        sent_at=report.sent_at,
        delivered_at=report.delivered_at,
        acknowledged_at=report.acknowledged_at,
        reply=report.reply,
    )


async def list_people(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """The journal learns whom the evacuation has to find; a wider cordon makes the list longer."""
    if now.evacuation.state != "running":
        return
    people = await roster.expected(now)
    if people:
        draw = c.DrawRoster(people=people)
        await p.incidents.say(event.incident_id, draw, command_id=uuid5(_cause(event), "roster"))


async def tell_cordon(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """Neighbours inside a cordon hear of each change once, staff who are near it too."""
    if now.cordon.state == "none":
        return
    standing = isinstance(fact, e.CordonSet)
    past = now if standing else _as_it_stood(now)
    at, cause = p.ctx.clock.now(), _cause(event)
    homes = await roster.homes_inside(past)
    languages = await p.languages([home.id for home in homes])
    for home in homes:
        message = home_notices.cordon(
            now,
            standing=standing,
            message_id=uuid5(cause, f"cordon {home.id}"),
            at=at,
            language=languages.get(home.id, "zh"),
        )
        await p.send(message, f"household:{home.id}", now)
    area = roster.cordon_area(past)
    if area is None or not standing:
        return
    near = buffered(area, p.incidents.policy.cordon_near_m)
    people: MovingIndex[UUID] = MovingIndex()
    for one in await staff.on_duty_people(at):
        spot = finding.point(one.lat, one.lon)
        if spot is not None and not now.on_it(one.person_id):
            people.insert(one.person_id, spot)
    for person in people_inside(people, near):
        message = notices.cordon_to_staff(now, message_id=uuid5(cause, f"cordon {person}"), at=at)
        await p.send(message, f"staff:{person}", now)


def _as_it_stood(now: Incident) -> Incident:
    """The incident with its lifted cordon standing, for whom it had concerned."""
    return msgspec.structs.replace(now, cordon=msgspec.structs.replace(now.cordon, state="set"))


async def countersign(p: Pipeline, now: Incident, event: e.Event, fact: e.PhotoAdded) -> None:
    """Both clocks and both signatures of a photograph, kept for the record."""
    known = await phones.keys_of(event.actor.staff)
    await proofs.countersign(
        Picture(
            incident_id=str(event.incident_id),
            sha256=fact.sha256,
            burnt_sha256=fact.burnt_sha256,
            preview_sha256=fact.preview_sha256,
            statement=fact.statement,
            signature=fact.signature,
        ),
        {device: {"x": key.x, "y": key.y} for device, key in known.items()},
        settings=p.ctx.settings.evidence,
        data=p.ctx.data,
        by=event.actor.id,
        role=event.actor.role,
        received_at=event.received_at,
        at=p.ctx.clock.now(),
    )


async def seal(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """The record goes into the chain; then the journal says so and closes."""
    past = await journal.events_of(event.incident_id)
    upto = [one for one in past if one.version <= event.version]
    for one in upto:
        if isinstance(one.fact, e.PhotoAdded):  # another node may still be at it
            await countersign(p, now, one, one.fact)
    proved = await proofs.proofs_of(event.incident_id)
    worded = card_of(await card_sets.words_of(now.cards_version), now.kinds)
    sealed = await archive.seal(
        event.incident_id, now.no, document(now, upto, proved, worded), at=p.ctx.clock.now()
    )
    closing = c.Seal(hash=sealed.hash, previous=sealed.previous, sealed_at=sealed.sealed_at)
    await p.incidents.say(event.incident_id, closing, command_id=_cause(event))


async def file_paper(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """6.2.4, B.4, B.6: what was reported is written down, numbered and kept."""
    past = await journal.events_of(event.incident_id)
    paper = papers.paper_from([one for one in past if one.version <= event.version])
    if paper is not None:
        sha256 = await documents.file(paper, await prints_of(p, now))
        line = await documents.paper_line(sha256)
        if line is not None:
            await delivery.deliver(p, now, paper, line)


PRINTS = 6
"""▲ Pictures in a paper; the others are named by their hash."""
PRINT_NOTES = {
    "clear": "未发现人脸",
    "blurred": "人脸已自动遮盖",
    "pixelated": "无法检查人脸，整幅已遮盖",
}


async def prints_of(p: Pipeline, now: Incident) -> dict[str, Print]:
    """The newest photographs as copies that may leave the incident: faces hidden."""
    found = {}
    for photo in now.photos[-PRINTS:]:
        copy = await outgoing(p.ctx, photo)
        if copy is not None:
            jpeg = await outward.content(stores.store_of(p.ctx.settings), copy)
            found[photo.sha256] = Print(jpeg=jpeg, note=PRINT_NOTES[copy.how])
    return found


async def open_linked(p: Pipeline, now: Incident, event: e.Event, fact: e.LateRaise) -> None:
    """Severity learnt after release: a new incident, linked, for the desk and the nearest."""
    drill = await drills.drill_of(now.id)
    if drill is not None and drill.ended_at is not None:
        return  # what comes in after a drill is over calls nobody
    newest = max(now.detectors.values(), key=lambda d: d.raised_at)
    incident_id = uuid5(_cause(event), "linked")
    await drills.inherit(incident_id, event.incident_id)
    raised = c.RaiseAlert(
        no="",
        kind=now.kind,
        urgency=Urgency.EMERGENCY,
        handling=now.handling,
        place=now.place,
        detector_id=newest.id,
        label=newest.label,
        quantity=newest.quantity,
        value=newest.raised_value,
        unit=newest.unit,
        limit=newest.limit,
        emitted_at=event.received_at,
        follows=event.incident_id,
        at_once=True,
        late_cause=fact.command,
    )
    await p.incidents.open_numbered(incident_id, raised, command_id=_cause(event))


async def tell_late(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """What came too late to count is looked at by a person; a phone's whole batch is one notice."""
    await p.tell_desks(now, "late_record", uuid5(event.incident_id, str(event.received_at)), DESKS)


async def absorb(p: Pipeline, now: Incident, event: e.Event, fact: e.Merged) -> None:
    """The winner takes over the detectors; its team and its release count for them too."""
    alarms = tuple(
        c.NewAlarm(
            detector_id=d.id,
            label=d.label,
            kind=d.kind,
            quantity=d.quantity,
            value=d.raised_value,
            unit=d.unit,
            limit=d.limit,
            emitted_at=d.raised_at,
            household_id=d.household_id,
        )
        for d in now.detectors.values()
    )
    taken = c.Absorb(
        source=event.incident_id,
        no=now.no,
        detectors=alarms,
        alarming=tuple(d.id for d in now.alarming),
    )
    await p.incidents.say(fact.into, taken, command_id=_cause(event))


async def open_split(p: Pipeline, now: Incident, event: e.Event, fact: e.SplitOff) -> None:
    """The household's own incident, linked, with its own lead and release."""
    past = await journal.events_of(event.incident_id)
    before = replay(one for one in past if one.version < event.version)
    first, *others = (before.detectors[i] for i in fact.detector_ids)
    incident_id = uuid5(_cause(event), "split")
    await drills.inherit(incident_id, event.incident_id)
    raised = c.RaiseAlert(
        no="",
        kind=first.kind,
        urgency=now.urgency,
        handling=now.handling,
        place=_place_in(await devices.place_of(first.id)),
        detector_id=first.id,
        label=first.label,
        quantity=first.quantity,
        value=first.raised_value,
        unit=first.unit,
        limit=first.limit,
        emitted_at=event.received_at,
        follows=event.incident_id,
        at_once=True,
    )
    await p.incidents.open_numbered(incident_id, raised, command_id=_cause(event))
    for other in others:
        again = c.NewAlarm(
            detector_id=other.id,
            label=other.label,
            kind=other.kind,
            quantity=other.quantity,
            value=other.raised_value,
            unit=other.unit,
            limit=other.limit,
            emitted_at=event.received_at,
            household_id=other.household_id,
        )
        await p.incidents.say(incident_id, again, command_id=uuid5(_cause(event), str(other.id)))


DESKS = ("desk", "desk_lead")
REMINDED: Mapping[str, Sequence[str]] = {
    "desk_claim": ("desk",),
    "desk_claim_lead": ("desk_lead",),
    "stand_down_lead": ("desk_lead",),
    "false_report": ("manager", "desk_lead"),
    "archive": ("desk_lead",),
    "monitored": ("desk",),
}
"""Who hears of a passed deadline where it is not every desk."""


async def send_advice(p: Pipeline, now: Incident, event: e.Event, fact: e.Advised) -> None:
    """Advice that was "sent" really goes: to the household's own page (6.3.6.2)."""
    home = now.place.household_id
    if fact.way != "sent" or home is None or not KINDS[now.kind].resident:
        return
    said = home_notices.advice(
        now,
        fact.kind,
        message_id=_cause(event),
        at=p.ctx.clock.now(),
        language=(await p.languages([home])).get(home, "zh"),
    )
    await p.send(said, f"household:{home}", now)


async def tell_drill(p: Pipeline, now: Incident, event: e.Event, fact: Any) -> None:
    """What happens in a drill, and its end, reach everybody who was chosen for it."""
    drill = await drills.drill_of(now.id)
    over = isinstance(fact, e.DrillEnded)
    for staff_id in sorted(drill.staff) if drill is not None else ():
        said = notices.in_drill(
            now,
            "演练结束" if over else fact.zh,
            message_id=uuid5(_cause(event), str(staff_id)),
            at=p.ctx.clock.now(),
            over=over,
        )
        await p.send(said, f"staff:{staff_id}", now)


async def remind(p: Pipeline, now: Incident, event: e.Event, fact: e.Reminded) -> None:
    await p.tell_desks(now, fact.about, _cause(event), REMINDED.get(fact.about, DESKS))


REACTIONS: Mapping[type[e.Fact], Sequence[Reaction]] = {
    e.AlertRaised: (alert_household, link_neighbours),
    e.DeskMissing: (tell_no_desk,),
    e.VerificationVisitDue: (send_visit,),
    e.DispatchRequested: (find_somebody,),
    e.HelperWanted: (find_somebody,),
    e.Offered: (push_offer,),
    e.OfferDeclined: (withdraw_offer, find_somebody, find_for_others),
    e.OfferExpired: (withdraw_offer, find_somebody, find_for_others),
    e.OfferReleased: (withdraw_offer, find_somebody, find_for_others),
    e.NobodyLeftToAsk: (tell_nobody,),
    e.Accepted: (look_at_areas,),
    e.HelperLeft: (look_at_areas,),
    e.LeadReleased: (relieve, find_for_others, look_at_areas),
    e.RespondersStoodDown: (push_stand_down, find_for_others, look_at_areas),
    e.ReportQueued: (deliver_report,),
    e.ReportReached: (renew_report,),
    e.ReportAcknowledged: (renew_report,),
    e.ReportUndelivered: (renew_report,),
    e.TrappedChanged: (renew_report,),
    e.InjuredChanged: (renew_report,),
    e.ReportSupplemented: (supplement_reports,),
    e.RoadOpened: (renew_report,),
    e.GuideInPlace: (renew_report,),
    e.VehicleCame: (renew_report,),
    e.EvacuationStarted: (list_people, renew_report),
    e.RosterDrawn: (renew_report,),
    e.PersonAccounted: (renew_report,),
    e.EvacuationClosed: (renew_report,),
    e.CordonSet: (tell_cordon, list_people, renew_report),
    e.CordonLifted: (tell_cordon, renew_report),
    e.CommandHeld: (renew_report,),
    e.CommandReturned: (renew_report,),
    e.Released: (renew_report, find_for_others, look_at_areas),
    e.FalseReportFiled: (file_paper,),
    e.CommunityReported: (file_paper,),
    e.AuthorityReported: (file_paper,),
    e.HandedToAuthority: (file_paper,),
    e.ItemDone: (file_paper,),
    e.PhotoAdded: (countersign,),
    e.ArchiveRequested: (seal,),
    e.LateRaise: (open_linked,),
    e.LateStatement: (tell_late,),
    e.AddendumProposed: (tell_late,),
    e.Advised: (send_advice,),
    e.DrillPlayed: (tell_drill,),
    e.DrillEnded: (tell_drill, file_paper),
    e.Merged: (absorb,),
    e.SplitOff: (open_split,),
    e.Reminded: (resend_report, remind, renew_report),
}
