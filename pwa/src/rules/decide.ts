/**
 * What the server's core would say to a field phone's command, said on the phone. Pure: state, time
 * and facts come in as values. Roles, states, arguments, cards and equipment are the rule book's;
 * the guards here are those that the core has in code, and a test feeds both the same histories.
 */
import type { Command, IncidentView } from '../wire/types'
import * as cordon from './cordon'
import * as evacuation from './evacuation'
import * as owed from './owed'
import * as rescue from './rescue'
import * as scene from './scene'
import { onIt } from './shared'
import { allowed, argumentsOf, offlineClass } from './table'
import * as way from './way'
import { instant, refuse, type Answer, type Decide, type Evolve, type Fact, type Moment, type Refused } from './words'

const DECIDE: Record<string, Decide> = { ...way.decide, ...scene.decide, ...rescue.decide, ...evacuation.decide, ...cordon.decide, ...owed.decide }
const EVOLVE: Record<string, Evolve> = { ...way.evolve, ...scene.evolve, ...rescue.evolve, ...evacuation.evolve, ...cordon.evolve, ...owed.evolve }

/** The commands that this phone can decide by itself. */
export const decided: readonly string[] = Object.keys(DECIDE)
/** The facts that this phone can apply by itself. */
export const applied: readonly string[] = Object.keys(EVOLVE)

/** Accept or refuse one command of a field phone. Saying one twice is the outbox's affair. */
export function decideField(view: IncidentView, command: Command, moment: Moment): Answer {
  const answer = answerOf(view, command, moment)
  return Array.isArray(answer) ? { facts: answer } : { refusal: answer }
}

function answerOf(view: IncidentView, command: Command, moment: Moment): Fact[] | Refused {
  const { book, facts } = moment
  const rule = book.commands[command.name]
  const guard = DECIDE[command.name]
  if (!rule?.roles.includes('field') || !guard) return refuse('not_your_role')
  const args = argumentsOf(book, command)
  const severity = offlineClass(book, command)
  const keep = (why: string): Fact[] => kept(view, command.name, args, severity === 'raises', why)
  const unfit = unfitness(view, rule.offShiftToo, moment)
  if (unfit) return facts.late && !facts.disabledBefore ? keep(unfit.code) : unfit
  if (!rule.from?.includes(view.state)) {
    const over = view.state === 'released' || view.state === 'archived'
    const overtaken = severity === 'fact' && facts.seenVersion !== null && facts.seenVersion < view.stateSince
    const keeps = severity !== null && (facts.late || overtaken || (severity === 'raises' && over))
    return keeps ? keep('state') : view.state === 'archived' ? refuse('archived') : refuse('wrong_state', view.state)
  }
  const lowers = command.name === 'report_trapped' ? Number(args.count) < view.people.trapped : severity === 'lowers'
  if (lowers && unaware(view, moment)) return facts.late ? keep('changed_since') : refuse('changed_unseen')
  const answer = guard(view, args, moment)
  return !Array.isArray(answer) && facts.late && severity !== null ? keep(answer.code) : answer
}

/** Something that matters was changed by somebody else, unseen, or by oneself only after this tap. */
function unaware(view: IncidentView, { actor, facts: { late, occurredAt, seenVersion } }: Moment): boolean {
  const tapped = instant(occurredAt)
  return Object.entries(view.relevant).some(([who, { at, receivedAt, version }]) =>
    who === actor.id
      ? late && instant(at) > tapped
      : (late && instant(receivedAt) > tapped) || (seenVersion !== null && version > seenVersion),
  )
}

const RELEVANT = ['AlertRaised', 'EpisodeAdded', 'LeadReleased', 'AssessedControllable', 'AssessedUncontrollable', 'InjuredChanged', 'CordonSet']

/** What a lowering command must have seen: alarms, who leads, the assessment, people. */
const matters = (fact: Fact): boolean =>
  fact.type === 'Accepted' ? fact.lead === true : fact.type === 'TrappedChanged' ? Number(fact.count) > Number(fact.before) : RELEVANT.includes(fact.type)

/** Qualified, and on shift unless already on it or doing one's paperwork. */
function unfitness(view: IncidentView, offShiftToo: boolean, { actor, facts }: Moment): Refused | null {
  if (!facts.qualified) return refuse('not_qualified')
  return facts.onShift || onIt(view, actor.staffId) || facts.late || offShiftToo ? null : refuse('off_shift')
}

/** What the journal keeps of a command that cannot be applied any more. */
function kept(view: IncidentView, command: string, args: Record<string, unknown>, raises: boolean, why: string): Fact[] {
  const said = { command, arguments: args }
  if (raises && (view.state === 'released' || view.state === 'archived')) return [{ type: 'LateRaise', ...said }]
  return [view.state === 'archived' ? { type: 'AddendumProposed', ...said } : { type: 'LateStatement', ...said, why }]
}

/** The view after these facts of one command: the same that the server's next view will say. */
export function evolveView(view: IncidentView, facts: readonly Fact[], moment: Moment): IncidentView {
  const { book, actor } = moment
  const { occurredAt: at, now: receivedAt } = moment.facts
  const after = facts.reduce((now, fact, n) => {
    const version = view.version + n + 1
    const moved = (EVOLVE[fact.type] as Evolve)(now, fact, moment)
    const relevant = matters(fact) ? { ...now.relevant, [actor.id]: { at, receivedAt, version } } : now.relevant
    return { ...moved, relevant, stateSince: moved.state === now.state ? now.stateSince : version }
  }, view)
  // a photograph's signature is proof, not story
  const entries = facts.map(({ type, statement: _statement, signature: _signature, ...fields }, n) => ({
    version: view.version + n + 1,
    at: moment.facts.occurredAt,
    receivedAt: moment.facts.now,
    late: moment.facts.late,
    type,
    actor: { id: actor.id, name: actor.name, role: 'field' },
    facts: fields,
  }))
  return {
    ...after,
    version: view.version + facts.length,
    alertActive: book.alerting.includes(after.state),
    timeline: [...view.timeline, ...entries],
    allowed: allowed(book, after.state, actor.roles),
  }
}
