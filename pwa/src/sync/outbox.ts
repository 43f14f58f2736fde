/** The phone's outbox: every tap is written here first and leaves from here, in order. */
import { post, Problem, Unreachable } from '../wire/api'
import type { Answer, Command, Envelope, Position } from '../wire/types'
import { drain, type Drained } from './drain'
import { uploadAll } from './evidence'
import { whole, type Item } from './queue'
import { withRoom } from './room'
import type { Clock } from './shot'
import { signed } from './sign'
import { keep, keptOf, store } from './store'
import { elapsedMs, trustedMs, type Contact } from './time'
import { uuid7 } from './uuid7'

export interface Said {
  incidentId: string
  command: Command
  seenVersion: number | null
  deviceId: string | null
  position: Position | null
  /** an id agreed before, where two places may say the same thing (notification and page) */
  commandId?: string
}

const CHANNEL = 'jiean-outbox'
const LOCK = 'jiean-outbox'
const monotonic = (): number => performance.now()

let contact: Contact | null = null

/** The server has just said what time it is. */
export async function heardTime(iso: string): Promise<void> {
  const serverMs = Date.parse(iso)
  if (Number.isNaN(serverMs)) return
  contact = { serverMs, wallMs: Date.now(), monotonicMs: monotonic() }
  await (await store()).put('kept', { ...contact, monotonicMs: null }, 'contact')
}

async function lastContact(): Promise<Contact | null> {
  contact ??= ((await (await store()).get('kept', 'contact')) as Contact | undefined) ?? null
  return contact
}

/** Both clocks now: the server's as well as this phone knows it, and the phone's own, in ms since the epoch. */
export async function clockNow(): Promise<Clock> {
  const last = await lastContact()
  const wallMs = Date.now()
  return { atMs: trustedMs(last, wallMs, monotonic()), wallMs, elapsedMs: last ? elapsedMs(last, wallMs, monotonic()) : null, clock: last ? 'server' : 'phone' }
}

/**
 * Write one command down. It is safe on the phone when this resolves; sending is another matter.
 * Saying the same ``commandId`` again returns the item already there.
 */
export const say = (said: Said): Promise<Item> => withRoom(() => writeDown(said))

async function writeDown(said: Said): Promise<Item> {
  const last = await lastContact()
  const wall = Date.now()
  const db = await store()
  const change = db.transaction(['outbox', 'kept'], 'readwrite')
  change.done.catch(() => undefined) // whoever waits below is told
  const outbox = change.objectStore('outbox')
  if (said.commandId) {
    const before = await outbox.index('commandId').get(said.commandId)
    if (before) {
      await change.done
      return before
    }
  }
  // one line per phone: the number grows in the same transaction that writes the command
  const by = ((await change.objectStore('kept').get('owner')) as string | undefined) ?? null
  const seq = (((await change.objectStore('kept').get('seq')) as number | undefined) ?? 0) + 1
  await change.objectStore('kept').put(seq, 'seq')
  const commandId = said.commandId ?? uuid7(wall)
  const envelope: Envelope = {
    commandId,
    incidentId: said.incidentId,
    occurredAt: new Date(wall).toISOString(),
    skewMs: last ? Math.round(trustedMs(last, wall, monotonic()) - wall) : null,
    seenVersion: said.seenVersion,
    deviceId: said.deviceId,
    seq,
    elapsedMs: last ? elapsedMs(last, wall, monotonic()) : null,
    // a copy: what a screen hands in may still change, or be reactive and impossible to store
    position: said.position && { ...said.position },
    command: JSON.parse(JSON.stringify(said.command)) as Command,
  }
  const item: Omit<Item, 'order'> = {
    commandId, incidentId: said.incidentId, by, envelope, state: 'saved', savedAt: wall, tries: 0,
    answeredAt: null, version: null, refusal: null, problem: null, seen: false,
  }
  const order = await outbox.add(item as Item)
  await change.done
  await sign(order)
  announce()
  return { ...item, order }
}

/** Put this phone's signature to a tap that is safe already; sending does it where this fails. */
async function sign(order: number): Promise<void> {
  const db = await store()
  const item = await db.get('outbox', order)
  if (!item) return
  const envelope = await signed(item.envelope).catch(() => item.envelope)
  const change = db.transaction('outbox', 'readwrite')
  const now = await change.store.get(order)
  if (now?.state === 'saved' && envelope.signature) await change.store.put({ ...now, envelope })
  await change.done
}

/** Whose phone it is now: the account whose commands are shown and sent. */
export async function setOwner(accountId: string): Promise<void> {
  await keep('owner', accountId)
  await keep('closed', undefined)
}

/** The commands of the person who holds the phone; another person's wait for that person. */
export const ownItems = (all: readonly Item[], owner: string | undefined): Item[] => all.map(whole).filter((item) => item.by === null || item.by === (owner ?? null))

