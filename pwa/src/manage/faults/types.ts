/** The technicians' fault list, as the service says it. */
import type { Iso, Uuid } from '../../wire/types'

export interface Part { name: string; silent: number; total: number }
export interface Outage {
  by: 'gateway' | 'operator' | 'street' | 'area'
  of: string
  total: number
  silent: number
  gateways: Part[]
  operators: Part[]
  streets: Part[]
  sample: string[]
  /** south, west, north, east */
  area: [number, number, number, number] | null
}
export interface Fault {
  id: Uuid
  kind: string
  reason: string
  detectorId: Uuid | null
  detectorKind: string | null
  label: string | null
  place: string | null
  address: string | null
  detail: Record<string, unknown>
  openedAt: Iso
  lastAt: Iso
  endedAt: Iso | null
  times: number
  takenAt: Iso | null
  takenByName: string | null
  doneAt: Iso | null
  doneByName: string | null
  doneHow: string | null
  notes: { at: Iso; byName: string; text: string }[]
  outage: Outage | null
}
export interface Heard { heardAt: Iso | null; quantity: string | null; value: number | null; measuredAt: Iso | null; receivedAt: Iso | null }
export interface FaultCounts { silent: number; open: number; untaken: number }
export interface FaultList { now: Iso; counts: FaultCounts; faults: Fault[]; heard: Record<Uuid, Heard> }

/** What the list is sorted into; every kind that is new to this version stands under ``device``. */
export const GROUPS = ['silent', 'power', 'device', 'message'] as const
export type Group = (typeof GROUPS)[number]
const OF: Record<string, Group> = {
  offline: 'silent', outage: 'silent', 'bridge-offline': 'silent', 'gateway-storm': 'silent',
  battery: 'power', mains: 'power', backup: 'power',
  undecodable: 'message', 'unknown-device': 'message', 'late-alarm': 'message', 'alert-failed': 'message',
}
export const groupOf = (kind: string): Group => OF[kind] ?? 'device'
/** Many at once, or nothing protects the place: said loudest. */
export const toneOf = (fault: Fault): 'urgent' | 'notice' | 'info' => {
  if (fault.kind === 'outage' || fault.kind === 'gateway-storm' || fault.kind === 'alert-failed' || fault.reason === 'battery-critical') return 'urgent'
  return fault.kind === 'battery' || fault.kind === 'signal' || fault.kind === 'unknown-device' ? 'info' : 'notice'
}
