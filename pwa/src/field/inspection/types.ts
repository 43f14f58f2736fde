/** Rounds as the service gives them (camelCase JSON); instants are RFC 3339 in UTC, days of the area. */
import type { Iso, Kind, Uuid } from '../../wire/types'

export const ITEMS = ['clean', 'wiring', 'battery', 'works', 'place', 'fixed'] as const
export type Item = (typeof ITEMS)[number]
export type Result = 'ok' | 'bad' | 'na'
export type About = Item | 'whole' | 'after'

export interface Answered { result: Result; note: string; shown: string; asksM: number | null; at: Iso }
export interface Picture { sha256: string; about: About; previewSha256: string | null; burntSha256: string | null }

export interface Check {
  id: Uuid
  detectorId: Uuid
  tag: string
  number: string | null
  kind: Kind
  model: string
  label: string
  address: string
  entranceNote: string | null
  floor: string
  lat: number
  lon: number
  deviceState: string
  battery: { pct: number | null; low: boolean; heardAt: Iso | null } | null
  /** it has a test button; of the others any fresh reading is the proof */
  byButton: boolean
  version: number
  state: 'open' | 'begun' | 'done' | 'left'
  items: Partial<Record<Item, Answered>>
  wasBad: Item[]
  photos: Picture[]
  testedAt: Iso | null
  provedAt: Iso | null
  repaired: string | null
  repairedAt: Iso | null
  handed: string | null
  overAt: Iso | null
  overBy: string
}

export interface Round {
  id: Uuid
  planName: string
  period: string
  street: string
  areaId: Uuid | null
  startsOn: string
  dueOn: string
  assignee: Uuid | null
  total: number
  done: number
  left: number
  bad: number
  handed: number
}

export interface RoundOut { round: Round; assigneeName: string; checks: Check[] }

export interface Repair {
  id: Uuid
  checkId: Uuid
  detectorId: Uuid
  label: string
  address: string
  kind: Kind
  model: string
  byButton: boolean
  openedBy: Uuid | null
  openedByName: string
  items: Item[]
  what: string
  state: 'noticed' | 'planned' | 'done' | 'closed' | 'dropped'
  noticedAt: Iso
  warnAt: Iso
  dueAt: Iso
  plan: string | null
  plannedAt: Iso | null
  done: string | null
  doneAt: Iso | null
  warnedAt: Iso | null
  breachedAt: Iso | null
  overrun: string | null
  newOn: string | null
  overAt: Iso | null
  photos: Picture[]
}

export interface Policy { placeM: number; testMin: number }
export interface MyRounds { now: Iso; today: string; policy: Policy; rounds: RoundOut[]; repairs: Repair[] }
