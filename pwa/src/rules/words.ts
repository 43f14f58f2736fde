/** The few shapes that deciding and applying share. */
import type { IncidentView, Iso, Uuid } from '../wire/types'
import type { RuleTable } from './table'

/** A person with the role ``field``, and all roles of the account for what may be offered next. */
export interface Actor { id: string; name: string; staffId: Uuid | null; roles: readonly string[] }

export interface Office { id: Uuid; name: string; kind: string }

/** What the rules are told about the world: values, no lookups. ``null`` is "not known here". */
export interface Facts {
  /** the tap, on the service's clock */
  occurredAt: Iso
  /** when it is decided */
  now: Iso
  late: boolean
  /** the last version of the incident that the phone knew; null: the one at hand */
  seenVersion: number | null
  qualified: boolean
  onShift: boolean
  leadsElsewhere: boolean
  disabledBefore: boolean
  /** the account named as second person is in use, and not one's own */
  secondPerson: boolean
  staffName: string
  badge: string
  metres: number | null
  belowClear: boolean | null
  /** offices of the address; null on a phone, which does not know them: reports are then not guessed */
  offices: readonly Office[] | null
  /** fresh ids for reports, taken in order */
  newIds: readonly Uuid[]
}

/** What happened, as in the journal: ``type`` and its fields. */
export interface Fact { type: string; [field: string]: unknown }

export interface Refused { code: string; missing: string[] }
export type Answer = { facts: Fact[] } | { refusal: Refused }

/** Who, when, by which rules: what goes beside a fact into the journal. */
export interface Moment { book: RuleTable; actor: Actor; facts: Facts }

/** One region's rule for one command. ``args`` has every argument of the command. */
export type Decide = (view: IncidentView, args: Args, moment: Moment) => Fact[] | Refused
export type Evolve = (view: IncidentView, fact: Fact, moment: Moment) => IncidentView

/** Arguments of a command or fields of a fact, as the server wrote or will check them. */
export type Args = Record<string, any>

export const refuse = (code: string, ...missing: string[]): Refused => ({ code, missing })

/** The codes of what is true, in order. */
export const truths = (found: Record<string, boolean>): string[] => Object.entries(found).flatMap(([code, yes]) => (yes ? [code] : []))

export const filled = (text: unknown): boolean => typeof text === 'string' && text.trim() !== ''
export const instant = (at: Iso): number => Date.parse(at)
export const after = (at: Iso, seconds: number): Iso => new Date(Date.parse(at) + seconds * 1000).toISOString()
