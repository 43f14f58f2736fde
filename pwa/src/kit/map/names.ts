/** Where on the map a street's or canal's name stands. Pure. */
import type { Base } from './types'

export type Name = Readonly<{ name: string; layer: string; at: readonly [lon: number, lat: number]; turn: number }>
const NAMED = ['canal', 'street', 'lane']

/** One entry per name: at its own label point, else in the middle of its longest stretch. */
export function names(base: Base): Name[] {
  const best = new Map<string, Name & { long: number }>()
  for (const { properties: p, geometry: g } of base.features) {
    if (!p?.name || !p.layer || !NAMED.includes(p.layer)) continue
    const own = p.labelAt ? { at: p.labelAt, turn: p.labelTurn ?? 0, long: Infinity } : g.type === 'LineString' ? along(g.coordinates) : null
    if (own && own.long > (best.get(p.name)?.long ?? 0)) best.set(p.name, { name: p.name, layer: p.layer, ...own })
  }
  return [...best.values()].map(({ name, layer, at, turn }) => ({ name, layer, at, turn }))
}

/** The middle of a line by length, its direction there, its length; in degrees of latitude. */
function along(line: readonly GeoJSON.Position[]): { at: [number, number]; turn: number; long: number } | null {
  if (line.length < 2) return null
  const k = Math.cos(((line[0]![1] ?? 0) * Math.PI) / 180)
  const steps = line.slice(1).map((q, i) => ({ p: line[i]!, q, d: Math.hypot((q[0]! - line[i]![0]!) * k, q[1]! - line[i]![1]!) }))
  const long = steps.reduce((s, x) => s + x.d, 0)
  let gone = 0
  for (const { p, q, d } of steps) {
    if (gone + d >= long / 2 && d > 0) {
      const f = (long / 2 - gone) / d
      const turn = (-Math.atan2(q[1]! - p[1]!, (q[0]! - p[0]!) * k) * 180) / Math.PI
      return { at: [p[0]! + f * (q[0]! - p[0]!), p[1]! + f * (q[1]! - p[1]!)], turn: ((turn + 270) % 180) - 90, long }
    }
    gone += d
  }
  return null
}
