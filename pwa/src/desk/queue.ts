/** The order of the queue. Pure: rows in, rows out; the screen only draws what this says. */
import type { BoardRow } from '../wire/types'

const RANK: Readonly<Record<string, number>> = { emergency: 0, notice: 1, info: 2 }
/** States in which the desk still has something to decide; the rest waits for its archive. */
const AFTER = new Set(['released', 'archived'])

export type Queue = Readonly<{ open: readonly BoardRow[]; after: readonly BoardRow[] }>

/** A board answer laid over what is known: a full one replaces, a partial one changes by id. */
export function merge(
  known: ReadonlyMap<string, BoardRow>,
  rows: readonly BoardRow[],
  full: boolean,
): ReadonlyMap<string, BoardRow> {
  const next = new Map(full ? [] : known)
  for (const row of rows) {
    const before = known.get(row.id)
    // Two answers may cross on the way; the higher version is the truth.
    if (before && before.version > row.version) {
      next.set(row.id, before)
      continue
    }
    if (row.state === 'archived' && !row.afterSeal) next.delete(row.id)
    else next.set(row.id, row)
  }
  return next
}

/** Strictly by urgency, then the youngest on top; `no` last, so that the order is total. */
export function order(rows: Iterable<BoardRow>): BoardRow[] {
  return [...rows].sort(
    (a, b) =>
      (RANK[a.urgency] ?? 9) - (RANK[b.urgency] ?? 9) ||
      Date.parse(b.emittedAt) - Date.parse(a.emittedAt) ||
      b.no.localeCompare(a.no),
  )
}

export function divide(rows: Iterable<BoardRow>): Queue {
  const all = order(rows)
  return { open: all.filter((r) => !AFTER.has(r.state)), after: all.filter((r) => AFTER.has(r.state)) }
}

/** The card under a finger keeps its place; whatever is new is laid round it. */
export function hold(rows: readonly BoardRow[], pressed: { id: string; index: number } | null): BoardRow[] {
  const at = pressed ? rows.findIndex((r) => r.id === pressed.id) : -1
  if (!pressed || at < 0) return [...rows]
  const held = rows[at]!
  const rest = rows.filter((r) => r.id !== pressed.id)
  rest.splice(Math.min(pressed.index, rest.length), 0, held)
  return rest
}

/** Active alerts that no person has taken: what the bell rings for. Oldest first. */
export function unclaimed(rows: Iterable<BoardRow>): BoardRow[] {
  return [...rows]
    .filter((r) => r.alertActive && !r.claimedBy && !AFTER.has(r.state))
    .sort((a, b) => Date.parse(a.emittedAt) - Date.parse(b.emittedAt))
}

/** The neighbour in the drawn order, for the arrow keys; the ends stay where they are. */
export function step(rows: readonly BoardRow[], id: string | null, by: 1 | -1): string | null {
  if (!rows.length) return null
  const at = rows.findIndex((r) => r.id === id)
  if (at < 0) return rows[by === 1 ? 0 : rows.length - 1]!.id
  return rows[Math.max(0, Math.min(rows.length - 1, at + by))]!.id
}
