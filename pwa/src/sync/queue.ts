/**
 * The outbox, pure: which commands go next, what an answer means, what the three counts are.
 *
 * An item is **saved** on the phone at the tap, **sent** once the server answered about it, and
 * **accepted** when it said yes. A refusal is kept and shown; nothing is ever dropped.
 */
import type { Answer, Envelope, ProblemBody, Refusal } from '../wire/types'

export type ItemState =
  | 'saved'
  | 'accepted'
  /** kept by the server as a late statement: it did not change the incident */
  | 'late'
  | 'refused'
  /** the server could not read it: never sent again by itself */
  | 'parked'

export interface Item {
  /** its place in the line; strictly growing on one phone */
  order: number
  commandId: string
  incidentId: string
  /** the account that said it: never sent in somebody else's name */
  by: string | null
  envelope: Envelope
  state: ItemState
  savedAt: number
  /** how often it was on the way for long and no readable answer came */
  tries: number
  answeredAt: number | null
  version: number | null
  refusal: Refusal | null
  problem: ProblemBody | null
  /** the person read the refusal */
  seen: boolean
}

/** An item as this version knows it; an older app may have written it without some of its parts. */
export const whole = (item: Pick<Item, 'order' | 'commandId' | 'incidentId' | 'envelope'> & Partial<Item>): Item => ({
  by: null, state: 'saved', savedAt: Date.parse(item.envelope.occurredAt), tries: 0, answeredAt: null, version: null, refusal: null, problem: null, seen: false,
  ...item,
})

/** Commands that go out together at most, and the bytes of their JSON, before it is packed. */
export const BATCH = 500
const BATCH_BYTES = 400_000
/** What still goes out together on the worst of lines. */
const FEW = 8

/** Steps of a round of inspection: nobody waits for them as somebody does in an incident. */
const canWait = (item: Item): boolean => /^(inspection|repair)_/.test(item.envelope.command.name)

/**
 * What goes out next, incidents first: the oldest unanswered commands, in their order. Half as many after each
 * long attempt but the first that brought no answer, so that a line that tears every few seconds
 * still carries some.
 */
export function nextBatch(items: readonly Item[], limit = BATCH): Item[] {
  const waiting = items.filter((item) => item.state === 'saved').sort((a, b) => Number(canWait(a)) - Number(canWait(b)) || a.order - b.order)
  const torn = Math.max(FEW, BATCH >> Math.min(16, Math.max(0, (waiting[0]?.tries ?? 0) - 1)))
  let bytes = 0
  const few = waiting.slice(0, Math.min(limit, torn)).findIndex((item) => (bytes += JSON.stringify(item.envelope).length) > BATCH_BYTES)
  return waiting.slice(0, few < 0 ? Math.min(limit, torn) : Math.max(1, few))
}

/** The items after the server's answers; only those that changed. Unknown answers are ignored. */
export function settle(items: readonly Item[], answers: readonly Answer[], atMs: number): Item[] {
  const byId = new Map(answers.map((answer) => [answer.commandId, answer]))
  return items.flatMap((item) => {
    const answer = byId.get(item.commandId)
    if (!answer || item.state !== 'saved') return []
    // an answer may say "repeated" as its outcome, or beside the first outcome
    const state: ItemState = answer.refusal || answer.outcome === 'refused' ? 'refused' : answer.outcome === 'late_statement' ? 'late' : 'accepted'
    return [{ ...item, state, answeredAt: atMs, version: answer.version, refusal: answer.refusal, problem: null }]
  })
}

/** The item set aside because the server cannot read it (a 4xx on it alone). */
export function park(item: Item, problem: ProblemBody, atMs: number): Item {
  return { ...item, state: 'parked', answeredAt: atMs, problem }
}

export interface Counts { saved: number; sent: number; accepted: number }
export interface Upload { state: 'saved' | 'accepted' | 'refused' }

/** The three honest counts over commands and photographs. saved ≥ sent ≥ accepted. */
export function counts(items: readonly Item[], photos: readonly Upload[] = []): Counts {
  const sent = items.filter((item) => item.state !== 'saved').length + photos.filter((photo) => photo.state !== 'saved').length
  const accepted = items.filter((item) => item.state === 'accepted').length + photos.filter((photo) => photo.state === 'accepted').length
  return { saved: items.length + photos.length, sent, accepted }
}

/** What still needs the person's eye: refused, parked or kept as late, and not read yet. */
export const unread = (items: readonly Item[]): Item[] =>
  items.filter((item) => !item.seen && (item.state === 'refused' || item.state === 'parked' || item.state === 'late'))

/**
 * Milliseconds to wait after the n-th failure in a row (n from 1). The first is most often a line
 * that tore and is there again.
 */
export const pauseMs = (failures: number): number => Math.min(30_000, 300 * 2 ** Math.max(0, failures - 1))
