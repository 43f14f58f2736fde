/** Small pieces that several regions use: who leads, debts, reports, calling for people. */
import type { IncidentView, Iso, Uuid } from '../wire/types'
import { owedWhenReal, type RuleTable } from './table'
import { after, type Fact, type Moment } from './words'

export const leads = (view: IncidentView, staff: Uuid | null): boolean => staff !== null && view.lead?.staffId === staff
export const onIt = (view: IncidentView, staff: Uuid | null): boolean => leads(view, staff) || view.helpers.some((helper) => helper.staffId === staff)
export const hurt = (view: IncidentView): number => Math.max(0, view.people.injured - view.people.handedOver)

/** A debt; nothing when it is known already. */
export const due = (view: IncidentView, code: string, at: Iso | null = null): Fact[] =>
  view.obligations.some((debt) => debt.code === code) ? [] : [{ type: 'ObligationDue', code, dueAt: at }]

/** Settle a debt, also one that falls due only later. */
export const meet = (view: IncidentView, code: string): Fact[] => (view.met.includes(code) ? [] : [{ type: 'ObligationMet', code }])

export const dueWhenReal = (view: IncidentView, { book, facts }: Moment): Fact[] =>
  owedWhenReal(book, view.kinds).flatMap((code) => due(view, code, after(facts.now, book.timers.debt_s ?? 0)))

/** Ask for a lead unless one is coming or being asked for. */
export const callForPeople = (view: IncidentView, reason: string): Fact[] =>
  view.lead || view.dispatchOpen ? [] : [{ type: 'DispatchRequested', reason, round: view.round + 1, preferred: null, notAgain: [] }]

/** One more person beside the lead; a lead first where there is none. */
export const wantHelper = (view: IncidentView, reason: string): Fact[] => {
  if (!view.lead) return callForPeople(view, reason)
  return view.helperWanted ? [] : [{ type: 'HelperWanted', reason }]
}

const located = ({ address, householdId, floor, room, datum, lat, lon }: IncidentView['place']): boolean =>
  Boolean(address && (!householdId || floor || room) && datum && (lat || lon))

/** One report for each office of the address that has none standing. */
export function reportToOffices(view: IncidentView, { facts }: Moment, situation: string, offices = facts.offices): Fact[] {
  if (offices === null) return []
  const standing = new Set(view.reports.filter((report) => report.status !== 'failed' && report.purpose !== 'people').map((report) => report.officeId))
  if (offices.length === 0 && view.reports.length === 0) return view.reportGap ? [] : [{ type: 'ReportGap' }]
  return offices
    .filter((office) => !standing.has(office.id))
    .slice(0, facts.newIds.length)
    .map((office, n) => ({ type: 'ReportQueued', reportId: facts.newIds[n], office, situation, locationGap: !located(view.place), purpose: 'rescue' }))
}

/** A hydrant, a silent door or running water clears no house, unless it got out of hand. */
export const noCordonHere = (book: RuleTable, view: IncidentView): boolean =>
  view.control !== 'uncontrollable' && !view.kinds.some((kind) => book.kinds[kind]?.evacuates)

/** Uncontrollable: say so, report to every office, and see that somebody comes. */
export const escalate = (view: IncidentView, moment: Moment, reason: string): Fact[] => [
  { type: 'AssessedUncontrollable', reason },
  ...reportToOffices(view, moment, reason),
  ...callForPeople(view, 'uncontrollable'),
]
