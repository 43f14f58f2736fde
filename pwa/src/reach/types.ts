/** Who can be reached, and what became of messages, as the service says it. */
import type { Said } from '../i18n'
import type { Iso, Uuid } from '../wire/types'

export type Mark = 'good' | 'fair' | 'bad' | 'unknown'
export interface Part { code: string; points: number; most: number; mark: Mark; said: Said; remedy: Said | null }
export interface Reachable {
  staffId: Uuid
  name: string
  badge: string
  onSince: Iso | null
  number: number
  parts: Part[]
  doors: string[]
  lastReceiptAt: Iso | null
  testedAt: Iso | null
  lost: (Said & { since: Iso; why: string }) | null
}
export interface ReachBoard { now: Iso; below: number; people: Reachable[] }
export interface Trial {
  messageId: Uuid
  why: 'start' | 'planned' | 'self' | 'desk'
  door: string | null
  plannedAt: Iso
  sentAt: Iso
  expiresAt: Iso
  answeredAt: Iso | null
  answeredBy: string | null
  missedAt: Iso | null
  droppedAt: Iso | null
}
export interface Plan { everyS: number | null; atStart: boolean; sound: 'never' | 'day' | 'always' }
export interface ReachDetail {
  now: Iso
  below: number
  person: Reachable
  plan: Plan
  ownPlan: boolean
  trials: Trial[]
  changes: { at: Iso; reachable: boolean; why: string; number: number }[]
}
export interface Rung {
  door: string
  name: Said
  plannedAt: Iso
  steps: { claimedAt: Iso; answeredAt: Iso | null; outcome: string | null; said: Said }[]
  deliveredAt: Iso | null
  skipped: string | null
  said: Said
}
export interface Told {
  messageId: Uuid
  to: string
  title: string
  masked: boolean
  urgency: string | null
  handling: string | null
  sentAt: Iso
  expiresAt: Iso
  ended: string | null
  cause: { code: string; came: boolean; said: Said }
  rungs: Rung[]
  receipts: { kind: 'delivered' | 'seen' | 'acted'; at: Iso; door: string | null }[]
}
export interface Letter {
  messageId: Uuid
  to: string
  title: string
  urgency: string | null
  createdAt: Iso
  deadAt: Iso
  lastError: Said
  attempts: number
  toldPerson: boolean
  sentAgainAs: Uuid | null
  maySendAgain: boolean
}
export interface Provider {
  provider: string
  state: 'closed' | 'open' | 'half_open'
  failures: number
  since: Iso | null
  openUntil: Iso | null
  lastError: Said | null
  lastErrorAt: Iso | null
  attempts: number
  taken: number
  p50S: number | null
  p99S: number | null
}
export interface Providers { now: Iso; opened: string[]; providers: Provider[] }
export interface ReachCounts { unreachable: number; deadLetters: number; openBreakers: number }
