/** Region: the locks from the field's side, and what is owed afterwards (6.3.6, 6.2.4, B.4–B.6). */
import type { IncidentView } from '../wire/types'
import { hurt, leads, meet } from './shared'
import { outside } from './table'
import { filled, refuse, truths, type Args, type Decide, type Evolve } from './words'

/** A hand measurement needs two persons; a technician's ways are not the field's. */
const substituteC1: Decide = (view, { how, evidence, second }, { facts }) => {
  if (!filled(evidence)) return refuse('evidence_needed')
  if (how !== 'hand_measured') return refuse('not_your_role')
  if (!facts.secondPerson) return refuse('two_persons_needed')
  const quiet = view.detectors.filter((each) => each.alarming).map((each) => ({ type: 'DetectorNormal', detectorId: each.id, at: facts.occurredAt, normals: 0 }))
  return [...quiet, { type: 'NormalConditionMet', how, evidence, second }]
}

const DAY_S = 86_400
const handToAuthority: Decide = (view, { authority, acknowledgedBy, cycleD, reason }, { book, actor }) => {
  if (!leads(view, actor.staffId)) return refuse('not_lead')
  if (view.state === 'on_scene' && !outside(book, view)) return refuse('not_handling')
  if (!filled(acknowledgedBy) || !filled(authority)) return refuse('authority_silent')
  const building = view.kinds.includes('structure')
  if (!building && !filled(reason)) return refuse('reason_needed')
  const people = truths({ trapped: view.people.trapped > 0, injured: hurt(view) > 0 })
  if (people.length) return refuse('people_first', ...people)
  const usual = (building ? book.timers.monitored_structure_s : book.timers.monitored_s) ?? DAY_S
  const handed = { type: 'HandedToAuthority', authority, acknowledgedBy, cycleD: cycleD || Math.max(1, Math.round(usual / DAY_S)), reason }
  return building ? [handed, ...meet(view, 'authority_report')] : [handed]
}

const falseReport: Decide = (view, { cause, analysis, measure }) => {
  const empty = truths({ cause: !filled(cause), analysis: !filled(analysis), measure: !filled(measure) })
  if (empty.length) return refuse('report_incomplete', ...empty)
  return [{ type: 'FalseReportFiled', cause, analysis, measure }, ...meet(view, 'false_report')]
}

/** Gas: the leak is looked for only after release. */
const causeFound: Decide = (view, { code, note }) => {
  const gas = view.kinds.includes('gas')
  if (gas && view.state !== 'released') return refuse('after_release_only')
  return [{ type: 'CauseEstablished', code, note }, ...meet(view, gas ? 'leak_cause' : 'cause_found')]
}

export const decide: Record<string, Decide> = {
  substitute_c1: substituteC1,
  hand_to_authority: handToAuthority,
  party_advised: (view, { kind, way }) => [{ type: 'Advised', kind, way }, ...meet(view, `advice_${kind}`)],
  submit_false_report: falseReport,
  community_report: (view, { state }) =>
    filled(state) ? [{ type: 'CommunityReported', state }, ...meet(view, 'community_report')] : refuse('report_incomplete', 'state'),
  authority_report: (view, { authority, by, situation }) =>
    filled(authority) ? [{ type: 'AuthorityReported', authority, by, situation }, ...meet(view, 'authority_report')] : refuse('report_incomplete', 'authority'),
  unit_contacted: (view, { unit, by }) => [{ type: 'UnitReached', unit, by }, ...meet(view, 'unit_contacted')],
  check_result: (view, { result, value }) => [{ type: 'Checked', result, value }, ...meet(view, 'check_result')],
  cause_found: causeFound,
}

/* ---- applying ---- */

const met: Evolve = (view, { code }: Args, { facts }) => ({
  ...view,
  obligations: view.obligations.map((debt) => (debt.code === code && !debt.doneAt && !debt.waivedAt ? { ...debt, doneAt: facts.occurredAt } : debt)),
  met: [...new Set([...view.met, code])].sort(),
})

const owed: Evolve = (view, { code, dueAt }: Args, { facts }) => ({
  ...view,
  obligations: [...view.obligations, { code, dueAt, doneAt: view.met.includes(code) ? facts.occurredAt : null, waivedAt: null }],
})

const quiet: Evolve = (view, fact: Args) => ({
  ...view,
  detectors: view.detectors.map((each) => (each.id === fact.detectorId ? { ...each, alarming: false, normalSince: each.normalSince ?? fact.at } : each)),
})

const kept: Evolve = (view) => view

const late: Evolve = (view, fact: Args, { actor, facts }) => ({
  ...view,
  lateStatements: [...view.lateStatements, { at: facts.occurredAt, by: actor.name || actor.id, command: fact.command, why: fact.why, arguments: fact.arguments }],
})

export const evolve: Record<string, Evolve> = {
  ObligationMet: met,
  ObligationDue: owed,
  DetectorNormal: quiet,
  NormalConditionMet: (view, { how }: Args, { facts }): IncidentView => ({ ...view, c1: { how, at: facts.occurredAt } }),
  HandedToAuthority: (view) => ({ ...view, state: 'monitored', entered: [], enteredAt: {} }),
  Advised: kept,
  FalseReportFiled: kept,
  CommunityReported: kept,
  AuthorityReported: kept,
  UnitReached: kept,
  Checked: kept,
  CauseEstablished: kept,
  LateStatement: late,
  LateRaise: kept,
  AddendumProposed: kept,
}
