/**
 * What the phone may believe while the server is silent: the last view, moved on by the phone's own
 * unanswered commands under the rules. The server decides; its next view replaces this one.
 * Commands that may not wait for the network (accepting, handing over) are believed only once the
 * server has said yes.
 */
import type { Command, IncidentView } from '../wire/types'
import { decideField, evolveView } from './decide'
import { offlineClass, type RuleTable } from './table'
import type { Actor, Facts, Refused } from './words'

export interface Pending {
  at: string
  command: Command
  /** the server took it; its picture of that is still on the way */
  answered: boolean
}
export interface Self extends Actor {
  onShift: boolean
  badge: string
}

/** What a phone knows of the world at a tap; what only the server can know counts as being in order. */
export function known(self: Self, at: string, more: Partial<Facts> = {}): Facts {
  return {
    occurredAt: at, now: at, late: false, seenVersion: null, qualified: true, onShift: self.onShift, leadsElsewhere: false, disabledBefore: false,
    secondPerson: true, staffName: self.name, badge: self.badge, metres: null, belowClear: null, offices: null, newIds: [], ...more,
  }
}

/** ``view`` after all of my unanswered commands, oldest first; those that would be refused change nothing. */
export function advance(book: RuleTable, view: IncidentView, pending: readonly Pending[], self: Self): IncidentView {
  return pending.reduce((now, { at, command, answered }) => {
    if (!answered && offlineClass(book, command) === null) return now
    const moment = { book, actor: self, facts: known(self, at) }
    const answer = decideField(now, command, moment)
    return 'facts' in answer ? evolveView(now, answer.facts, moment) : now
  }, view)
}

export interface Verdict {
  /** why the rules say no, as the server would; null: nothing against it */
  refusal: Refused | null
  /** goes into the outbox all the same: facts and what raises severity are never held back */
  queued: boolean
}

/** Asked before a tap is written down. */
export function verdict(book: RuleTable, view: IncidentView, command: Command, self: Self, facts: Facts): Verdict {
  const answer = decideField(view, command, { book, actor: self, facts })
  const severity = offlineClass(book, command)
  return 'refusal' in answer ? { refusal: answer.refusal, queued: severity === 'fact' || severity === 'raises' } : { refusal: null, queued: true }
}
