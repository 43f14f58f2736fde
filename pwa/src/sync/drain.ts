/**
 * Empties the outbox in order. No clock, store or network of its own: all three are handed in, so
 * that lost replies, restarts and refusals can be played in a test.
 */
import { Problem } from '../wire/api'
import type { Answer, Envelope } from '../wire/types'
import { BATCH, nextBatch, park, settle, type Item } from './queue'

export interface Ports {
  load: () => Promise<Item[]>
  save: (changed: Item[]) => Promise<void>
  /** @throws Problem when the server answered with one; anything else counts as no answer */
  post: (envelopes: Envelope[]) => Promise<Answer[]>
  nowMs: () => number
}

/** done: nothing is waiting · retry: no answer, try later · signin: kept until somebody signs in */
export type Drained = 'done' | 'retry' | 'signin'

/** An attempt that lasted so long had bytes on the way. */
const TORN_MS = 2000

/** Answers that mean "not now" although the server spoke. */
const PASSING = new Set([408, 425, 429])

export async function drain(ports: Ports): Promise<Drained> {
  let limit = BATCH
  for (;;) {
    const batch = nextBatch(await ports.load(), limit)
    if (batch.length === 0) return 'done'
    let answers: Answer[]
    const began = ports.nowMs()
    try {
      answers = await ports.post(batch.map((item) => item.envelope))
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500 || PASSING.has(error.status)) {
        // with no network at all nothing went out, and nothing is too large for the line
        if (ports.nowMs() - began >= TORN_MS) await ports.save(batch.map((item) => ({ ...item, tries: item.tries + 1 })))
        return 'retry'
      }
      if (error.status === 401) return 'signin'
      const [only] = batch
      if (batch.length === 1 && only) {
        await ports.save([park(only, error.body, ports.nowMs())])
        limit = BATCH
      } else limit = Math.ceil(batch.length / 2) // one of them cannot be read: halve until it stands alone
      continue
    }
    const settled = settle(batch, answers, ports.nowMs())
    // an answer that says nothing about what was asked is no answer
    if (settled.length === 0) return 'retry'
    await ports.save(settled)
  }
}
