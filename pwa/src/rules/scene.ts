/** Region: on scene (6.3.2, 6.3.3, Appendix B). Nobody enters unprotected or into the unknown. */
import type { IncidentView, ItemDone } from '../wire/types'
import { due, dueWhenReal, escalate, hurt, leads, meet, onIt } from './shared'
import { dealtWith, itemsOf, outside, requiredPpe } from './table'
import { out } from './way'
import { after, filled, instant, refuse, truths, type Args, type Decide, type Evolve, type Fact } from './words'

const OVER: readonly string[] = ['clearing', 'stood_down', 'released']

const declareFalse: Decide = (view, { detectorPhoto, noPhotoReason, note }, { book, actor, facts }) => {
  if (!leads(view, actor.staffId)) return refuse('not_lead')
  const missing = truths({
    detector_photo: !detectorPhoto && !filled(noPhotoReason),
    trapped: view.people.trapped > 0,
    injured: hurt(view) > 0,
    structure: view.structureHazard,
  })
  if (missing.length) return refuse('false_not_proved', ...missing)
  return [
    { type: 'FalseDeclared', staffId: actor.staffId, detectorPhoto, noPhotoReason, note },
    ...standDown(view),
    ...due(view, 'false_report', after(facts.now, book.timers.false_report_s ?? 0)),
  ]
}

/** Everybody asked or on the way is told to stop. */
const standDown = (view: IncidentView): Fact[] => [
  ...view.offers.filter(({ outcome }) => outcome === 'open').map(({ id, staffId }) => ({ type: 'OfferReleased', offerId: id, staffId, reason: 'stood_down' })),
  { type: 'RespondersStoodDown', staffIds: [view.lead, ...view.helpers].flatMap((each) => (each ? [each.staffId] : [])) },
]

const confirmReal: Decide = (view, { note }, moment) => {
  if (!leads(view, moment.actor.staffId)) return refuse('not_lead')
  return view.real ? [] : [{ type: 'RealConfirmed', note }, ...dueWhenReal(view, moment)]
}

const assess: Decide = (view, { controllable, reason }, moment) => {
  if (!controllable) return escalate(view, moment, reason || 'uncontrollable')
  if (view.state !== 'on_scene' && view.state !== 'rescue') return refuse('wrong_state', view.state)
  if (!leads(view, moment.actor.staffId)) return refuse('not_lead')
  const missing = truths({
    real: !view.real,
    trapped: view.people.trapped > 0,
    injured: hurt(view) > 0,
    reason: (view.state === 'rescue' || view.withdrawn) && !filled(reason),
  })
  return missing.length ? refuse('not_controllable', ...missing) : [{ type: 'AssessedControllable', reason }]
}

const confirmPpe: Decide = (view, { items }, { book, actor }) => {
  const staffId = actor.staffId
  if (!onIt(view, staffId)) return refuse('not_assigned')
  const has = new Set((items as { code: string; has: boolean }[]).filter((item) => item.has).map((item) => item.code))
  const missing = requiredPpe(book, view).filter((code) => !has.has(code))
  return missing.length ? [{ type: 'PpeMissing', staffId, missing }] : [{ type: 'PpeConfirmed', staffId, kinds: view.kinds }]
}

/** The entry guard of 6.3.3.1: real, situation known and in hand, own equipment complete. */
const startHandling: Decide = (view, _, { actor }) => {
  const staffId = actor.staffId
  if (staffId === null || !leads(view, staffId)) return refuse('not_lead')
  const missing = keepsOut(view, staffId)
  if (missing.length) return refuse('entry_refused', ...missing)
  return [{ type: 'HandlingStarted' }, { type: 'Entered', staffId, staffName: actor.name }]
}

/** Each person by themselves: a helper, or a lead who was out, under the same guard. */
const enter: Decide = (view, _, { actor: { staffId, name } }) => {
  const who = [view.lead, ...view.helpers].find((each) => each?.staffId === staffId)
  if (staffId === null || !who) return refuse('not_assigned')
  if (view.entered.includes(staffId)) return []
  const missing = [...truths({ arrived: who.arrivedAt === null }), ...keepsOut(view, staffId)]
  return missing.length ? refuse('entry_refused', ...missing) : [{ type: 'Entered', staffId, staffName: name }]
}

