/** Region: being asked, joining, coming (6.2.3). */
import type { IncidentView, OfferRecord } from '../wire/types'
import { leads, onIt, wantHelper } from './shared'
import { instant, refuse, type Args, type Decide, type Evolve, type Fact, type Moment } from './words'

const offerOf = (view: IncidentView, id: unknown): OfferRecord | undefined => view.offers.find((offer) => offer.id === id)

const accept: Decide = (view, args, { book, actor, facts }) => {
  const made = offerOf(view, args.offerId)
  if (!made || made.staffId !== actor.staffId) return refuse('no_such_offer')
  if (made.outcome === 'accepted' && onIt(view, actor.staffId)) return []
  if (view.lead && !made.helper) return refuse('lead_on_it', view.lead.name)
  if (made.outcome !== 'open' || instant(facts.now) > instant(made.expiresAt)) return refuse('offer_over')
  if (facts.leadsElsewhere) return refuse('leads_elsewhere')
  const { id, staffId, name, badge = '', metres, minutes } = made
  const lead = !view.lead
  const lateAfterS = lead ? lateAfter(view, book, minutes) : null
  return [{ type: 'Accepted', offerId: id, staffId, staffName: name, badge, metres, minutes, lead, lateAfterS }]
}

/** When a lead under way is too slow, s; the server then asks somebody to come as well. */
function lateAfter(view: IncidentView, { timers }: Moment['book'], minutes: number | null): number {
  const limit = timers.en_route_p1_s ?? 0
  if (minutes === null) return limit
  const expected = minutes * 60 + (timers.en_route_slack_s ?? 0)
  return view.urgency === 'emergency' ? Math.min(expected, limit) : expected
}

const decline: Decide = (view, { offerId, reason, note }, moment) => {
  const made = offerOf(view, offerId)
  if (!made || made.staffId !== moment.actor.staffId) return refuse('no_such_offer')
  const who = { staffId: made.staffId, staffName: made.name }
  const said = { type: 'OfferDeclined', offerId: made.id, ...who, reason, note }
  if (made.outcome === 'open') return [said]
  if (made.outcome === 'accepted' && mayUndo(view, moment))
    return [said, { type: 'LeadReleased', ...who, reason }, { type: 'DispatchRequested', reason: 'undone', round: Math.max(1, view.round), preferred: null, notAgain: [] }]
  const left = made.outcome === 'accepted' ? undoHelp(view, moment) : []
  if (left.length) return [said, ...left]
  return made.outcome === 'declined' || made.outcome === 'expired' ? [] : refuse('offer_over')
}

function mayUndo({ lead }: IncidentView, { book, actor, facts }: Moment): boolean {
  if (!lead || lead.staffId !== actor.staffId || lead.arrivedAt !== null) return false
  return instant(facts.occurredAt) - instant(lead.acceptedAt) <= (book.timers.undo_s ?? 0) * 1000
}

/** A helper who taps "can't come" a moment after accepting; the next nearest is asked. */
function undoHelp(view: IncidentView, { book, actor, facts }: Moment): Fact[] {
  const mine = view.helpers.find((helper) => helper.staffId === actor.staffId)
  if (!mine || mine.arrivedAt !== null) return []
  if (instant(facts.occurredAt) - instant(mine.acceptedAt) > (book.timers.undo_s ?? 0) * 1000) return []
  return [{ type: 'HelperLeft', staffId: mine.staffId, staffName: mine.name, reason: 'undone' }, ...wantHelper(view, 'undone')]
}

const callHelper: Decide = (view, { reason }, { actor }) =>
  onIt(view, actor.staffId) ? wantHelper(view, reason || 'asked') : refuse('not_assigned')

const selfAssign: Decide = (view, _, { book, actor, facts }) => {
  const staffId = actor.staffId
  if (staffId === null) return refuse('field_only')
  if (leads(view, staffId) || (onIt(view, staffId) && (view.lead || facts.leadsElsewhere))) return []
  if (facts.metres === null || facts.metres > (book.timers.self_assign_m ?? 0)) return refuse('too_far_to_join')
  const lead = view.lead === null && !facts.leadsElsewhere
  const joined = { type: 'Accepted', offerId: null, staffId, staffName: facts.staffName || actor.name, badge: facts.badge, metres: facts.metres, minutes: null, lead, lateAfterS: lead ? lateAfter(view, book, null) : null }
  const asked = view.offers.find((offer) => offer.outcome === 'open')
  if (!lead || !asked) return [joined]
  return [{ type: 'OfferReleased', offerId: asked.id, staffId: asked.staffId, reason: 'taken' }, joined]
}

