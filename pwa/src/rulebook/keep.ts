import { openDB } from 'idb'
import type { Rulebook } from '../wire/types'

/** The last rule book this device received; kept so that the words are there without a network. */
const keep = () => openDB('jiean-rulebook', 1, { upgrade: (db) => void db.createObjectStore('book') })

export async function kept(): Promise<Rulebook | undefined> {
  try {
    return (await (await keep()).get('book', 'now')) as Rulebook | undefined
  } catch {
    return undefined
  }
}

export async function keepBook(book: Rulebook): Promise<void> {
  try {
    await (await keep()).put('book', book, 'now')
  } catch {
    // a full or closed store costs the words offline, nothing else
  }
}

/** A book in an older wording of the cards, by its version. */
export async function keptOlder(version: number): Promise<Rulebook | undefined> {
  try {
    return (await (await keep()).get('book', `cards ${version}`)) as Rulebook | undefined
  } catch {
    return undefined
  }
}

export async function keepOlder(version: number, book: Rulebook): Promise<void> {
  try {
    await (await keep()).put('book', book, `cards ${version}`)
  } catch {
    // a full or closed store costs the older words offline, nothing else
  }
}
