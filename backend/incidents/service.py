"""Load, decide, append: the only way into the journal."""

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID, uuid5

import asyncpg
import msgspec

from backend.audit import service as audit
from backend.incidents import card_sets, drills, journal, traces
from backend.incidents.card_words import equipment_of
from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import Repeated, decide, replay
from backend.incidents.flow.facts import Facts, Policy, Refusal, corrected
from backend.incidents.flow.grouping import group
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import (
    OPEN,
    SYSTEM,
    Actor,
    Handling,
    Kind,
    OfficeRef,
    Place,
    Role,
    State,
    Urgency,
)
from backend.incidents.flow.words import REFUSALS
from backend.incidents.schemas import Answer, Envelope, RefusalView, Where
from backend.shared.clock import Clock
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.listen import AWAY

log = logging.getLogger("jiean.incidents")

REPORTS_AT_MOST = 12
_commands = msgspec.json.Decoder(c.AnyCommand)


class PersonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff as the guards need them."""

    name: str
    badge: str
    qualified: bool
    on_shift: bool
    metres: float | None = None


class Directory(Protocol):
    """What an incident asks other domains; answered by ``backend.pipeline``."""

    async def person(self, staff_id: UUID, place: Place) -> PersonFacts | None: ...
    async def offices(self, building_id: UUID | None) -> tuple[OfficeRef, ...]: ...
    async def surroundings(self, place: Place) -> tuple[str, ...]: ...
    async def below_clear(self, detectors: list[UUID]) -> bool | None: ...
    async def account_in_use(self, account_id: str) -> bool: ...


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A raised alert on its way into an incident; ``id`` is the command's id."""

    id: UUID
    kind: Kind
    urgency: Urgency
    handling: Handling
    place: Place
    detector_id: UUID
    label: str
    quantity: str
    value: float | None
    unit: str
    limit: float | None
    emitted_at: datetime
    at_once: bool
    home: tuple[UUID, ...] = ()
    """Detectors of the same household."""
    rule: str = ""
    rules_version: int = 0