const arrived: Decide = (view, { metresOff }, { actor }) => {
  const staffId = actor.staffId
  const who = [view.lead, ...view.helpers].find((each) => each?.staffId === staffId)
  if (staffId === null || !who) return refuse('not_assigned')
  if (who.arrivedAt !== null) return []
  return [{ type: 'ArrivedOnScene', staffId, staffName: who.name, metresOff, lead: leads(view, staffId) }]
}

export const decide: Record<string, Decide> = { accept, decline, self_assign: selfAssign, call_helper: callHelper, arrived }

/* ---- applying ---- */

const settled = (view: IncidentView, id: unknown, outcome: OfferRecord['outcome'], reason: string | null): IncidentView => ({
  ...view,
  offers: view.offers.map((offer) => (offer.id === id ? { ...offer, outcome, reason } : offer)),
})

export const out = (view: IncidentView, staff: unknown): Pick<IncidentView, 'entered' | 'enteredAt'> => {
  const enteredAt = Object.fromEntries(Object.entries(view.enteredAt).filter(([id]) => id !== staff))
  return { enteredAt, entered: Object.keys(enteredAt) }
}

const accepted: Evolve = (before, fact: Args, { facts }) => {
  const view = fact.offerId === null ? before : settled(before, fact.offerId, 'accepted', null)
  const { staffId, staffName, badge, metres, minutes } = fact
  const who = { staffId, name: staffName, badge, metres, minutes, acceptedAt: facts.occurredAt, arrivedAt: null }
  if (!fact.lead) return { ...view, helpers: [...view.helpers, who], helperWanted: '' }
  const arrivedAt = view.helpers.find((helper) => helper.staffId === staffId)?.arrivedAt ?? null
  return {
    ...view,
    lead: { ...who, arrivedAt },
    helpers: view.helpers.filter((helper) => helper.staffId !== staffId),
    state: arrivedAt === null ? 'en_route' : onArrival(view),
    dispatchOpen: false,
    nobodyLeft: false,
  }
}

/** Where the incident stands when its lead is there. */
const onArrival = ({ control }: IncidentView): IncidentView['state'] => (control === 'uncontrollable' ? 'rescue' : 'on_scene')

const came: Evolve = (view, fact: Args, { facts }) => {
  const arrivedAt = facts.occurredAt
  if (!fact.lead || !view.lead)
    return { ...view, helpers: view.helpers.map((helper) => (helper.staffId === fact.staffId ? { ...helper, arrivedAt } : helper)) }
  const there = { ...view, lead: { ...view.lead, arrivedAt } }
  if (view.state !== 'en_route') return there
  return { ...there, state: onArrival(view) }
}

export const evolve: Record<string, Evolve> = {
  Accepted: accepted,
  ArrivedOnScene: came,
  OfferDeclined: (view, fact: Args) => settled(view, fact.offerId, 'declined', fact.reason),
  OfferReleased: (view, fact: Args) => settled(view, fact.offerId, 'released', fact.reason),
  // who is inside stays on it until they are out
  LeadReleased: (view) => ({ ...view, lead: null, helpers: view.lead && view.entered.includes(view.lead.staffId) ? [...view.helpers, view.lead] : view.helpers, helperWanted: '' }),
  HelperWanted: (view, fact: Args) => ({ ...view, helperWanted: fact.reason }),
  HelperLeft: (view, fact) => ({ ...view, helpers: view.helpers.filter((helper) => helper.staffId !== fact.staffId), ...out(view, fact.staffId) }),
  DispatchRequested: (view, fact: Args) => ({ ...view, state: 'dispatching', dispatchOpen: true, round: fact.round, nobodyLeft: false }),
  RespondersStoodDown: (view) => ({ ...view, lead: view.lead?.arrivedAt ? view.lead : null, helpers: [], entered: [], enteredAt: {}, dispatchOpen: false, helperWanted: '' }),
}
