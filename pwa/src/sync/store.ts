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

/** The one store of this phone; the page and the service worker open the same one. */
export function store(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>('jiean-phone', 1, {
    upgrade(db) {
      const outbox = db.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true })
      outbox.createIndex('commandId', 'commandId', { unique: true })
      db.createObjectStore('evidence', { keyPath: 'sha256' })
      db.createObjectStore('kept')
    },
    terminated: () => (opened = undefined),
  })
  return opened
}

export async function keep(key: string, value: unknown): Promise<void> {
  await (await store()).put('kept', value, key)
}

export async function keptOf<T>(key: string): Promise<T | undefined> {
  return (await (await store()).get('kept', key)) as T | undefined
}

/** Forget the open handle (tests start from an empty phone). */
export async function closeStore(): Promise<void> {
  ;(await opened)?.close()
  opened = undefined
}
