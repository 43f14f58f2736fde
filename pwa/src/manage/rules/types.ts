/** The rules of alarms as the service gives them; numbers are in the quantity's unit, times in s. */
import type { Uuid } from '../../wire/types'

export const NUMBERS = ['raiseAt', 'clearAt', 'onDelayS', 'nightOnDelayS', 'offDelayS', 'normals', 'times', 'windowS', 'least', 'learnS'] as const
export type NumberName = (typeof NUMBERS)[number]

export interface Rule {
  code: string
  kind: string
  quantity: string
  form: 'flag' | 'above' | 'below' | 'beyond'
  of: 'value' | 'change' | 'rate' | 'used' | 'unused' | 'running' | 'still'
  stage: 'note' | 'alarm'
  unit: string | null
  raiseAt: number
  clearAt: number
  onDelayS: number
  nightOnDelayS: number | null
  offDelayS: number
  normals: number
  times: number
  windowS: number
  least: number
  learnS: number
  anyKind: boolean
  off: boolean
  ours: boolean
  source: string
}

/** What differs from the program's own numbers, everywhere or in one scope. */
export type Change = { code: string; group?: string; detector?: Uuid; off?: boolean } & Partial<Record<NumberName, number>>

export interface RuleSet {
  version: number
  basedOn: number
  changes: Change[]
  note: string
  proposedBy: Uuid
  proposedName: string
  proposedAt: string
  approvedName: string | null
  approvedAt: string | null
  declinedName: string | null
  declinedAt: string | null
  declinedWhy: string | null
}

export interface RulesPage {
  version: number
  rules: Rule[]
  given: Change[]
  changes: Change[]
  groups: Record<string, string>
  sets: RuleSet[]
  names: Record<Uuid, string>
}

export interface Fault {
  what: string
  at: string
}

export interface Raise {
  rule: string
  quantity: string
  at: string
  endedAt: string | null
  value: number
  unit: string | null
  limit: number | null
}

/** One alarm that the draft would take away or add, and what people found. */
export interface Told {
  what: 'gone' | 'new'
  detectorId: Uuid
  label: string
  alarm: Raise
  how: string | null
  incidentId: Uuid | null
  no: string | null
}

export interface Result {
  days: number
  detectors: number
  readings: number
  before: number
  after: number
  falseAvoided: number
  realMissed: number
  unjudged: number
  added: number
  notesBefore: number
  notesAfter: number
  listedAll: boolean
}

export type Line = { progress: { done: number; of: number; readings: number } } | { episode: Told } | { result: Result }
