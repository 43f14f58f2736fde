/** A length in a photograph by a thing of known size beside it. Pure. */
import type { Measured } from '../sync/shot'

export type Spot = [x: number, y: number]

/**
 * What may lie beside a crack, in millimetres. Sources: ISO/IEC 7810 ID-1 (cards); coins: the
 * announcements of the People's Bank of China, of 1 yuan 25 mm until 2018 and 22.25 mm from 2019.
 */
export const REFERENCES = [
  { code: 'card', mm: 85.6 },
  { code: 'ruler', mm: 100 },
  { code: 'coin_new', mm: 22.25 },
  { code: 'coin_old', mm: 25 },
] as const
export type ReferenceCode = (typeof REFERENCES)[number]['code']

/** Distance of two spots given in fractions of a picture that is ``aspect`` times as wide as high. */
const apart = ([ax, ay]: Spot, [bx, by]: Spot, aspect: number): number => Math.hypot((bx - ax) * aspect, by - ay)

/**
 * The measured length; null while spots are missing or the reference is too short to measure by.
 *
 * @param spots both ends of the reference, then both ends of what is measured
 */
export function measured(spots: readonly Spot[], aspect: number, reference: string, referenceMm: number): Measured | null {
  const [referenceFrom, referenceTo, from, to] = spots
  if (!referenceFrom || !referenceTo || !from || !to) return null
  const unit = apart(referenceFrom, referenceTo, aspect)
  if (unit < 0.02) return null
  const mm = Math.round((referenceMm * apart(from, to, aspect) * 10) / unit) / 10
  return { mm, reference, referenceMm, from, to, referenceFrom, referenceTo }
}

/** The spot under a finger, by its distance to those already there; -1 where there is none. */
export function nearest(spots: readonly Spot[], at: Spot, aspect: number, within = 0.06): number {
  let best = -1
  let least = within
  spots.forEach((spot, n) => {
    const away = apart(spot, at, aspect)
    if (away < least) [best, least] = [n, away]
  })
  return best
}