/** What is missing before this person may go in. */
function keepsOut(view: IncidentView, staffId: string): string[] {
  const ppe = view.ppe[staffId]
  const covered = ppe?.ok === true && view.kinds.every((kind) => ppe.kinds.includes(kind))
  const missing = truths({ real: !view.real, situation: view.control !== 'controllable', ppe: !covered })
  if (ppe && !ppe.ok) missing.push(...ppe.missing)
  return missing
}

const tick: Decide = (view, args, moment) => {
  const { card, item: code, result, reason, value, photo, cause, about } = args
  if (!onIt(view, moment.actor.staffId)) return refuse('not_assigned')
  const item = itemsOf(moment.book, view.kinds).find((each) => each.code === code)
  if (!item) return refuse('item_of_another_kind', code)
  if (view.state === 'on_scene' && !outside(moment.book, view)) return refuse('not_handling')
  const owed = view.state === 'released' && view.obligations.some((debt) => debt.code === item.meets && !debt.doneAt && !debt.waivedAt)
  if (OVER.includes(view.state) && item.inScene && !owed) return refuse('wrong_state', view.state)
  if (result === 'not_possible' && !filled(reason)) return refuse('reason_needed')
  if (item.afterRelease && view.state !== 'released') return refuse('after_release_only')
  if (item.causes?.length && item.causeNeeded !== false && result === 'done' && !cause) return refuse('cause_needed', code)
  const done = new Set(view.items.map((each) => each.item))
  const before = item.after.filter((each) => !done.has(each))
  if (before.length && !owed) return refuse('order_of_actions', ...before)
  const ticked = { type: 'ItemDone', card, item: code, result, reason, value, photo, cause, about }
  const settled = item.meets && (result === 'done' || item.eitherWay) ? meet(view, item.meets) : []
  const hazard = item.eachBuilding && cause === 'hazard'
  if (hazard) return [ticked, ...settled, ...due(view, 'authority_report', after(moment.facts.now, moment.book.timers.authority_report_s ?? 0))]
  const worse = code === 'B.3-5' && result === 'not_possible'
  return [ticked, ...settled, ...(worse ? escalate(view, moment, reason || 'fire_not_out') : [])]
}

const withdraw: Decide = (view, { reason }, moment) => [
  { type: 'Withdrawn', staffId: moment.actor.staffId, reason },
  ...escalate(view, moment, reason || 'withdrawn'),
]

const inside = (view: IncidentView, staffId: string | null): staffId is string => staffId !== null && view.entered.includes(staffId)

const leaveScene: Decide = (view, _, { actor: { staffId, name } }) => (inside(view, staffId) ? [{ type: 'LeftScene', staffId, staffName: name }] : [])
const checkIn: Decide = (view, _, { actor: { staffId } }) => (inside(view, staffId) ? [{ type: 'CheckedIn', staffId }] : [])

const finalCheck: Decide = (view, { note }, { book, actor }) => {
  if (!leads(view, actor.staffId)) return refuse('not_lead')
  if (view.state === 'on_scene' && !view.verification && !outside(book, view)) return refuse('not_handling')
  const open = itemsOf(book, view.kinds).filter((item) => item.mandatory && !dealtWith(view, item)).map((item) => item.code)
  return open.length && !view.verification ? refuse('items_open', ...open) : [{ type: 'FinalChecked', note }]
}

/** Condition 2 of 6.3.6.1; only the person who leads on scene may say it. */
const eliminated: Decide = (view, { note }, { book, actor, facts }) => {
  if (!leads(view, actor.staffId)) return refuse('not_lead')
  if (view.state === 'on_scene' && !view.verification && !outside(book, view)) return refuse('not_handling')
  const missing = truths({
    final_check: view.finalCheckedAt === null,
    trapped: view.people.trapped > 0,
    injured: hurt(view) > 0,
    later_alarm: view.lastAlarmAt !== null && instant(facts.occurredAt) <= instant(view.lastAlarmAt),
    fire_command: view.commandHeldBy !== null,
    gas_value: view.kinds.includes('gas') && facts.belowClear === false,
  })
  if (missing.length) return refuse('not_eliminated', ...missing)
  return [{ type: 'HazardEliminated', staffId: actor.staffId, staffName: actor.name, note }]
}

