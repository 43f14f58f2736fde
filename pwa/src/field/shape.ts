/** Shapes of cordons: rings round a point or a building, and how far somebody is from their edge. Pure. */
import type { Base } from '../kit/map/types'
import type { IncidentView, Kind } from '../wire/types'

export type LonLat = readonly [lon: number, lat: number]
type Here = Readonly<{ lat: number; lon: number }>
type Spot = readonly [east: number, north: number]

const DEGREE_M = 111_195
const flat = (at: LonLat, from: Here): Spot => [(at[0] - from.lon) * DEGREE_M * Math.cos((from.lat * Math.PI) / 180), (at[1] - from.lat) * DEGREE_M]
const round = (degrees: number): number => Number(degrees.toFixed(6))
const globe = ([east, north]: Spot, from: Here): LonLat => [round(from.lon + east / (DEGREE_M * Math.cos((from.lat * Math.PI) / 180))), round(from.lat + north / DEGREE_M)]

/** Corners of a circle; the first is not repeated. */
export function circle(centre: Here, radiusM: number, corners = 24): LonLat[] {
  return Array.from({ length: corners }, (_, n) => {
    const turn = (2 * Math.PI * n) / corners
    return globe([radiusM * Math.cos(turn), radiusM * Math.sin(turn)], centre)
  })
}

/** The outline of everything within ``byM`` of these corners: their hull, moved outwards. */
export function around(corners: readonly LonLat[], byM: number, from: Here): LonLat[] {
  const steps = 8
  const grown = corners.flatMap((at) => {
    const [x, y] = flat(at, from)
    return Array.from({ length: steps }, (_, n): Spot => [x + byM * Math.cos((2 * Math.PI * n) / steps), y + byM * Math.sin((2 * Math.PI * n) / steps)])
  })
  return hull(grown).map((spot) => globe(spot, from))
}

/** Andrew's monotone chain, anticlockwise. */
function hull(spots: readonly Spot[]): Spot[] {
  const sorted = [...spots].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const half = (side: readonly Spot[]): Spot[] => {
    const kept: Spot[] = []
    for (const at of side) {
      while (kept.length > 1 && turn(kept[kept.length - 2]!, kept[kept.length - 1]!, at) <= 0) kept.pop()
      kept.push(at)
    }
    return kept.slice(0, -1)
  }
  return [...half(sorted), ...half([...sorted].reverse())]
}
const turn = (a: Spot, b: Spot, c: Spot): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

/** The building's corners on the base map: the one that holds the place, else none. */
export function building(base: Base | null, place: Here): LonLat[] | null {
  for (const { properties, geometry } of base?.features ?? []) {
    if (properties?.layer !== 'building' || geometry.type !== 'Polygon') continue
    const ring = geometry.coordinates[0] as unknown as LonLat[]
    if (inside(ring, place)) return ring.slice(0, -1)
  }
  return null
}

export interface Proposal { ring: LonLat[]; word: 'proposed_gas' | 'proposed_building' | 'proposed_height' | 'proposed_plain'; n: number; radiusM: number | null }

/** What to fence off to begin with; every number is the operator's setting, none the standard's. */
export function propose(view: Pick<IncidentView, 'kinds' | 'place'>, base: Base | null, number: (name: string, usual: number) => number): Proposal {
  const { place } = view
  const has = (kind: Kind): boolean => view.kinds.includes(kind)
  if (has('gas')) {
    const n = number('cordon_gas_m', 50)
    return { ring: circle(place, n), word: 'proposed_gas', n, radiusM: n }
  }
  const corners = building(base, place)
  if (has('structure')) {
    const times = number('cordon_heights', 1.5)
    const m = times * (place.storeys ?? 2) * number('storey_m', 3.5)
    return { ring: corners ? around(corners, m, place) : circle(place, m + 8), word: 'proposed_height', n: times, radiusM: null }
  }
  if (!corners) return { ring: circle(place, 30), word: 'proposed_plain', n: 30, radiusM: 30 }
  const n = Math.max(number('cordon_margin_m', 8), place.laneWidthM ?? 0)
  return { ring: around(corners, n, place), word: 'proposed_building', n, radiusM: null }
}

export const closed = (ring: readonly LonLat[]): LonLat[] => (ring.length ? [...ring, ring[0]!] : [])

/** The corners of a shape that the service keeps. */
export function cornersOf(shape: unknown, radiusM?: number | null): LonLat[] {
  const { type, coordinates } = (shape ?? {}) as { type?: string; coordinates?: unknown }
  if (type === 'Polygon') return ((coordinates as LonLat[][])[0] ?? []).slice(0, -1)
  if (type === 'Point' && radiusM) {
    const [lon, lat] = coordinates as LonLat
    return circle({ lat, lon }, radiusM)
  }
  return []
}

/** Even-odd rule. */
export function inside(ring: readonly LonLat[], here: Here): boolean {
  const spots = ring.map((at) => flat(at, here))
  return spots.reduce((is, [ax, ay], n) => {
    const [bx, by] = spots[(n + 1) % spots.length]!
    return ay > 0 !== by > 0 && ax + ((bx - ax) * -ay) / (by - ay) > 0 ? !is : is
  }, false)
}

/** Metres to the nearest part of the edge, from within or without. */
export function edgeMetres(ring: readonly LonLat[], here: Here): number {
  const spots = ring.map((at) => flat(at, here))
  return Math.min(
    ...spots.map(([ax, ay], n) => {
      const [bx, by] = spots[(n + 1) % spots.length]!
      const [dx, dy] = [bx - ax, by - ay]
      const square = dx * dx + dy * dy
      const share = square > 0 ? Math.min(1, Math.max(0, -(ax * dx + ay * dy) / square)) : 0
      return Math.hypot(ax + share * dx, ay + share * dy)
    }),
  )
}

/** About how many square metres. */
export function areaM2(ring: readonly LonLat[]): number {
  if (ring.length < 3) return 0
  const from = { lon: ring[0]![0], lat: ring[0]![1] }
  const spots = ring.map((at) => flat(at, from))
  return Math.abs(spots.reduce((sum, [ax, ay], n) => sum + ax * spots[(n + 1) % spots.length]![1] - spots[(n + 1) % spots.length]![0] * ay, 0)) / 2
}
