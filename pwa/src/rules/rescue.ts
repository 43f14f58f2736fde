/** Region: people hurt, report for rescue, guiding, fire command (6.3.4). */
import type { ReportLine } from '../wire/types'
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
  const wanted = named === null ? known : (known?.filter((office) => named.includes(office.id)) ?? null)
  if (named !== null && wanted !== null && wanted.length !== new Set(named).size) return refuse('office_unknown')
  const queued = reportToOffices(view, moment, situation, wanted)
  // offices that have a report already learn what is new
  const told = (situation ?? '').trim()
  const standing = view.reports.some((report) => report.status !== 'failed')
  return told && standing && !view.supplements.includes(told) ? [{ type: 'ReportSupplemented', text: told }, ...queued] : queued
}

export const decide: Record<string, Decide> = {
  report_trapped: trapped,
  report_injured: injured,
  log_emergency_call: (_, { number, result }) => [{ type: 'EmergencyCallLogged', number, result }],
  report_to: reportTo,
  road_cleared: (view) => (view.roadOpen ? [] : [{ type: 'RoadOpened' }]),
  guide_posted: (_, { person, place, lat, lon }, { actor }) => [{ type: 'GuideInPlace', person: person || actor.name, place, lat, lon }],
  vehicle_arrived: (_, { what }) => [{ type: 'VehicleCame', what }],
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
    deliveredAt: null, acknowledgedAt: null, reply: null, dispatched: false, locationGap: fact.locationGap, voiceAt: null, purpose: fact.purpose,
  }
  return { ...view, reports: [...view.reports, report] }
}

export const evolve: Record<string, Evolve> = {
  TrappedChanged: (view, fact: Args) => ({
    ...view, people: { ...view.people, trapped: fact.count },
  }),
  InjuredChanged: (view, fact: Args) => ({
    ...view, people: { ...view.people, injured: fact.count, handedOver: fact.handedOver },
  }),
  AmbulanceNeeded: (view) => ({ ...view, people: { ...view.people, call120: view.calls.includes('120') ? 'called' : 'needed' } }),
  EmergencyCallLogged: called,
  ReportQueued: queued,
  ReportGap: (view) => ({ ...view, reportGap: true }),
  ReportSupplemented: (view, fact: Args) => ({ ...view, supplements: [...view.supplements, fact.text] }),
  RoadOpened: (view) => ({ ...view, roadOpen: true }),
  GuideInPlace: (view, fact: Args) => ({
    ...view,
    guide: `${fact.person} · ${fact.place}`.replace(/^[ ·]+|[ ·]+$/g, ''),
    meeting: fact.lat !== null && fact.lon !== null ? { lat: fact.lat, lon: fact.lon } : view.meeting,
  }),
  VehicleCame: (view, fact: Args, { facts }) => ({ ...view, vehicles: [...view.vehicles, { what: fact.what, at: facts.occurredAt }] }),
  CommandHeld: (view, fact: Args) => ({ ...view, commandHeldBy: fact.commander }),
  CommandReturned: (view) => ({ ...view, commandHeldBy: null }),
}