class Incidents:
    """The journal's front door. Holds no state of its own."""

    def __init__(
        self, *, clock: Clock, policy: Policy, directory: Directory, reacts_to: frozenset[str]
    ) -> None:
        self.clock = clock
        self.policy = policy
        self.directory = directory
        self.reacts_to = reacts_to

    async def submit(self, envelope: Envelope, actor: Actor, *, source: str) -> Answer:
        """Put a phone's or browser's envelope on the server's clock and handle it."""
        [answer] = await self._submit_run([(envelope, actor)], source)
        return answer

    async def submit_all(
        self, sent: Sequence[tuple[Envelope, Actor]], *, source: str
    ) -> list[Answer]:
        """The same for many, in their order. One after another about one incident are one
        transaction and one news.

        Returns:
            An answer for each that could be handled. One that breaks something of ours has none:
            its sender keeps it and tries again, and it holds nothing else back.

        Raises:
            Exception: the last such break, when nothing at all could be answered.
        """
        answers: list[Answer] = []
        broken: Exception | None = None
        for _, run in groupby(sent, key=lambda one: one[0].incident_id):
            about = list(run)
            try:
                answers += await self._submit_run(about, source)
                continue
            except Exception as failed:
                if _is_away(failed):
                    raise
                log.exception("commands about %s", about[0][0].incident_id)
                broken = failed
            for one in about if len(about) > 1 else ():
                try:
                    answers += await self._submit_run([one], source)
                except Exception as failed:
                    if _is_away(failed):
                        raise
                    log.exception("command %s", one[0].command_id)
                    broken = failed
        if broken is not None and not answers:
            raise broken
        return answers

    async def _submit_run(
        self, sent: Sequence[tuple[Envelope, Actor]], source: str
    ) -> list[Answer]:
        """Envelopes about one incident, together or not at all."""
        received_at = self.clock.now()
        incident_id = sent[0][0].incident_id
        async with OPERATIONS.transaction():
            await journal.lock(incident_id)
            run = _Run(
                await journal.load(incident_id),
                await journal.answers_of([envelope.command_id for envelope, _ in sent]),
            )
            answers = []
            for envelope, actor in sent:
                order = self._order(envelope, actor, run.now.emitted_at, received_at, source)
                answer = await self._decided(run, order)
                if not answer.repeated and actor.staff is not None and run.now.id is not None:
                    run.stood(order, envelope.position)
                answers.append(answer)
            await self._write(run, incident_id, received_at)
        journal.remember(run.now)
        return answers

    def _order(
        self,
        envelope: Envelope,
        actor: Actor,
        emitted_at: datetime | None,
        received_at: datetime,
        source: str,
    ) -> c.Order:
        time = corrected(
            envelope.occurred_at,
            received_at,
            skew=timedelta(milliseconds=envelope.skew_ms or 0),
            emitted_at=emitted_at,
            late_s=self.policy.late_s,
        )
        return c.Order(
            command_id=envelope.command_id,
            incident_id=envelope.incident_id,
            actor=actor,
            occurred_at=time.occurred_at,
            received_at=received_at,
            late=time.late,
            source=source,
            command=_storable(envelope.command),
            device_id=envelope.device_id,
            seq=envelope.seq,
            seen_version=envelope.seen_version,
            skew_ms=envelope.skew_ms,
        )

    async def say(
        self, incident_id: UUID, command: c.AnyCommand, *, command_id: UUID | None = None
    ) -> Answer:
        """Issue a command as the platform itself."""
        at = self.clock.now()
        order = c.Order(
            command_id=command_id or uuid7(),
            incident_id=incident_id,
            actor=SYSTEM,
            occurred_at=at,
            received_at=at,
            source="platform",
            command=command,
        )
        return await self.handle(order)

    async def handle(self, order: c.Order) -> Answer:
        """Decide one order and append what follows, once, however often it comes."""
        async with OPERATIONS.transaction():
            await journal.lock(order.incident_id)
            known = await journal.answers_of([order.command_id])
            if known:
                return _again(known[order.command_id])
            run = _Run(await journal.load(order.incident_id), known)
            answer = await self._decided(run, order)
            await self._write(run, order.incident_id, order.received_at)
        return answer

    async def _decided(self, run: "_Run", order: c.Order) -> Answer:
        """Decide one order on what the run has come to; nothing is written yet."""
        known = run.known.get(order.command_id)
        if known is not None:
            return _again(known)
        found = decide(run.now, order, await self._facts(run, order))
        if isinstance(found, Repeated):
            return Answer(
                command_id=order.command_id,
                outcome="accepted",
                version=found.version,
                repeated=True,
            )
        if isinstance(found, Refusal):
            answer = refused(order.command_id, found, run.now.version)
            run.add(order, (), answer)
            return answer
        kept = any(isinstance(event.fact, e.LateStatement) for event in found)
        answer = Answer(
            command_id=order.command_id,
            outcome="late_statement" if kept else "accepted",
            version=found[-1].version if found else run.now.version,
        )
        run.add(order, found, answer)
        return answer

    async def _write(self, run: "_Run", incident_id: UUID, at: datetime) -> None:
        """Append what the run came to, in the caller's transaction."""
        if run.events:
            await journal.append(
                run.before, run.events, policy=self.policy, reacts_to=self.reacts_to
            )
        if run.answers:
            await journal.keep_answers(incident_id, run.answers, at)
        if run.audits:
            await audit.record_all(OPERATIONS, run.audits, at=at)
        if run.spots:
            await traces.leave(incident_id, run.spots)

    async def _facts(self, run: "_Run", order: c.Order) -> Facts:
        """Look up only what this order's guards ask for."""
        command, now = order.command, run.now
        facts = Facts(
            now=order.received_at,
            policy=self.policy,
            new_ids=tuple(uuid7() for _ in range(REPORTS_AT_MOST)),
        )
        staff = order.actor.staff if order.actor.role is Role.FIELD else _concerned(now, command)
        if staff is not None:
            given = isinstance(command, _GIVING)
            facts = await self._about(facts, staff, run, order.incident_id, given=given)
        if isinstance(command, _REPORTING):
            offices = await self.directory.offices(now.place.building_id)
            facts = msgspec.structs.replace(facts, offices=offices)
        named = _second_person(command)
        if named is not None:
            known = await self.directory.account_in_use(named)
            second = known and named != order.actor.id
            facts = msgspec.structs.replace(facts, second_person=second)
        if isinstance(command, c.Merge):
            other = await journal.load(command.into)
            is_open = other.state in OPEN if other.id is not None else None
            if await drills.drill_of(now.id) != await drills.drill_of(other.id):
                is_open = None  # a drill and what is real stay apart
            facts = msgspec.structs.replace(facts, other_open=is_open)
        if isinstance(command, c.FieldConfirmEliminated) and Kind.GAS in now.kinds:
            gas = [d.id for d in now.detectors.values() if d.kind is Kind.GAS]
            below = await self.directory.below_clear(gas)
            facts = msgspec.structs.replace(facts, below_clear=below)
        return facts

    async def _about(
        self, facts: Facts, staff: UUID, run: "_Run", incident_id: UUID, *, given: bool
    ) -> Facts:
        """What the guards ask about one person.

        Args:
            given: the order gives this person something to do. Then two incidents decide about
                them one after the other, and the second sees what the first did.
        """
        # one moment, one incident: who somebody is does not change within a run
        if given and staff not in run.held:
            await journal.lock_person(staff)
            run.held.add(staff)
            run.people.pop(staff, None)
        if staff not in run.people:
            person = await self.directory.person(staff, run.now.place)
            leads = await journal.leads_elsewhere(staff, incident_id)
            asked = await journal.asked_elsewhere(staff, incident_id) if given else False
            run.people[staff] = person, leads, asked
        person, leads, asked = run.people[staff]
        if person is None:
            return msgspec.structs.replace(facts, qualified=False, on_shift=False)
        return msgspec.structs.replace(
            facts,
            qualified=person.qualified,
            on_shift=person.on_shift,
            staff_name=person.name,
            badge=person.badge,
            metres=person.metres,
            leads_elsewhere=leads,
            asked_elsewhere=asked,
        )

    async def open_or_join(self, alert: Alert) -> UUID:
        """A raised alert becomes an incident, or another episode of the one that it belongs to.

        Idempotent by ``alert.id``. Returns the incident's id.
        """
        async with OPERATIONS.transaction():
            building = alert.place.building_id or alert.detector_id
            await journal.lock_building(building)
            known = await OPERATIONS.fetch_value(
                "SELECT incident_id FROM command_answer WHERE command_id = $1", alert.id
            )
            if known is not None:
                return UUID(str(known))
            standing = await journal.standing_in(
                building, alert.detector_id, alert.home, at=alert.emitted_at
            )
            grouped = group(
                standing,
                kind=alert.kind,
                household_id=alert.place.household_id,
                at=alert.emitted_at,
            )
            if grouped.joins is not None:
                await self.say(grouped.joins, _again_alarm(alert), command_id=alert.id)
                return grouped.joins
            incident_id = uuid7()
            await self.open_numbered(
                incident_id, _raise(alert, grouped.follows), command_id=alert.id
            )
            return incident_id

    async def join_storm(self, alert: Alert, gateway: UUID) -> UUID:
        """An alert of a gateway that raises too many: all of them are one incident (section 10).

        Nothing is held back: each is an episode of that incident, and its release waits for every
        one of its detectors. Idempotent by ``alert.id``. Returns the incident's id.
        """
        async with OPERATIONS.transaction():
            await journal.lock_building(gateway)
            known = await OPERATIONS.fetch_value(
                "SELECT incident_id FROM command_answer WHERE command_id = $1", alert.id
            )
            if known is not None:
                return UUID(str(known))
            storm = await journal.storm_of(gateway)
            if storm is not None:
                await self.say(storm, _again_alarm(alert), command_id=alert.id)
                return storm
            incident_id = uuid7()
            await self.open_numbered(incident_id, _raise(alert, None), command_id=alert.id)
            said = c.Remind(about="gateway_storm", ref=gateway)
            await self.say(incident_id, said, command_id=uuid5(alert.id, "storm"))
            return incident_id

    async def open_numbered(
        self, incident_id: UUID, raised: c.RaiseAlert, *, command_id: UUID
    ) -> None:
        """Open an incident under the day's next number; once per ``command_id``.

        The cards and equipment now in force are the ones it is handled by to its end.
        """
        async with OPERATIONS.transaction():
            if await journal.answer_of(command_id) is not None:
                return
            no = await journal.next_number(raised.emitted_at)
            version = await card_sets.in_force()
            around: tuple[str, ...] = ()
            if raised.kind is Kind.STRUCTURE:
                around = await self.directory.surroundings(raised.place)
            numbered = msgspec.structs.replace(
                raised,
                no=no,
                cards_version=version,
                equipment=equipment_of(await card_sets.words_of(version)) if version else {},
                surroundings=around,
            )
            await self.say(incident_id, numbered, command_id=command_id)


