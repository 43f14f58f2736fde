/**
 * Region: the cordon (6.3.5.2). A shape that cannot be one is refused here with the words the server
 * would use; see the core's module of this name for every bound. Longitude first, degrees WGS-84.
 */
import type { IncidentView } from '../wire/types'
import { noCordonHere } from './shared'
import { refuse, type Args, type Decide, type Evolve } from './words'

export const MOST_CORNERS = 60
export const MOST_POSTS = 20
const FAR_M = 2000
export const RADIUS_M = [5, 1000] as const
const LEAST_M2 = 50
const MOST_M2 = 4_000_000
const DEGREE_M = 111_195

type Here = Readonly<{ lat: number; lon: number }>
type Spot = readonly [east: number, north: number]

/** Why this is no cordon, as a refusal's code; null for a good one. */
export function fault(shape: Args, radiusM: number | null, place: Here): string | null {
  const found: unknown = shape?.coordinates
  if (!['Polygon', 'Point'].includes(shape?.type) || !Array.isArray(found) || found.length === 0) return 'no_geometry'
  if (radiusM !== null && !(RADIUS_M[0] <= radiusM && radiusM <= RADIUS_M[1])) return 'cordon_size'
  if (shape.type === 'Point') {
    if (!isPosition(found)) return 'no_geometry'
    if (!spot(found, known(place, found))) return 'cordon_far'
    return radiusM === null ? 'cordon_size' : null
  }
  const ring: unknown = found[0]
  if (found.length !== 1 || !Array.isArray(ring) || !ring.every(isPosition)) return 'no_geometry'
  if (ring.length > MOST_CORNERS + 1) return 'cordon_corners'
  const first = ring[0] as number[]
  const last = ring[ring.length - 1] as number[]
  if (ring.length < 4 || first[0] !== last[0] || first[1] !== last[1]) return 'cordon_open'
  const spots = ring.slice(0, -1).map((at) => spot(at, known(place, first)))
  const corners = spots.filter((at): at is Spot => at !== null)
  if (corners.length < spots.length) return 'cordon_far'
  const before = (n: number): Spot => corners[(n + corners.length - 1) % corners.length]!
  return faultOfRing(corners.filter((at, n) => at[0] !== before(n)[0] || at[1] !== before(n)[1]))
}

function faultOfRing(ring: readonly Spot[]): string | null {
  if (ring.length < 3) return 'cordon_open'
  const edges = ring.map((at, n) => [at, ring[(n + 1) % ring.length]!] as const)
  for (const [n, [a, b]] of edges.entries()) {
    const next = edges[(n + 1) % edges.length]![1]
    if (side(a, b, next) === 0 && along(b, a, next) > 0) return 'cordon_crosses' // it turns straight back
    for (let m = n + 2; m < edges.length; m += 1)
      if (!(n === 0 && m === edges.length - 1) && meet(a, b, ...edges[m]!)) return 'cordon_crosses'
  }
  const twice = edges.reduce((sum, [a, b]) => sum + (a[0] * b[1] - b[0] * a[1]), 0)
  const area = Math.abs(twice) / 2
  return LEAST_M2 <= area && area <= MOST_M2 ? null : 'cordon_size'
}

const isPosition = (found: unknown): found is number[] =>
  Array.isArray(found) && found.length >= 2 && found.length <= 3 && found.every((n) => typeof n === 'number' && n > -1e6 && n < 1e6)

const known = (place: Here, at: readonly number[]): Here => (place.lat || place.lon ? place : { lon: at[0]!, lat: at[1]! })

/** Where it lies from the incident; null where that is too far. */
function spot(at: readonly number[], place: Here): Spot | null {
  const here = known(place, at)
  const east = (at[0]! - here.lon) * DEGREE_M * Math.cos((here.lat * Math.PI) / 180)
  const north = (at[1]! - here.lat) * DEGREE_M
  return east * east + north * north <= FAR_M * FAR_M ? [east, north] : null
}

const side = (p: Spot, q: Spot, r: Spot): number => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
const along = (p: Spot, q: Spot, r: Spot): number => (q[0] - p[0]) * (r[0] - p[0]) + (q[1] - p[1]) * (r[1] - p[1])

/** Whether two edges cross or touch. */
function meet(a: Spot, b: Spot, p: Spot, q: Spot): boolean {
  const [abP, abQ, pqA, pqB] = [side(a, b, p), side(a, b, q), side(p, q, a), side(p, q, b)]
  if (abP === 0 && abQ === 0)
    return ([0, 1] as const).every((i) => Math.max(Math.min(a[i], b[i]), Math.min(p[i], q[i])) <= Math.min(Math.max(a[i], b[i]), Math.max(p[i], q[i])))
  return abP * abQ <= 0 && pqA * pqB <= 0
}

const setCordon: Decide = (view, { shape, radiusM, posts, postPlaces }, { book }) => {
  if (noCordonHere(book, view)) return refuse('kind_without_danger')
  let wrong = fault(shape, radiusM, view.place)
  if (!wrong && postPlaces.length > MOST_POSTS) wrong = 'cordon_corners'
  if (!wrong && postPlaces.some((at: number[]) => !spot(at, view.place))) wrong = 'cordon_far'
  if (wrong) return refuse(wrong)
  const { type, coordinates } = shape
  return [{ type: 'CordonSet', shape: { type, coordinates }, radiusM, posts: Math.min(99, Math.max(0, posts, postPlaces.length)), postPlaces }]
}

const liftCordon: Decide = (view) => {
  if (view.cordon.state !== 'set') return []
  if (view.evacuation.state === 'running') return refuse('evacuation_running')
  return view.commandHeldBy === null ? [{ type: 'CordonLifted' }] : refuse('fire_command_holds', view.commandHeldBy)
}

export const decide: Record<string, Decide> = { set_cordon: setCordon, lift_cordon: liftCordon }

export const evolve: Record<string, Evolve> = {
  CordonSet: (view: IncidentView, fact: Args, { facts }) => ({
    ...view,
    cordon: { state: 'set', shape: fact.shape, radiusM: fact.radiusM, posts: fact.posts, postPlaces: fact.postPlaces, at: facts.occurredAt },
  }),
  CordonLifted: (view) => ({ ...view, cordon: { ...view.cordon, state: 'lifted' } }),
}
