import type { Uuid } from '../../wire/types'

/** As ``/api/devices`` and its neighbours answer. Instants are ISO texts, degrees WGS-84. */
export type Kind = 'smoke' | 'gas' | 'electric' | 'structure' | 'hydrant' | 'water' | 'door'
export type Life = 'planned' | 'active' | 'faulty' | 'muted' | 'replaced' | 'retired'
export type Act = 'commission' | 'report_fault' | 'repair' | 'replace' | 'retire'
export type Flag = 'maintenance' | 'test'
export type Datum = 'WGS-84' | 'GCJ-02' | 'BD-09'

export interface Listed {
  id: Uuid
  number: string | null
  label: string
  kind: Kind
  state: Life
  address: string
  place: string
  model: string
  street: string
  buildingId: Uuid | null
  mutedUntil: string | null
  pausedUntil: string | null
  pausedAs: Flag | null
  troubles: string[]
}
export interface Page { devices: Listed[]; total: number; offset: number }
export interface Branch { area: string; street: string; buildingId: Uuid; name: string; detectors: number; troubled: number }
export interface Change { action: string; before: Record<string, unknown>; after: Record<string, unknown>; reason: string | null; byName: string; at: string }
export interface Device {
  id: Uuid
  version: number
  number: string | null
  tag: string
  address: string
  protocol: string
  kind: Kind
  state: Life
  label: string
  model: string
  modelId: Uuid | null
  group: string | null
  link: string | null
  householdId: Uuid | null
  buildingId: Uuid | null
  area: string | null
  place: string
  point: string | null
  lat: number
  lon: number
  datum: Datum
  enteredLat: number | null
  enteredLon: number | null
  reportIntervalS: number
  unitName: string | null
  unitPhone: string | null
  note: string | null
  photo: string | null
  commissionedAt: string | null
  replacedBy: Uuid | null
  replaces: Uuid | null
  gateway: string | null
  acts: Act[]
  lacking: string | null
  history: Change[]
}
export interface Sense { quantity: string; value: number | null; unit: string | null; receivedAt: string | null; alarming: boolean; limit: number | null; flags: string[]; coarse: 'lately' | 'quiet' | null; hours: number | null }
export interface Ticket { id: Uuid; kind: string; reason: string; openedAt: string; times: number; doneAt: string | null }
export interface Pause {
  id: Uuid
  flag: Flag
  scope: 'detector' | 'building' | 'model' | 'gateway'
  of: string
  detectorId: Uuid | null
  detectors: number
  life: boolean
  beginsAt: string
  endsAt: string
  reason: string
  byName: string
  endedAt: string | null
  endedBy: string | null
}
export interface DeviceView {
  device: Device
  senses: Sense[]
  health: { facts: Record<string, unknown>; heardAt: string | null } | null
  tickets: Ticket[]
  pauses: Pause[]
  mutedUntil: string | null
  muteAtMostMin: number
  now: string
}
export interface Model {
  id: Uuid
  version: number
  maker: string
  name: string
  kind: Kind
  sensingClass: string
  link: string | null
  protocol: string | null
  reportIntervalS: number | null
  certificateStandard: string | null
  certificateNumber: string | null
  certificateUntil: string | null
  certificateNote: string | null
  waivedBy: string | null
  waivedReason: string | null
  waivedAt: string | null
  detectors: number
  lacking: string | null
}
export interface Fault { line: number; cell: string; column: string; said: string; why: string }
export interface DryRun {
  id: Uuid | null
  fileName: string
  rows: number
  create: number
  change: number
  same: number
  wrong: number
  newBuildings: number
  newHomes: number
  faults: Fault[]
  lines: { line: number; outcome: 'create' | 'change' | 'same'; number: string | null; address: string; kind: Kind; place: string }[]
}
export interface Progress { id: Uuid; total: number; done: number; created: number; changed: number; finished: boolean; refused: Fault[] }
export interface Session {
  pause: Pause
  now: string
  devices: { id: Uuid; label: string; kind: Kind; place: string; signals: { quantity: string; value: number; unit: string | null; receivedAt: string; delayS: number | null }[] }[]
}