class _Run:
    """What orders about one incident come to, until it is written in one go.

    Args:
        before: the incident as it is stored.
        known: what was answered to some of the orders before.
    """

    def __init__(self, before: Incident, known: Mapping[UUID, Answer]) -> None:
        self.before = self.now = before
        self.known = dict(known)
        self.events: list[e.Event] = []
        self.answers: list[Answer] = []
        self.audits: list[audit.Entry] = []
        self.spots: list[tuple[UUID, traces.Trace]] = []
        self.people: dict[UUID, tuple[PersonFacts | None, bool, bool]] = {}
        self.held: set[UUID] = set()

    def add(self, order: c.Order, events: tuple[e.Event, ...], answer: Answer) -> None:
        """One order more. What the platform itself asks in vain leaves no trace."""
        if order.actor.role is Role.SYSTEM and not events:
            return
        self.now = replay(events, self.now)
        self.events += events
        self.known[order.command_id] = answer
        self.answers.append(answer)
        self.audits.append(_entry(order, answer, events))

    def stood(self, order: c.Order, position: Where | None) -> None:
        """Where the sender was at that moment, if the phone knew."""
        if position is None or order.actor.staff is None:
            return
        spot = traces.Trace(
            staff_id=order.actor.staff,
            name=order.actor.name,
            at=order.occurred_at,
            what=c.name_of(order.command),
            lat=position.lat,
            lon=position.lon,
            accuracy_m=position.accuracy_m,
        )
        self.spots.append((order.command_id, spot))


