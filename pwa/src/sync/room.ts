/**
 * Room on the phone. A tap must always find some: a block is kept for it that is given up when the
 * disk is full, photographs leave a reserve free, and what the server has makes way first.
 */
import { keep, keptOf, store } from './store'

export type Room = 'ok' | 'low' | 'full'
export interface Estimate { usage?: number; quota?: number }

const MB = 1024 * 1024
/** ▲ Below this a person is told to make room. */
export const LOW = 150 * MB
/** ▲ Below this nothing larger than a tap is written. */
export const RESERVE = 12 * MB
/** ▲ What is given up so that taps still find room: some thousand of them. */
const BALLAST = 2 * MB

/** Bytes that are left, as far as the browser says; null where it does not. */
export const freeOf = ({ usage, quota }: Estimate): number | null => (quota === undefined || usage === undefined ? null : Math.max(0, quota - usage))

export function roomOf(estimate: Estimate): Room {
  const free = freeOf(estimate)
  if (free === null || free >= LOW) return 'ok'
  return free >= RESERVE ? 'low' : 'full'
}

export async function estimate(): Promise<Estimate> {
  return (await globalThis.navigator?.storage?.estimate?.().catch(() => ({}))) ?? {}
}

/** Was it the full disk? A browser says so, or only that it gave the transaction up. */
export const isFull = (error: unknown): boolean => error instanceof Error && ['QuotaExceededError', 'AbortError', 'NS_ERROR_DOM_QUOTA_REACHED'].includes(error.name)

/** Keep the block, where there is room for it; harmless when it is there already. */
export async function keepBallast(): Promise<void> {
  if ((await keptOf<Blob>('ballast')) || roomOf(await estimate()) === 'full') return
  await keep('ballast', new Blob([new Uint8Array(BALLAST)])).catch(() => undefined)
}

/** Write something small that must not fail; the block makes way for it. */
export async function withRoom<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isFull(error)) throw error
    await (await store()).delete('kept', 'ballast')
    return write()
  }
}
