/** Region: evacuation (6.3.5.1). The newest word on a person stands; see the core's module of this name. */
import type { EvacuationMark, EvacuationView, IncidentView } from '../wire/types'
import { noCordonHere } from './shared'
import { instant, refuse, type Args, type Decide, type Evolve } from './words'

/** Before a household's id: a home of which nobody is registered, counted as one to be found. */
export const HOME = 'home:'
export const STATUSES = ['out', 'with_fire', 'nobody_home', 'refused', 'untick'] as const
export type Status = (typeof STATUSES)[number]

export const missing = ({ expected, marks }: EvacuationView): number => expected.filter((id) => !marks[id] || marks[id].status === 'untick').length

/** The counts, made anew from what was said. */
function totals(evac: EvacuationView): EvacuationView {
  const count: Record<Status, number> = { out: 0, with_fire: 0, nobody_home: 0, refused: 0, untick: 0 }
  for (const mark of Object.values(evac.marks)) count[mark.status] += mark.count
  for (const counters of Object.values(evac.heads))
    for (const status of STATUSES) count[status] += Math.max(0, ...Object.values(counters).map((said) => said[status] ?? 0))
  const lost = missing(evac)
  const unaccounted = evac.state !== 'closed' ? lost : evac.expected.length ? Math.min(evac.unaccounted, lost) : evac.unaccounted
  return { ...evac, out: count.out, withFire: count.with_fire, absent: count.nobody_home, refused: count.refused, unaccounted }
}

/** By time, then by person; of one phone the later word stands even where both have one time. */
function newer(one: EvacuationMark, other: EvacuationMark | undefined): boolean {
  if (!other || instant(one.at) > instant(other.at)) return true
  return instant(one.at) === instant(other.at) && one.by >= other.by
}

const personOut: Decide = (view, { personId, household, householdId, count, status }, { facts }) => {
  const named = personId !== null
  if (count < 1 && (named || count === 0 || status === 'untick')) return refuse('count_below_zero')
  const one = named && !personId.startsWith(HOME)
  const said = { type: 'PersonAccounted', personId, household, householdId, count: one ? 1 : count, status }
  // a tick that arrives after the end belongs to it; that somebody is missing after all does not
  const over = view.evacuation.state === 'closed' && facts.late && status !== 'untick'
  return view.evacuation.state === 'running' || over ? [said] : [{ type: 'EvacuationStarted' }, said]
}

const closeEvacuation: Decide = (view, { handedTo, unaccounted }) => {
  if (view.evacuation.state !== 'running') return []
  const lost = Math.max(unaccounted, missing(view.evacuation))
  if (lost > 0 && !handedTo && !view.commandHeldBy) return refuse('people_unaccounted', String(lost))
  return [{ type: 'EvacuationClosed', handedTo, unaccounted: lost }]
}

export const decide: Record<string, Decide> = {
  start_evacuation: (view, _, { book }) => {
    if (view.evacuation.state === 'running') return []
    return noCordonHere(book, view) ? refuse('kind_without_danger') : [{ type: 'EvacuationStarted' }]
  },
  person_out: personOut,
  close_evacuation: closeEvacuation,
}

/* ---- applying ---- */

const evacuating = (view: IncidentView, change: Partial<EvacuationView>): IncidentView => ({ ...view, evacuation: totals({ ...view.evacuation, ...change }) })

const accounted: Evolve = (view, fact: Args, { facts, actor }) => {
  const { marks, heads } = view.evacuation
  if (fact.personId !== null) {
    const mark: EvacuationMark = { status: fact.status, at: facts.occurredAt, by: actor.id, count: fact.count }
    return newer(mark, marks[fact.personId]) ? evacuating(view, { marks: { ...marks, [fact.personId]: mark } }) : view
  }
  const home = String(fact.householdId ?? fact.household)
  const counters = heads[home] ?? {}
  const mine = counters[actor.id] ?? {}
  const status = fact.status as Status
  return evacuating(view, { heads: { ...heads, [home]: { ...counters, [actor.id]: { ...mine, [status]: (mine[status] ?? 0) + fact.count } } } })
}

export const evolve: Record<string, Evolve> = {
  EvacuationStarted: (view) => evacuating(view, { state: 'running', unaccounted: 0 }),
  PersonAccounted: accounted,
  EvacuationClosed: (view, fact: Args) => ({
    ...view, evacuation: { ...view.evacuation, state: 'closed', handedTo: fact.handedTo, unaccounted: fact.unaccounted },
  }),
}
