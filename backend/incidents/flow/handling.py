"""Region: on scene (6.3.2, 6.3.3, Appendix B). Nobody enters unprotected or into the unknown."""

from typing import Any
from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.contact import stand_down
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Condition, Incident, Item, PhotoTaken, Ppe
from backend.incidents.flow.kinds import KINDS, CardItem, cards, find_item, required_ppe
from backend.incidents.flow.shared import (
    Answer,
    Decide,
    Evolve,
    due,
    escalate,
    meet,
    owed_when_real,
    rescue_state,
)
from backend.incidents.flow.vocabulary import Control, Kind, Role, State

put = msgspec.structs.replace


def arrived(now: Incident, order: c.Order, cmd: c.Arrived, facts: Facts) -> Answer:
    staff = order.actor.staff
    if staff is None or not now.on_it(staff):
        return refuse("not_assigned")
    who = next(r for r in (now.lead, *now.helpers) if r is not None and r.staff_id == staff)
    if who.arrived_at is not None:
        return ()
    return (
        e.ArrivedOnScene(
            staff_id=staff,
            staff_name=who.name,
            metres_off=cmd.metres_off,
            lead=now.leads(staff),
        ),
    )


def field_declares_false(
    now: Incident, order: c.Order, cmd: c.FieldDeclaresFalse, facts: Facts
) -> Answer:
    staff = order.actor.staff
    if staff is None or not now.leads(staff):
        return refuse("not_lead")
    looked = bool(cmd.detector_photo or (cmd.no_photo_reason or "").strip())
    missing = tuple(
        code
        for code, true in {
            "detector_photo": not looked,
            "trapped": now.people.trapped > 0,
            "injured": now.people.hurt > 0,
            "structure": now.structure_hazard,
        }.items()
        if true
    )
    if missing:
        return refuse("false_not_proved", *missing)
    said = e.FalseDeclared(
        staff_id=staff,
        detector_photo=cmd.detector_photo,
        no_photo_reason=cmd.no_photo_reason,
        note=cmd.note,
    )
    report_due = due(now, "false_report", facts.after(facts.policy.false_report_s))
    return (said, *stand_down(now), *report_due)


def confirm_real(now: Incident, order: c.Order, cmd: c.ConfirmReal, facts: Facts) -> Answer:
    if order.actor.role is Role.FIELD and not now.leads(order.actor.staff):
        return refuse("not_lead")
    if now.real:
        return ()
    return (e.RealConfirmed(note=cmd.note), *owed_when_real(now, facts))


def assess(now: Incident, order: c.Order, cmd: c.AssessControllable, facts: Facts) -> Answer:
    if not cmd.controllable:
        return escalate(now, facts, cmd.reason or "uncontrollable")
    if now.state not in {State.ON_SCENE, State.RESCUE}:
        return refuse("wrong_state", now.state)
    if not now.leads(order.actor.staff):
        return refuse("not_lead")
    missing = tuple(
        code
        for code, true in {
            "real": not now.real,
            "trapped": now.people.trapped > 0,
            "injured": now.people.hurt > 0,
            "reason": (now.state is State.RESCUE or now.withdrawn) and not cmd.reason.strip(),
        }.items()
        if true
    )
    if missing:
        return refuse("not_controllable", *missing)
    return (e.AssessedControllable(reason=cmd.reason),)


def confirm_ppe(now: Incident, order: c.Order, cmd: c.ConfirmPpe, facts: Facts) -> Answer:
    staff = order.actor.staff
    if staff is None or not now.on_it(staff):
        return refuse("not_assigned")
    has = {i.code for i in cmd.items if i.has}
    missing = tuple(code for code in required_ppe(now.kinds, now.equipment) if code not in has)
    if missing:
        return (e.PpeMissing(staff_id=staff, missing=missing),)
    return (e.PpeConfirmed(staff_id=staff, kinds=now.kinds),)


def start_handling(now: Incident, order: c.Order, cmd: c.StartHandling, facts: Facts) -> Answer:
    """The entry guard of 6.3.3.1: real, situation known and in hand, own equipment complete."""
    staff = order.actor.staff
    if staff is None or not now.leads(staff):
        return refuse("not_lead")
    missing = _keeps_out(now, staff)
    if missing:
        return refuse("entry_refused", *missing)
    return (e.HandlingStarted(), e.Entered(staff_id=staff, staff_name=order.actor.name))