const photo: Decide = (view, { sha256, takenAt, caption, burntSha256, previewSha256, statement, signature }) =>
  view.photos.some((each) => each.sha256 === sha256) ? [] : [{ type: 'PhotoAdded', sha256, takenAt, caption, burntSha256, previewSha256, statement, signature }]

export const decide: Record<string, Decide> = {
  field_declares_false: declareFalse,
  confirm_real: confirmReal,
  assess_controllable: assess,
  confirm_ppe: confirmPpe,
  start_handling: startHandling,
  enter,
  tick,
  withdraw,
  leave_scene: leaveScene,
  check_in: checkIn,
  final_check: finalCheck,
  field_confirm_eliminated: eliminated,
  note: (_, { text }) => [{ type: 'NoteAdded', text }],
  photo,
}

/* ---- applying ---- */

const entered: Evolve = (view, fact: Args, { facts }) => {
  const enteredAt = { ...view.enteredAt, [fact.staffId]: facts.now }
  return { ...view, enteredAt, entered: Object.keys(enteredAt) }
}

/** Where an uncontrollable incident stands: rescue once its lead is there. */
const rescueState = ({ lead }: IncidentView): IncidentView['state'] => (lead ? (lead.arrivedAt ? 'rescue' : 'en_route') : 'dispatching')

const itemDone: Evolve = (view, fact: Args, { actor, facts }) => {
  const { card, item, result, reason, value, photo: picture, cause, about } = fact
  const done: ItemDone = { card, item, result, reason, value, photo: picture, cause, about, by: actor.name, at: facts.occurredAt }
  return { ...view, items: [...view.items, done], structureHazard: view.structureHazard || (String(item).startsWith('B.4-2') && cause === 'hazard') }
}

export const evolve: Record<string, Evolve> = {
  FalseDeclared: (view, _, { facts }) => ({ ...view, state: 'stood_down', real: false, falseBy: 'field', falseDeclaredAt: facts.now }),
  RealConfirmed: (view) => ({ ...view, real: true }),
  AssessedControllable: (view) => ({
    ...view, state: view.state === 'rescue' ? 'on_scene' : view.state, control: 'controllable', withdrawn: false,
  }),
  AssessedUncontrollable: (view) => ({
    ...view, state: rescueState(view), control: 'uncontrollable', real: true, c2: null,
  }),
  PpeConfirmed: (view, fact: Args) => ({ ...view, ppe: { ...view.ppe, [fact.staffId]: { ok: true, missing: [], kinds: fact.kinds } } }),
  PpeMissing: (view, fact: Args) => ({ ...view, ppe: { ...view.ppe, [fact.staffId]: { ok: false, missing: fact.missing, kinds: [] } } }),
  HandlingStarted: (view) => ({ ...view, state: 'handling' }),
  Entered: entered,
  CheckedIn: entered,
  LeftScene: (view, fact) => ({ ...view, ...out(view, fact.staffId) }),
  Withdrawn: (view, fact) => ({ ...view, ...out(view, fact.staffId), withdrawn: true }),
  ItemDone: itemDone,
  FinalChecked: (view, _, { facts }) => ({ ...view, finalCheckedAt: facts.occurredAt }),
  HazardEliminated: (view, fact: Args, { facts }) => ({
    ...view, state: 'clearing', c2: { by: fact.staffId ?? '', name: fact.staffName, at: facts.occurredAt }, entered: [], enteredAt: {},
  }),
  PhotoAdded: (view, fact: Args, { actor }) => ({
    ...view,
    // the file travels by itself, later
    photos: [
      ...view.photos,
      {
        sha256: fact.sha256, burntSha256: fact.burntSha256, by: actor.name, takenAt: fact.takenAt, caption: fact.caption, stored: false,
        previewSha256: fact.previewSha256, previewStored: false, proof: null,
      },
    ],
  }),
  NoteAdded: (view) => view,
}