export async function allItems(): Promise<Item[]> {
  const read = (await store()).transaction(['outbox', 'kept'])
  const [all, owner] = await Promise.all([read.objectStore('outbox').getAll(), read.objectStore('kept').get('owner')])
  return ownItems(all, owner as string | undefined)
}

async function write(changed: Item[]): Promise<void> {
  const change = (await store()).transaction('outbox', 'readwrite')
  const orders = changed.map((item) => item.order)
  const kept = changed.length ? await change.store.getAll(IDBKeyRange.bound(Math.min(...orders), Math.max(...orders))) : []
  const said = new Map(kept.map((item) => [item.order, item.envelope]))
  // what became of an item is news; what was said stands, signed meanwhile or not
  for (const item of changed) void change.store.put({ ...item, envelope: said.get(item.order) ?? item.envelope })
  await change.done
  announce()
}

/** The person has read what became of these. */
export const markSeen = (items: Item[]): Promise<void> => write(items.map((item) => ({ ...item, seen: true })))

/**
 * A new version of the app may be understood where the old one was not: what was set aside is said
 * once more with each, by itself.
 *
 * @param version any text that differs between two versions
 */
export async function sayAgain(version: string): Promise<void> {
  const change = (await store()).transaction(['outbox', 'kept'], 'readwrite')
  const [kept, outbox] = [change.objectStore('kept'), change.objectStore('outbox')]
  if ((await kept.get('version')) !== version) {
    for (const item of await outbox.getAll())
      if (item.state === 'parked') await outbox.put({ ...item, state: 'saved', tries: 0, answeredAt: null, problem: null, seen: false })
    await kept.put(version, 'version')
  }
  await change.done
  announce()
}

type Heard = { answers?: Answer[] } | null

/**
 * Nobody is signed in. Where that is because the account was closed meanwhile, the phone's
 * signature alone still brings home what was said before; what was said later is refused in words.
 */
async function sendLast(said: { commands: Envelope[] }, owner: string | undefined, why: unknown): Promise<Heard> {
  if (!(why instanceof Problem) || why.slug !== 'not-signed-in' || !said.commands[0]?.signature) throw why
  const heard = await post<Heard>('/api/phone/commands', said).catch(() => {
    throw why // an open account: its person signs in, and everything goes then
  })
  await keep('closed', owner)
  return heard
}

/** Is the account of the phone's owner known to be closed? */
export async function accountClosed(): Promise<boolean> {
  const closed = await keptOf<string>('closed')
  return closed !== undefined && closed === (await keptOf<string>('owner'))
}

async function send(commands: Envelope[]): Promise<Answer[]> {
  // whose they are goes along: should somebody else be signed in here by now, nothing is taken
  const owner = (await (await store()).get('kept', 'owner')) as string | undefined
  const said = { commands: await Promise.all(commands.map(signed)) }
  const body = await post<Heard>('/api/commands', said, 'POST', owner ? { 'X-Jiean-Account': owner } : {}).catch((error: unknown) => sendLast(said, owner, error))
  if (!Array.isArray(body?.answers)) throw new Unreachable('an answer that is not ours')
  return body.answers
}

/** One at a time, also across windows and the service worker, where the browser has locks. */
async function alone<T>(work: () => Promise<T>, lock = LOCK): Promise<T> {
  const locks = globalThis.navigator?.locks
  return locks ? (await locks.request(lock, work)) : work()
}

/** Send what is waiting. Safe to call at any time and from several places. */
export function flush(): Promise<Drained> {
  return alone(() => drain({ load: allItems, save: write, post: send, nowMs: () => Date.now() }))
}

/** Send the photographs that wait; who asks while somebody does so already waits for them. */
export function uploadAlone(told: () => void = () => undefined): Promise<Drained> {
  return alone(() => uploadAll(told), 'jiean-evidence')
}

/**
 * Accepted commands older than two days are gone from the phone; the server has them. What was not
 * taken stays until the person has read it.
 */
export async function tidy(nowMs: number): Promise<void> {
  const change = (await store()).transaction('outbox', 'readwrite')
  for (const item of await change.store.getAll())
    if ((item.state === 'accepted' || (item.seen && item.state !== 'saved' && item.state !== 'parked')) && nowMs - (item.answeredAt ?? nowMs) > 172_800_000) await change.store.delete(item.order)
  await change.done
}

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL)
const listeners = new Set<() => void>()
if (channel) channel.onmessage = () => listeners.forEach((tell) => tell())

function announce(): void {
  channel?.postMessage(1)
  listeners.forEach((tell) => tell())
}

/** Be told when the outbox changed, here or in another window. */
export function onChange(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/**
 * A stable id for what may be said from two places: a tap on the notification and one in the app
 * are the same acceptance.
 */
export async function agreedId(what: string): Promise<string> {
  const change = (await store()).transaction('kept', 'readwrite')
  const key = `agreed:${what}`
  let id = (await change.store.get(key)) as string | undefined
  if (!id) await change.store.put((id = uuid7(Date.now())), key)
  await change.done
  return id
}
