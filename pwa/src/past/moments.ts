/** A replay as moments: what was known, and who was where, up to each. Pure. */
import type { LatLon, Marker } from '../kit/map/types'
import type { TimelineEntry, Uuid } from '../wire/types'
import type { ReplayOf, Trace } from './types'

export type Standing = 'asked' | 'coming' | 'there'
/** One step of the slider: everything that has the same second. */
export interface Moment { at: number; events: TimelineEntry[] }

/** Steps in time's order; events of one second stand together, and a spot alone is a step too. */
export function momentsOf(replay: ReplayOf): Moment[] {
  const bySecond = new Map<number, Moment>()
  const of = (iso: string): Moment => {
    const second = Math.floor(Date.parse(iso) / 1000)
    const known = bySecond.get(second) ?? { at: second * 1000 + 999, events: [] }
    bySecond.set(second, known)
    return known
  }
  for (const event of replay.timeline) of(event.at).events.push(event)
  for (const trace of replay.traces) of(trace.at)
  return [...bySecond.values()].sort((a, b) => a.at - b.at)
}

const ENDS = new Set(['OfferDeclined', 'OfferExpired', 'OfferReleased', 'LeadReleased'])

/** What each person was doing at an instant (ms). */
export function standings(replay: ReplayOf, at: number): Map<Uuid, Standing> {
  const found = new Map<Uuid, Standing>()
  for (const { type, at: when, facts } of replay.timeline) {
    if (Date.parse(when) > at) continue
    const who = typeof facts.staffId === 'string' ? facts.staffId : ''
    if (type === 'Offered') found.set(who, 'asked')
    else if (type === 'Accepted') found.set(who, 'coming')
    else if (type === 'ArrivedOnScene') found.set(who, 'there')
    else if (ENDS.has(type)) found.delete(who)
    else if (type === 'Released') found.clear()
    else if (type === 'RespondersStoodDown') for (const [id, standing] of found) if (standing !== 'there') found.delete(id)
  }
  return found
}

const TONES = { asked: 'notice', coming: 'canal', there: 'good' } as const

/** The people on the map at an instant: their last spot before it; who arrived stands at the place. */
export function people(replay: ReplayOf, at: number): Marker[] {
  const last = new Map<Uuid, Trace>()
  for (const trace of replay.traces) if (Date.parse(trace.at) <= at) last.set(trace.staffId, trace)
  return [...standings(replay, at)].flatMap(([id, standing]) => {
    const spot = last.get(id)
    const point: LatLon | undefined = standing === 'there' ? { lat: replay.place.lat + 0.00006, lon: replay.place.lon + 0.00006 } : spot
    if (!point) return []
    return [{ id, kind: 'person' as const, lat: point.lat, lon: point.lon, label: spot?.name ?? '', tone: TONES[standing], stale: standing === 'asked' }]
  })
}

/** Where those on the way had been up to an instant, as one line to the place. */
export function way(replay: ReplayOf, at: number): LatLon[] {
  const coming = [...standings(replay, at)].find(([, standing]) => standing === 'coming')?.[0]
  if (!coming) return []
  const been = replay.traces.filter((trace) => trace.staffId === coming && Date.parse(trace.at) <= at)
  return been.length ? [...been, replay.place] : []
}

export function cordonAt(replay: ReplayOf, at: number): GeoJSON.Geometry | null {
  let shape: unknown = null
  for (const event of replay.timeline) {
    if (Date.parse(event.at) > at) continue
    if (event.type === 'CordonSet') shape = event.facts.shape
    if (event.type === 'CordonLifted') shape = null
  }
  return (shape as GeoJSON.Geometry | null) ?? null
}
