/** What the service says of incidents that are over: papers, my history, a replay. */
import type { Handling, Iso, Place, TimelineEntry, Urgency, Uuid } from '../wire/types'

export interface PaperLine {
  sha256: string
  incidentId: Uuid
  kind: 'false_alarm' | 'community' | 'authority' | 'rectification' | 'drill'
  handling: Handling
  number: string
  title: string
  author: string
  filedAt: Iso
  size: number
  replaced: boolean
  sent: PaperSent[]
}
/** One paper to one office, and what became of it. */
export interface PaperSent {
  id: Uuid
  office: string
  kind: string
  phone: string
  status: 'sent' | 'delivered' | 'acknowledged'
  sentAt: Iso
  deliveredAt: Iso | null
  acknowledgedAt: Iso | null
  acknowledgedBy: string
  reply: string | null
}

export interface Past {
  id: Uuid
  no: string
  kind: string
  urgency: Urgency
  state: string
  handling: Handling
  address: string
  emittedAt: Iso
  releasedAt: Iso | null
  releasedHow: string | null
  category: string | null
  part: 'lead' | 'helper' | 'asked'
  answer: string | null
  owed: string[]
  papers: number
}

export interface Trace { staffId: Uuid; name: string; at: Iso; what: string; lat: number; lon: number; accuracyM: number }

export interface ReplayOf {
  id: Uuid
  no: string
  kind: string
  urgency: Urgency
  handling: Handling
  place: Place
  beginsAt: Iso
  endsAt: Iso
  timeline: TimelineEntry[]
  traces: Trace[]
  series: { detectorId: Uuid; label: string; quantity: string; unit: string; limit: number | null; points: [Iso, number][] }[]
  cordon: Record<string, unknown> | null
}
