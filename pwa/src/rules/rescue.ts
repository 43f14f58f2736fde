/** Region: report for rescue, guiding, evacuation, cordon, fire command (6.3.4, 6.3.5). */
import type { IncidentView, ReportLine } from '../wire/types'
import { escalate, reportToOffices } from './shared'
import { refuse, type Args, type Decide, type Evolve } from './words'

/** Trapped people force the report for rescue; fewer needs what became of them. */
const trapped: Decide = (view, { count, place, outcome }, moment) => {
  if (count < 0) return refuse('count_below_zero')
  const before = view.people.trapped
  if (count < before && !(outcome ?? '').trim()) return refuse('outcome_needed')
  const said = { type: 'TrappedChanged', count, before, place, outcome }
  if (count === 0 || (count <= before && view.control === 'uncontrollable')) return [said]
  return [said, ...escalate(view, moment, 'trapped')]
}

const injured: Decide = (view, { count, handedOver }) => {
  if (count < 0 || handedOver < 0) return refuse('count_below_zero')
  if (count < view.people.injured) return refuse('count_only_grows', String(view.people.injured))
  const said = { type: 'InjuredChanged', count, handedOver: Math.min(handedOver, count) }
  return count > view.people.injured && view.people.call120 === 'not_needed' ? [said, { type: 'AmbulanceNeeded' }] : [said]
}

const reportTo: Decide = (view, { offices: named, situation }, moment) => {
  const known = moment.facts.offices
  if (named === null || known === null) return reportToOffices(view, moment, situation)
  const wanted = known.filter((office) => named.includes(office.id))
  if (wanted.length !== new Set(named).size) return refuse('office_unknown')
  return reportToOffices(view, moment, situation, wanted)
}

const personOut: Decide = (view, { personId, household, count, status }) => {
  if (count < 1) return refuse('count_below_zero')
  const said = { type: 'PersonAccounted', personId, household, count, status }
  return view.evacuation.state === 'running' ? [said] : [{ type: 'EvacuationStarted' }, said]
}

const closeEvacuation: Decide = (view, { handedTo, unaccounted }) => {
  if (view.evacuation.state !== 'running') return []
  if (unaccounted > 0 && !handedTo && !view.commandHeldBy) return refuse('people_unaccounted', String(unaccounted))
  return [{ type: 'EvacuationClosed', handedTo, unaccounted }]
}

const setCordon: Decide = (_, { shape, radiusM, posts }) => {
  const drawn = ['Polygon', 'Point'].includes(shape.type) && Array.isArray(shape.coordinates) && shape.coordinates.length > 0
  return drawn ? [{ type: 'CordonSet', shape, radiusM, posts }] : refuse('no_geometry')
}

const liftCordon: Decide = (view) => {
  if (view.cordon.state !== 'set') return []
  if (view.evacuation.state === 'running') return refuse('evacuation_running')
  return view.commandHeldBy === null ? [{ type: 'CordonLifted' }] : refuse('fire_command_holds', view.commandHeldBy)
}

export const decide: Record<string, Decide> = {
  report_trapped: trapped,
  report_injured: injured,
  log_emergency_call: (_, { number, result }) => [{ type: 'EmergencyCallLogged', number, result }],
  report_to: reportTo,
  road_cleared: (view) => (view.roadOpen ? [] : [{ type: 'RoadOpened' }]),
  guide_posted: (_, { person, place }, { actor }) => [{ type: 'GuideInPlace', person: person || actor.name, place }],
  vehicle_arrived: (_, { what }) => [{ type: 'VehicleCame', what }],
  start_evacuation: (view) => (view.evacuation.state === 'running' ? [] : [{ type: 'EvacuationStarted' }]),
  person_out: personOut,
  close_evacuation: closeEvacuation,
  set_cordon: setCordon,
  lift_cordon: liftCordon,
  fire_command_takes_over: (view, { commander }) => (view.commandHeldBy === commander ? [] : [{ type: 'CommandHeld', commander }]),
  fire_command_gives_back: (view, { commander }) => (view.commandHeldBy === null ? [] : [{ type: 'CommandReturned', commander }]),
}

/* ---- applying ---- */

const called: Evolve = (view, { number }: Args) => {
  const calls = [...view.calls, number]
  const ambulance = number === '120' && view.people.call120 !== 'not_needed'
  return { ...view, calls, people: ambulance ? { ...view.people, call120: 'called' } : view.people }
}

const queued: Evolve = (view, fact: Args, { facts }) => {
  const report: ReportLine = {
    id: fact.reportId, officeId: fact.office.id, name: fact.office.name, kind: fact.office.kind, status: 'sent', sentAt: facts.now,
    deliveredAt: null, acknowledgedAt: null, reply: null, dispatched: false,
  }
  return { ...view, reports: [...view.reports, report] }
}

const COUNTED = { out: 'out', refused: 'refused', nobody_home: 'absent' } as const

const accounted: Evolve = (view, fact: Args) => {
  const which = COUNTED[fact.status as keyof typeof COUNTED]
  return { ...view, evacuation: { ...view.evacuation, [which]: view.evacuation[which] + fact.count } }
}

const evacuation = (view: IncidentView, change: Partial<IncidentView['evacuation']>): IncidentView =>
  ({ ...view, evacuation: { ...view.evacuation, ...change } })

export const evolve: Record<string, Evolve> = {
  TrappedChanged: (view, fact: Args, { facts }) => ({
    ...view, people: { ...view.people, trapped: fact.count }, relevantAt: fact.count > fact.before ? facts.now : view.relevantAt,
  }),
  InjuredChanged: (view, fact: Args, { facts }) => ({
    ...view, people: { ...view.people, injured: fact.count, handedOver: fact.handedOver }, relevantAt: facts.now,
  }),
  AmbulanceNeeded: (view) => ({ ...view, people: { ...view.people, call120: view.calls.includes('120') ? 'called' : 'needed' } }),
  EmergencyCallLogged: called,
  ReportQueued: queued,
  ReportGap: (view) => ({ ...view, reportGap: true }),
  RoadOpened: (view) => ({ ...view, roadOpen: true }),
  GuideInPlace: (view, fact: Args) => ({ ...view, guide: `${fact.person} · ${fact.place}`.replace(/^[ ·]+|[ ·]+$/g, '') }),
  VehicleCame: (view, fact: Args) => ({ ...view, vehicles: [...view.vehicles, fact.what] }),
  EvacuationStarted: (view) => evacuation(view, { state: 'running' }),
  EvacuationClosed: (view, fact: Args) => evacuation(view, { state: 'closed', unaccounted: fact.unaccounted }),
  PersonAccounted: accounted,
  CordonSet: (view, fact: Args, { facts }) => ({
    ...view, cordon: { state: 'set', shape: fact.shape, radiusM: fact.radiusM, posts: fact.posts }, relevantAt: facts.now,
  }),
  CordonLifted: (view) => ({ ...view, cordon: { ...view.cordon, state: 'lifted' } }),
  CommandHeld: (view, fact: Args) => ({ ...view, commandHeldBy: fact.commander }),
  CommandReturned: (view) => ({ ...view, commandHeldBy: null }),
}
