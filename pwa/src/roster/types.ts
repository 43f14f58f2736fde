/** The roster as the service gives it, to the manager's screen and to each person's phone. */
import type { Iso, Uuid } from '../wire/types'

export type Role = 'desk' | 'desk_lead' | 'field' | 'technician'
export interface Fault { code: string; refused: boolean; zh: string; en: string; personId: Uuid | null; shiftId: Uuid | null }
export interface Shift { id: Uuid; personId: Uuid; role: Role; areaId: Uuid; fromAt: Iso; untilAt: Iso; faults: Fault[] }
export interface Area { id: Uuid; name: string; streets: string[]; deskMin: number; fieldMin: number }
export interface Person { id: Uuid; name: string; badge: string; post: 'desk' | 'field' | 'technician'; qualifiedFrom: string | null; qualifiedUntil: string | null }
export interface Gap { areaId: Uuid; area: string; kind: 'desk' | 'field'; fromAt: Iso; untilAt: Iso; have: number; need: number }
export interface Strength { areaId: Uuid; area: string; staff: number; onNow: number; homes: number; wanted: number; enough: boolean }
export type Stand = 'asked' | 'accepted' | 'done' | 'declined' | 'refused' | 'withdrawn' | 'expired'
export interface Swap { id: Uuid; asker: Uuid; colleague: Uuid; mine: Shift; theirs: Shift | null; stand: Stand; note: string; askedAt: Iso; why: string; faults: Fault[] }
export interface Pattern { id: Uuid; personId: Uuid; role: Role; areaId: Uuid; weekdays: number[]; fromMin: number; lengthMin: number; everyWeeks: number; firstOn: string; lastOn: string | null }
export interface Change { batch: Uuid; at: Iso; actorName: string; what: string; personId: Uuid | null; shiftId: Uuid | null; body: { before?: Shift | null; after?: Shift | null; reason?: string; why?: string } }
export interface Roster {
  now: Iso
  fromOn: string
  days: number
  areas: Area[]
  streets: string[]
  people: Person[]
  shifts: Shift[]
  gaps: Gap[]
  aheadDays: number
  strengths: Strength[]
  swaps: Swap[]
  patterns: Pattern[]
  history: Change[]
}
export interface PlanLine { outcome: 'new' | 'warned' | 'refused' | 'there'; shift: Shift | null; faults: Fault[]; line: number | null; text: string }
export interface Plan { applied: boolean; lines: PlanLine[] }

export interface MyShifts {
  now: Iso
  me: Uuid
  areas: Record<Uuid, string>
  shifts: Shift[]
  swaps: Swap[]
  colleagues: { id: Uuid; name: string; shifts: Shift[] }[]
  approval: boolean
}