def enter(now: Incident, order: c.Order, cmd: c.Enter, facts: Facts) -> Answer:
    """Each person by themselves: a helper, or a lead who was out, under the same guard."""
    staff = order.actor.staff
    who = next((r for r in (now.lead, *now.helpers) if r is not None and r.staff_id == staff), None)
    if staff is None or who is None:
        return refuse("not_assigned")
    if staff in now.entered:
        return ()
    missing = _keeps_out(now, staff)
    if who.arrived_at is None:
        missing = ("arrived", *missing)
    if missing:
        return refuse("entry_refused", *missing)
    return (e.Entered(staff_id=staff, staff_name=order.actor.name),)


def _keeps_out(now: Incident, staff: UUID) -> tuple[str, ...]:
    """What is missing before this person may go in."""
    ppe = now.ppe.get(staff)
    covered = ppe is not None and ppe.ok and set(now.kinds) <= set(ppe.kinds)
    missing = [
        code
        for code, true in {
            "real": not now.real,
            "situation": now.control is not Control.CONTROLLABLE,
            "ppe": not covered,
        }.items()
        if true
    ]
    if ppe is not None and not ppe.ok:
        missing.extend(ppe.missing)
    return tuple(missing)


def tick(now: Incident, order: c.Order, cmd: c.Tick, facts: Facts) -> Answer:
    if not now.on_it(order.actor.staff):
        return refuse("not_assigned")
    item = find_item(now.kinds, cmd.item)
    if item is None:
        return refuse("item_of_another_kind", cmd.item)
    if now.state is State.ON_SCENE and not _outside(now):
        return refuse("not_handling")
    owed = now.state is State.RELEASED and item.meets is not None and now.owes(item.meets)
    over = now.state in {State.CLEARING, State.STOOD_DOWN, State.RELEASED}
    if over and item.in_scene and not owed:
        return refuse("wrong_state", now.state)
    if cmd.result == "not_possible" and not (cmd.reason or "").strip():
        return refuse("reason_needed")
    if item.after_release and now.state is not State.RELEASED:
        return refuse("after_release_only")
    if item.causes and item.cause_needed and cmd.result == "done" and not cmd.cause:
        return refuse("cause_needed", cmd.item)
    done = {i.item for i in now.items}
    before = tuple(code for code in item.after if code not in done)
    if before and not owed:  # the order is the scene's; a debt left over is settled by itself
        return refuse("order_of_actions", *before)
    ticked = e.ItemDone(
        card=cmd.card,
        item=cmd.item,
        result=cmd.result,
        reason=cmd.reason,
        value=cmd.value,
        photo=cmd.photo,
        cause=cmd.cause,
        about=cmd.about,
    )
    counts = cmd.result == "done" or item.either_way
    settled = meet(now, item.meets) if item.meets and counts else ()
    if item.each_building and cmd.cause == "hazard":
        told_by = facts.after(facts.policy.authority_report_s)
        return (ticked, *settled, *due(now, "authority_report", told_by))
    if cmd.item == "B.3-5" and cmd.result == "not_possible":
        return (ticked, *settled, *escalate(now, facts, cmd.reason or "fire_not_out"))
    return (ticked, *settled)


def _outside(now: Incident) -> bool:
    return all(done_outside(k) for k in now.kinds)


def done_outside(kind: Kind) -> bool:
    """A kind whose card is done without entering a danger area."""
    return KINDS[kind].eliminated_on_scene or kind is Kind.STRUCTURE


def withdraw(now: Incident, order: c.Order, cmd: c.Withdraw, facts: Facts) -> Answer:
    return (
        e.Withdrawn(staff_id=order.actor.staff, reason=cmd.reason),
        *escalate(now, facts, cmd.reason or "withdrawn"),
    )


def leave_scene(now: Incident, order: c.Order, cmd: c.LeaveScene, facts: Facts) -> Answer:
    staff = order.actor.staff
    if staff is None or staff not in now.entered:
        return ()
    return (e.LeftScene(staff_id=staff, staff_name=order.actor.name),)


def check_in(now: Incident, order: c.Order, cmd: c.CheckIn, facts: Facts) -> Answer:
    staff = order.actor.staff if order.actor.role is Role.FIELD else cmd.staff
    if staff is None or staff not in now.entered:
        return ()
    return (e.CheckedIn(staff_id=staff),)


