/** A reading series as an SVG path. Pure; the box is `w` × `h` px, y grows downwards. */
export type Point = readonly [iso: string, value: number]
export type Spark = Readonly<{ path: string; area: string; limitY: number | null; last: readonly [number, number] | null }>

export function spark(points: readonly Point[], limit: number | null, w: number, h: number): Spark {
  const pts = points
    .map(([iso, v]) => [Date.parse(iso), v] as const)
    .filter(([t, v]) => Number.isFinite(t) && Number.isFinite(v))
    .sort((a, b) => a[0] - b[0])
  if (!pts.length) return { path: '', area: '', limitY: null, last: null }
  const values = pts.map((p) => p[1])
  if (limit !== null) values.push(limit)
  const low = Math.min(...values, 0)
  const high = Math.max(...values)
  const pad = 4
  const t0 = pts[0]![0]
  const span = Math.max(1, pts[pts.length - 1]![0] - t0)
  const x = (t: number): number => round(pad + ((t - t0) / span) * (w - 2 * pad))
  const y = (v: number): number => round(h - pad - ((v - low) / (high - low || 1)) * (h - 2 * pad))
  const line = pts.map(([t, v]) => `${pts.length === 1 ? w - pad : x(t)} ${y(v)}`)
  const lastPoint = pts[pts.length - 1]!
  const last = [pts.length === 1 ? w - pad : x(lastPoint[0]), y(lastPoint[1])] as const
  const path = `M${line.join('L')}`
  return {
    path,
    area: `${path}L${last[0]} ${h}L${pts.length === 1 ? last[0] : pad} ${h}Z`,
    limitY: limit === null ? null : y(limit),
    last,
  }
}

const round = (n: number): number => Math.round(n * 10) / 10
