/** From a pushed message to the notification a locked phone shows. Pure. */
import type { Message } from '../wire/types'

/** A web push body: the message itself, or the message with the key that makes a new one replace it. */
export interface Pushed { message: Message; collapseKey: string | null }

export interface Notice { title: string; options: NotificationOptions & { actions?: { action: string; title: string }[]; vibrate?: number[]; renotify?: boolean; timestamp?: number } }

/** The message of a push, or null for something that is not ours. */
export function readPush(data: unknown): Pushed | null {
  if (typeof data !== 'object' || data === null) return null
  const outer = data as Record<string, unknown>
  const inner = (typeof outer.message === 'object' && outer.message !== null ? outer.message : outer) as Partial<Message>
  if (typeof inner.id !== 'string' || typeof inner.title !== 'string') return null
  const collapse = outer.collapseKey ?? (inner as Record<string, unknown>).collapseKey
  return {
    message: {
      lockTitle: inner.title, lockBody: inner.body ?? '', ...inner, id: inner.id, title: inner.title, body: inner.body ?? '',
      urgency: inner.urgency ?? 'notice', handling: inner.handling ?? 'actual', actions: inner.actions ?? [],
      url: inner.url ?? '/field', data: inner.data ?? { kind: 'note' }, sentAt: inner.sentAt ?? '',
    },
    collapseKey: typeof collapse === 'string' && collapse ? collapse : null,
  }
}

/**
 * What to show. The lock screen gets the lock texts: no resident's name there. An offer stays
 * until it is answered and carries both answers.
 */
export function noticeOf({ message, collapseKey }: Pushed): Notice {
  const offer = message.data.kind === 'offer'
  /** A communication test is shown, as browsers demand, and heard by nobody. */
  const quiet = message.data.quiet === true
  const drill = message.handling === 'exercise' ? '【演练】' : message.handling === 'test' ? '【测试】' : ''
  const title = message.lockTitle || message.title
  return {
    title: title.includes('演练') || title.includes('测试') ? title : drill + title,
    options: {
      body: message.lockBody || message.body,
      tag: collapseKey ?? (offer ? `offer:${String(message.data.incidentId)}` : message.id),
      renotify: !quiet,
      requireInteraction: offer || message.urgency === 'emergency',
      silent: quiet,
      icon: '/icon-192.png',
      badge: '/icon-192.png',
      lang: 'zh-CN',
      ...(message.sentAt ? { timestamp: Date.parse(message.sentAt) } : {}),
      // a browser refuses a silent notification that vibrates
      ...(quiet ? {} : { vibrate: message.urgency === 'emergency' ? [500, 150, 500, 150, 900] : [300, 150, 300] }),
      actions: offer
        ? [{ action: 'accept', title: '接警' }, { action: 'decline', title: '去不了' }]
        : message.actions.slice(0, 2).map(({ id, label }) => ({ action: id, title: label })),
      data: message,
    },
  }
}

/** Where a tap on the notification leads. Only our own pages: a url from outside is not followed. */
export function landing(message: Message, origin: string): string {
  const url = new URL(message.data.kind === 'offer' ? '/field#offer' : message.url || '/field', origin)
  return url.origin === origin ? url.pathname + url.search + url.hash : '/field'
}
