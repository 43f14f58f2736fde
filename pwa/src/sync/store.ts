/** What the phone keeps, in IndexedDB: commands, photographs, the last pictures of the server. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Item } from './queue'

export interface Evidence {
  sha256: string
  /** the untouched picture, the copy with time, place and name burnt in, or that one made small */
  role: 'clean' | 'burnt' | 'preview'
  incidentId: string
  bytes: Blob
  size: number
  mime: string
  takenAt: string
  caption: string
  state: 'saved' | 'accepted' | 'refused'
  problem: string | null
  /** some of it may be at the server */
  begun?: boolean
  acceptedAt?: number
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Item; indexes: { commandId: string } }
  evidence: { key: string; value: Evidence }
  kept: { key: string; value: unknown }
}

let opened: Promise<IDBPDatabase<Schema>> | undefined

/** ▲ A store that does not open by then is held by something else, or broken. */
const OPENS_WITHIN_MS = 8000

/** The store cannot be opened: forbidden, corrupt, or held by another window. */
export class NoStore extends Error {}

/**
 * The one store of this phone; the page and the service worker open the same one. What failed to
 * open is tried again at the next call.
 *
 * @throws NoStore instead of waiting for ever
 */
export function store(): Promise<IDBPDatabase<Schema>> {
  if (!opened) {
    const trying = within(open(), OPENS_WITHIN_MS)
    opened = trying
    trying.catch(() => opened === trying && (opened = undefined))
  }
  return opened
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new NoStore('held')), ms)
    work.then(done, (why: unknown) => failed(new NoStore('not opened', { cause: why }))).finally(() => clearTimeout(timer))
  })
}

function open(): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>('jiean-phone', 1, {
    upgrade(db) {
      const outbox = db.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true })
      outbox.createIndex('commandId', 'commandId', { unique: true })
      db.createObjectStore('evidence', { keyPath: 'sha256' })
      db.createObjectStore('kept')
    },
    // a newer version in another window must not wait for this one
    blocking: () => void closeStore(),
    terminated: () => (opened = undefined),
  })
}

export async function keep(key: string, value: unknown): Promise<void> {
  await (await store()).put('kept', value, key)
}

export async function keptOf<T>(key: string): Promise<T | undefined> {
  return (await (await store()).get('kept', key)) as T | undefined
}

/** Forget the open handle (tests start from an empty phone). */
export async function closeStore(): Promise<void> {
  const closing = opened
  opened = undefined
  ;(await closing?.catch(() => undefined))?.close()
}
