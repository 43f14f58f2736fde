/**
 * A check as this phone knows it: the server's picture, moved on by what was said here and is not in
 * it yet; and what is still owed before its end. Pure. The server's rules are in
 * ``backend/inspection/flow/check.py``; it decides.
 */
import { saidAt } from '../../sync/time'
import type { Item as Said } from '../../sync/queue'
import type { Position } from '../../wire/types'
import { ITEMS, type About, type Answered, type Check, type Item, type Policy, type Result } from './types'

export const isRound = (name: string): boolean => name.startsWith('inspection_') || name.startsWith('repair_')

/** Said here, and not in the picture of this version. */
export const pendingOf = (check: Check, said: readonly Said[]): Said[] =>
  said
    .filter((one) => one.incidentId === check.id && (one.state === 'saved' || (one.state === 'accepted' && (one.version ?? 0) > check.version)))
    .sort((a, b) => a.order - b.order)

/** Metres between the phone and the register where that is a question; null where the fix cannot tell. */
export function asksM(check: Pick<Check, 'lat' | 'lon'>, at: Position | null, policy: Policy): number | null {
  const m = metres(check, at)
  return m !== null && at && m - at.accuracyM > policy.placeM ? Math.round(m) : null
}

export function metres(check: Pick<Check, 'lat' | 'lon'>, at: Position | null): number | null {
  if (!at) return null
  const north = (check.lat - at.lat) * 111_195
  const east = (check.lon - at.lon) * 111_195 * Math.cos(((check.lat + at.lat) * Math.PI) / 360)
  return Math.hypot(north, east)
}

function step(now: Check, one: Said, policy: Policy): Check {
  const { command, position } = one.envelope
  const at = saidAt(one.envelope)
  const begun: Check = now.state === 'open' ? { ...now, state: 'begun' } : now
  switch (command.name) {
    case 'inspection_item': {
      const item = command.item as Item
      const answer: Answered = {
        result: command.result as Result, note: String(command.note ?? ''), shown: String(command.shown ?? ''), at,
        asksM: item === 'place' ? asksM(now, position, policy) : null,
      }
      const wasBad = answer.result === 'bad' && !now.wasBad.includes(item) ? [...now.wasBad, item] : now.wasBad
      return { ...begun, items: { ...now.items, [item]: answer }, wasBad }
    }
    case 'inspection_photo':
      return { ...begun, photos: [...now.photos, { sha256: String(command.sha256), about: command.about as About, previewSha256: String(command.previewSha256 ?? '') || null, burntSha256: null }] }
    case 'inspection_test':
      return { ...begun, testedAt: at, provedAt: null }
    case 'inspection_repaired':
      return { ...begun, repaired: String(command.what), repairedAt: at }
    case 'inspection_hand_over':
      return { ...begun, handed: String(command.what ?? '') }
    case 'inspection_close':
      return { ...begun, state: 'done', overAt: at }
    default:
      return begun
  }
}

export const fold = (check: Check, said: readonly Said[], policy: Policy): Check =>
  pendingOf(check, said).reduce((now, one) => step(now, one, policy), check)

export const badNow = (check: Check): Item[] => ITEMS.filter((item) => check.items[item]?.result === 'bad')

/** Repaired here, and not handed on: it wants a picture after it and a test after it. */
export const mended = (check: Check): boolean => check.repaired !== null && check.handed === null

/** Must the platform have seen a test before the end? */
export const wantsTest = (check: Check): boolean => check.items.works?.result === 'ok' || mended(check)

export const testedSince = (check: Check): boolean =>
  check.testedAt !== null && (check.repairedAt === null || Date.parse(check.testedAt) >= Date.parse(check.repairedAt))

export type Owed = `item_${Item}` | `photo_${About}` | 'place_why' | 'deal' | 'test'

/** What is missing before this device can be closed, in the order it is done. */
export function owed(check: Check): Owed[] {
  const pictured = new Set(check.photos.map((one) => one.about))
  const missing: Owed[] = ITEMS.filter((item) => !check.items[item]).map((item) => `item_${item}` as const)
  const place = check.items.place
  if (place?.result === 'ok' && place.asksM !== null && !place.note) missing.push('place_why')
  missing.push(...check.wasBad.filter((item) => !pictured.has(item)).map((item) => `photo_${item}` as const))
  if (!pictured.size && !check.wasBad.length) missing.push('photo_whole')
  if (badNow(check).length && check.handed === null && check.repaired === null) missing.push('deal')
  if (mended(check) && !pictured.has('after')) missing.push('photo_after')
  if (wantsTest(check) && !testedSince(check)) missing.push('test')
  return missing
}

/** The list from the end that is nearer; its own order is the walk along the street. */
export function walk(checks: readonly Check[], at: Position | null): Check[] {
  const [first, last] = [checks[0], checks.at(-1)]
  const turned = first && last && at && (metres(last, at) ?? 0) < (metres(first, at) ?? 0)
  return turned ? [...checks].reverse() : [...checks]
}

export const isOver = (check: Check): boolean => check.state === 'done' || check.state === 'left'

/** What a label says, ``https://…/d/<tag>``, or what somebody typed: the tag or the number. */
export function codeOf(text: string): string {
  const path = /\/d\/([^/?#\s]+)/.exec(text)
  return (path?.[1] ?? text).trim().toLowerCase()
}

export function byCode(checks: readonly Check[], text: string): Check | undefined {
  const code = codeOf(text)
  if (!code) return undefined
  const exact = checks.find((one) => one.tag.toLowerCase() === code || one.number?.toLowerCase() === code)
  if (exact || code.length < 4) return exact
  const near = checks.filter((one) => one.tag.toLowerCase().startsWith(code) || one.number?.toLowerCase().endsWith(code))
  return near.length === 1 ? near[0] : undefined
}