def final_check(now: Incident, order: c.Order, cmd: c.FinalCheck, facts: Facts) -> Answer:
    if not now.leads(order.actor.staff):
        return refuse("not_lead")
    if now.state is State.ON_SCENE and not (now.verification or _outside(now)):
        return refuse("not_handling")
    missing = () if now.verification else open_items(now)
    if missing:
        return refuse("items_open", *missing)
    return (e.FinalChecked(note=cmd.note),)


def open_items(now: Incident) -> tuple[str, ...]:
    """Mandatory actions neither done nor declared impossible with a reason."""
    return tuple(
        i.code
        for card in cards(now.kinds)
        for i in card.items
        if i.mandatory and not dealt_with(now, i)
    )


def dealt_with(now: Incident, item: CardItem) -> bool:
    """Done or declared impossible; a sign of B.4 once it was looked for at every building."""
    seen = {i.about for i in now.items if i.item == item.code}
    return seen >= set(buildings(now)) if item.each_building else bool(seen)


def buildings(now: Incident) -> tuple[str, ...]:
    """What B.4 checks: the alarming building (empty text), those around it, those added there."""
    added = (i.about for i in now.items if i.item.startswith("B.4-2"))
    return tuple(dict.fromkeys(("", *now.surroundings, *added)))


def eliminated(
    now: Incident, order: c.Order, cmd: c.FieldConfirmEliminated, facts: Facts
) -> Answer:
    """Condition 2 of 6.3.6.1; only the person who leads on scene may say it."""
    if not now.leads(order.actor.staff):
        return refuse("not_lead")
    if now.state is State.ON_SCENE and not (now.verification or _outside(now)):
        return refuse("not_handling")
    alarm = now.last_alarm_at
    missing = tuple(
        code
        for code, true in {
            "final_check": now.final_checked_at is None,
            "trapped": now.people.trapped > 0,
            "injured": now.people.hurt > 0,
            "later_alarm": alarm is not None and order.occurred_at <= alarm,
            "fire_command": now.command_held_by is not None,
            "gas_value": Kind.GAS in now.kinds and facts.below_clear is False,
        }.items()
        if true
    )
    if missing:
        return refuse("not_eliminated", *missing)
    return (
        e.HazardEliminated(staff_id=order.actor.staff, staff_name=order.actor.name, note=cmd.note),
    )


def note(now: Incident, order: c.Order, cmd: c.Note, facts: Facts) -> Answer:
    return (e.NoteAdded(text=cmd.text),)


def photo(now: Incident, order: c.Order, cmd: c.Photo, facts: Facts) -> Answer:
    if any(p.sha256 == cmd.sha256 for p in now.photos):
        return ()
    return (
        e.PhotoAdded(
            sha256=cmd.sha256,
            taken_at=cmd.taken_at,
            caption=cmd.caption,
            burnt_sha256=cmd.burnt_sha256,
            preview_sha256=cmd.preview_sha256,
            statement=cmd.statement,
            signature=cmd.signature,
        ),
    )


# --- applying -----------------------------------------------------------------------------


def came(now: Incident, event: e.Event, fact: e.ArrivedOnScene) -> Incident:
    if not fact.lead or now.lead is None:
        helpers = tuple(
            put(h, arrived_at=event.occurred_at) if h.staff_id == fact.staff_id else h
            for h in now.helpers
        )
        return put(now, helpers=helpers)
    there = put(now, lead=put(now.lead, arrived_at=event.occurred_at))
    if now.state is not State.EN_ROUTE:
        return there
    hot = now.control is Control.UNCONTROLLABLE
    return put(there, state=State.RESCUE if hot else State.ON_SCENE)


def declared_false(now: Incident, event: e.Event, fact: e.FalseDeclared) -> Incident:
    return put(
        now,
        state=State.STOOD_DOWN,
        real=False,
        false_by="field",
        false_declared_at=event.received_at,
    )


def confirmed(now: Incident, event: e.Event, fact: e.RealConfirmed) -> Incident:
    return put(now, real=True)


def controllable(now: Incident, event: e.Event, fact: e.AssessedControllable) -> Incident:
    return put(
        now,
        state=State.ON_SCENE if now.state is State.RESCUE else now.state,
        control=Control.CONTROLLABLE,
        withdrawn=False,
    )


