/** What the lead's and the manager's screens read. */
import type { Iso, Uuid } from '../wire/types'

export interface Choices {
  staff: { staffId: Uuid; name: string; badge: string }[]
  places: { detectorId: Uuid; kind: string; label: string; address: string }[]
  scenarios: Scenario[]
  /** what of the standard's list no drill can play, and why */
  notPlayed: { golden: number; zh: string; en: string }[]
}
export interface Scenario {
  code: string
  golden: number
  kind: string
  zh: string
  en: string
  brief: { zh: string; en: string }
  happenings: { afterS: number; what: 'normal' | 'alarm' | 'second' | 'say'; zh: string; en: string }[]
}
export interface DrillStep { code: string; zh: string; en: string; by: string; atS: number; targetS: number | null; met: boolean | null }
export interface DrillReport { line: DrillLine; steps: DrillStep[] }
export interface DrillPart { staffId: Uuid; name: string; badge: string; offeredS: number | null; answer: string | null; acceptedS: number | null; arrivedS: number | null; entered: boolean }
export interface DrillLine {
  incidentId: Uuid
  no: string
  scenario: string
  kind: string
  address: string
  state: string
  startedBy: string
  startedAt: Iso
  endedAt: Iso | null
  releasedAt: Iso | null
  releasedHow: string | null
  actionsDone: number
  outcome: string
  staff: DrillPart[]
}
export interface ItemWords { code: string; zh: string; en: string; hint: { zh: string; en: string }; photo: boolean }
export interface GearWords { code: string; zh: string; en: string; required?: boolean | null }
export interface CardWords { cards: Record<string, ItemWords[]>; ppe: Record<string, GearWords[]> }
export interface CardSet {
  version: number
  basedOn: number
  note: string
  proposedBy: Uuid
  proposedName: string
  proposedAt: Iso
  approvedName: string | null
  approvedAt: Iso | null
  declinedName: string | null
  declinedAt: Iso | null
  declinedWhy: string | null
  changed: string[]
}
export interface Cards { current: number; words: CardWords; sets: CardSet[] }
export interface Fault { what: string; at: string }
