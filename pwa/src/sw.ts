/**
 * The service worker: the app opens with no network, an alarm shows without asking the server, and
 * both answers work from the lock screen.
 */
import { landing, noticeOf, readPush } from './alarm/notice'
import { isBusy } from './sync/snapshot'
import { agreedId, flush, say, uploadAlone } from './sync/outbox'
import { post } from './wire/api'
import type { Message, ReceiptKind } from './wire/types'

declare const self: ServiceWorkerGlobalScope
declare const __SHELL__: [path: string, hash: string][]
declare const __VERSION__: string

const CACHE = `jiean-${__VERSION__}`
/** The pages by their address; the server maps /field to field.html, and so does the cache. */
const PAGES: Record<string, string> = { '/': '/index.html', '/field': '/field.html', '/login': '/login.html', '/resident': '/resident.html' }

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE)
      const old = await Promise.all((await caches.keys()).filter((name) => name !== CACHE).map((name) => caches.open(name)))
      await Promise.all(
        __SHELL__.map(async ([path, hash]) => {
          // assets carry their hash in the name: what an older version kept is the same file
          const known = path.startsWith('/assets/') ? (await Promise.all(old.map((each) => each.match(path)))).find(Boolean) : undefined
          const response = known ?? (await fetch(path, { cache: 'reload', headers: { 'X-Shell': hash } }))
          if (!response.ok) throw new Error(`${path}: ${response.status}`)
          await cache.put(path, response)
        }),
      )
      // nobody is in the middle of an incident: the new version may take over now
      if (!(await isBusy().catch(() => true))) await self.skipWaiting()
    })(),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith('jiean-') && name !== CACHE) await caches.delete(name)
      await self.clients.claim()
    })(),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin || url.pathname.startsWith('/api/') || url.pathname === '/ws') return
  const path = PAGES[url.pathname.replace(/(.)\/$/, '$1')] ?? url.pathname
  if (request.mode === 'navigate') event.respondWith(page(request, path))
  else if (__SHELL__.some(([known]) => known === path)) event.respondWith(kept(path).then((response) => response ?? fetch(request)))
})

let cache: Promise<Cache> | undefined
const kept = async (path: string): Promise<Response | undefined> => (await (cache ??= caches.open(CACHE))).match(path)

/** The kept page at once where there is one, so that a weak network never holds the app back. */
async function page(request: Request, path: string): Promise<Response> {
  const shell = await kept(path)
  if (shell) return shell
  try {
    return await fetch(request)
  } catch (error) {
    const field = await kept('/field.html')
    if (field) return field
    throw error
  }
}

const receipt = (message: Message, kind: ReceiptKind): Promise<void> =>
  post('/api/receipts', { receipts: [{ messageId: message.id, kind, at: new Date().toISOString() }] })
    .then(() => undefined)
    .catch(() => undefined)

self.addEventListener('push', (event) => {
  let data: unknown = null
  try {
    data = event.data?.json()
  } catch {
    // a push that is not JSON is still a push: say so below
  }
  const pushed = readPush(data)
  if (!pushed) {
    // a browser punishes a push that shows nothing
    event.waitUntil(self.registration.showNotification('街安', { body: '有新消息，请打开查看', tag: 'unreadable', data: null }))
    return
  }
  const { title, options } = noticeOf(pushed)
  event.waitUntil(
    Promise.all([
      self.registration.showNotification(title, options),
      receipt(pushed.message, 'delivered'),
      tellPages({ t: 'push', message: pushed.message }),
    ]),
  )
})

async function tellPages(what: object): Promise<void> {
  for (const client of await self.clients.matchAll({ type: 'window', includeUncontrolled: true })) client.postMessage(what)
}

self.addEventListener('notificationclick', (event) => {
  const message = event.notification.data as Message | null
  event.notification.close()
  event.waitUntil(answered(event.action, message))
})

async function answered(action: string, message: Message | null): Promise<void> {
  if (message) void receipt(message, action ? 'acted' : 'seen')
  const { incidentId, offerId } = message?.data ?? {}
  if (message && incidentId && offerId && (action === 'accept' || action === 'decline')) {
    await say({
      incidentId,
      command: action === 'accept' ? { name: 'accept', offerId } : { name: 'decline', offerId, reason: 'other', note: '' },
      seenVersion: null,
      deviceId: null,
      position: null,
      commandId: await agreedId(`${action}:${offerId}`),
    })
    const sent = await flush().catch(() => 'retry')
    await tellPages({ t: 'outbox' })
    // the tap was kept but nobody heard it yet: that must be seen, or the person believes to have accepted
    if (sent !== 'done') await notSent(message, action)
    if (action === 'decline') return
  }
  await show(message ? landing(message, location.origin) : '/field')
}

const notSent = (message: Message, action: string): Promise<void> =>
  self.registration.showNotification(action === 'accept' ? '接警尚未送达' : '“去不了”尚未送达', {
    body: '没有网络。打开街安重试，或打电话给值班台。',
    tag: `unsent:${String(message.data.offerId)}`,
    requireInteraction: true,
    data: message,
  })

async function show(url: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const field = windows.find((client) => new URL(client.url).pathname.startsWith('/field')) ?? null
  if (field) {
    field.postMessage({ t: 'show', url })
    await field.focus()
  } else await self.clients.openWindow(url)
}

self.addEventListener('sync' as 'message', (event) => {
  ;(event as unknown as ExtendableEvent).waitUntil(flush().then((ended) => (ended === 'done' ? uploadAlone() : ended)))
})

self.addEventListener('message', (event) => {
  const { t } = (event.data ?? {}) as { t?: string }
  // the page says that its incident is over; the store has the last word
  if (t === 'update') event.waitUntil(isBusy().then((busy) => (busy ? undefined : self.skipWaiting())))
})