def uncontrollable(now: Incident, event: e.Event, fact: e.AssessedUncontrollable) -> Incident:
    return put(
        now,
        state=rescue_state(now),
        control=Control.UNCONTROLLABLE,
        real=True,
        c2=None,
    )


def ppe_ok(now: Incident, event: e.Event, fact: e.PpeConfirmed) -> Incident:
    return put(now, ppe={**now.ppe, fact.staff_id: Ppe(ok=True, kinds=fact.kinds)})


def ppe_missing(now: Incident, event: e.Event, fact: e.PpeMissing) -> Incident:
    return put(now, ppe={**now.ppe, fact.staff_id: Ppe(ok=False, missing=fact.missing)})


def handling_started(now: Incident, event: e.Event, fact: e.HandlingStarted) -> Incident:
    return put(now, state=State.HANDLING)


def entered(now: Incident, event: e.Event, fact: e.Entered) -> Incident:
    return put(
        now,
        entered={**now.entered, fact.staff_id: event.received_at},
        ever_entered=now.ever_entered | {fact.staff_id},
    )


def _out(now: Incident, staff: UUID | None) -> Incident:
    return put(now, entered={s: at for s, at in now.entered.items() if s != staff})


def left(now: Incident, event: e.Event, fact: e.LeftScene) -> Incident:
    return _out(now, fact.staff_id)


def withdrew(now: Incident, event: e.Event, fact: e.Withdrawn) -> Incident:
    return put(_out(now, fact.staff_id), withdrawn=True)


def checked_in(now: Incident, event: e.Event, fact: e.CheckedIn) -> Incident:
    return put(now, entered={**now.entered, fact.staff_id: event.received_at})


def item_done(now: Incident, event: e.Event, fact: e.ItemDone) -> Incident:
    done = Item(
        by=event.actor.name,
        at=event.occurred_at,
        **{f: getattr(fact, f) for f in fact.__struct_fields__},
    )
    hazard = fact.item.startswith("B.4-2") and fact.cause == "hazard"
    return put(now, items=(*now.items, done), structure_hazard=now.structure_hazard or hazard)


def final_checked(now: Incident, event: e.Event, fact: e.FinalChecked) -> Incident:
    return put(now, final_checked_at=event.occurred_at)


def hazard_gone(now: Incident, event: e.Event, fact: e.HazardEliminated) -> Incident:
    c2 = Condition(at=event.occurred_at, by=str(fact.staff_id or ""), name=fact.staff_name)
    return put(now, state=State.CLEARING, c2=c2, entered={})


def photo_added(now: Incident, event: e.Event, fact: e.PhotoAdded) -> Incident:
    taken = PhotoTaken(
        sha256=fact.sha256,
        burnt_sha256=fact.burnt_sha256,
        by=event.actor.name,
        taken_at=fact.taken_at,
        caption=fact.caption,
        preview_sha256=fact.preview_sha256,
    )
    return put(now, photos=(*now.photos, taken))


def note_added(now: Incident, event: e.Event, fact: Any) -> Incident:
    return now


DECIDE: dict[type[c.Command], Decide] = {
    c.Arrived: arrived,
    c.FieldDeclaresFalse: field_declares_false,
    c.ConfirmReal: confirm_real,
    c.AssessControllable: assess,
    c.ConfirmPpe: confirm_ppe,
    c.StartHandling: start_handling,
    c.Enter: enter,
    c.Tick: tick,
    c.Withdraw: withdraw,
    c.LeaveScene: leave_scene,
    c.CheckIn: check_in,
    c.FinalCheck: final_check,
    c.FieldConfirmEliminated: eliminated,
    c.Note: note,
    c.Photo: photo,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.ArrivedOnScene: came,
    e.FalseDeclared: declared_false,
    e.RealConfirmed: confirmed,
    e.AssessedControllable: controllable,
    e.AssessedUncontrollable: uncontrollable,
    e.PpeConfirmed: ppe_ok,
    e.PpeMissing: ppe_missing,
    e.HandlingStarted: handling_started,
    e.Entered: entered,
    e.LeftScene: left,
    e.Withdrawn: withdrew,
    e.CheckedIn: checked_in,
    e.ItemDone: item_done,
    e.FinalChecked: final_checked,
    e.HazardEliminated: hazard_gone,
    e.PhotoAdded: photo_added,
    e.NoteAdded: note_added,
}
