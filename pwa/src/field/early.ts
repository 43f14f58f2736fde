/**
 * What the phone kept, read while the app's own code is still on its way: a small file of its own,
 * which imports nothing. Where it fails the app reads again by itself, a little later.
 */
import type { Rulebook } from '../wire/types'
import type { Item } from '../sync/queue'
import type { Snapshot } from '../sync/snapshot'

/** As it lies in the store: an older app may have written it. */
export interface Early { home: Snapshot | undefined; owner: string | undefined; items: Item[]; book: Rulebook | undefined }
declare global {
  var early: Promise<Early | null> | undefined
}

/** A store that is not there yet is not made here; only the app knows its shape. */
const opened = (name: string): Promise<IDBDatabase> =>
  new Promise((done, failed) => {
    const asked = indexedDB.open(name)
    asked.onupgradeneeded = () => asked.transaction?.abort()
    asked.onsuccess = () => done(asked.result)
    asked.onerror = () => failed(asked.error)
  })

const answer = <T>(asked: IDBRequest): Promise<T> =>
  new Promise((done, failed) => {
    asked.onsuccess = () => done(asked.result as T)
    asked.onerror = () => failed(asked.error)
  })

async function phone(): Promise<Omit<Early, 'book'>> {
  const db = await opened('jiean-phone')
  const read = db.transaction(['kept', 'outbox'])
  const kept = read.objectStore('kept')
  const [home, owner, items] = await Promise.all([
    answer<Snapshot | undefined>(kept.get('home')),
    answer<string | undefined>(kept.get('owner')),
    answer<Item[]>(read.objectStore('outbox').getAll()),
  ])
  db.close() // a newer version in another window must not wait for this one
  return { home, owner, items }
}

async function book(): Promise<Rulebook | undefined> {
  const db = await opened('jiean-rulebook')
  const found = await answer<Rulebook | undefined>(db.transaction('book').objectStore('book').get('now'))
  db.close()
  return found
}

globalThis.early = Promise.all([phone(), book()]).then(
  ([kept, read]) => ({ ...kept, book: read }),
  () => null,
)

/** A bright page at night blinds: the look is there before the first frame is drawn. */
function look(): void {
  const chosen = localStorage.getItem('jiean.look')
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.look = chosen && chosen !== 'auto' ? chosen : dark ? 'night' : 'day'
}

/** In an incident when the app was closed: the files of its screens come along with the first. */
function fetchRest(): void {
  const { rest } = (document.querySelector('script[data-rest]') as HTMLElement | null)?.dataset ?? {}
  if (!rest || !navigator.serviceWorker?.controller || localStorage.getItem('jiean.working') === null) return
  for (const name of rest.split(' ')) {
    const link = document.createElement('link')
    const style = name.endsWith('.css')
    link.rel = style ? 'preload' : 'modulepreload'
    if (style) link.as = 'style'
    link.crossOrigin = ''
    link.href = `/assets/${name}`
    document.head.append(link)
  }
}
try {
  look()
  fetchRest()
} catch {
  // a browser that keeps nothing
}