def _entry(order: c.Order, answer: Answer, events: tuple[e.Event, ...]) -> audit.Entry:
    return audit.Entry(
        actor=order.actor.id,
        role=order.actor.role,
        action=f"incident.{c.name_of(order.command)}",
        subject=order.incident_id,
        after={
            "outcome": answer.outcome,
            "version": answer.version,
            "events": [e.type_of(event.fact) for event in events],
        },
        reason=answer.refusal.code if answer.refusal else None,
    )


def _raise(alert: Alert, follows: UUID | None) -> c.RaiseAlert:
    return c.RaiseAlert(
        no="",
        kind=alert.kind,
        urgency=alert.urgency,
        handling=alert.handling,
        place=alert.place,
        detector_id=alert.detector_id,
        label=alert.label,
        quantity=alert.quantity,
        value=_finite(alert.value),
        unit=alert.unit,
        limit=alert.limit,
        emitted_at=alert.emitted_at,
        follows=follows,
        at_once=alert.at_once,
        rule=alert.rule,
        rules_version=alert.rules_version,
    )


_GIVING = (c.Offer, c.Accept, c.SelfAssign, c.Reassign, c.NewAlarm)
"""Commands that give one person something to do."""


def _concerned(now: Incident, command: c.Command) -> UUID | None:
    """The member of staff whom an order of somebody else is about, for the guards."""
    match command:
        case c.Offer():
            return command.staff_id
        case c.Reassign():
            return command.to
        case c.NewAlarm() if now.state is State.STOOD_DOWN and now.lead is not None:
            return now.lead.staff_id  # may be called back, unless they lead something else now
        case _:
            return None


_REPORTING = (
    c.PartyNeedsRescue,
    c.AssessControllable,
    c.Withdraw,
    c.ReportTrapped,
    c.ReportTo,
    c.Tick,
    c.Remind,
)
"""Commands whose events may report to the offices of the address."""


def _second_person(command: c.AnyCommand) -> str | None:
    """Who is named to stand behind a command that one person may not give alone."""
    if isinstance(command, c.Addendum):
        return command.approved_by
    return command.second if isinstance(command, c.SubstituteC1) else None


def _again_alarm(alert: Alert) -> c.NewAlarm:
    return c.NewAlarm(
        detector_id=alert.detector_id,
        label=alert.label,
        kind=alert.kind,
        quantity=alert.quantity,
        value=_finite(alert.value),
        unit=alert.unit,
        limit=alert.limit,
        emitted_at=alert.emitted_at,
        household_id=alert.place.household_id,
        rule=alert.rule,
        rules_version=alert.rules_version,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _storable(command: c.AnyCommand) -> c.AnyCommand:
    """The same command with every NUL replaced: no database text holds one, and a field fact
    must not be refused for it."""
    text = msgspec.json.encode(command)
    if b"\\u0000" not in text:
        return command
    clean = msgspec.json.encode(_without_nul(msgspec.json.decode(text)))
    found: c.AnyCommand = _commands.decode(clean)
    return found


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def said_at(envelope: Envelope, received_at: datetime) -> datetime:
    """When it was tapped, on the server's clock; no incident bounds it here."""
    skew = timedelta(milliseconds=envelope.skew_ms or 0)
    time = corrected(envelope.occurred_at, received_at, skew=skew, emitted_at=None, late_s=0)
    return time.occurred_at


def _is_away(failed: Exception) -> bool:
    """The database is away: nothing is wrong with what was sent, and all of it comes again."""
    ours = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
    return isinstance(failed, AWAY) and not isinstance(failed, ours)


def _again(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, repeated=True)


def refused(command_id: UUID, refusal: Refusal, version: int) -> Answer:
    """A refusal in words."""
    words = REFUSALS[refusal.code]
    return Answer(
        command_id=command_id,
        outcome="refused",
        version=version,
        refusal=RefusalView(
            code=refusal.code,
            zh=words.zh,
            en=words.en,
            do_zh=words.do_zh,
            do_en=words.do_en,
            missing=refusal.missing,
        ),
    )
