import { words } from '../i18n'

/** Times and distances as a person reads them. Instants are ISO strings or epoch milliseconds. */
const t = words({
  justNow: ['刚刚', 'just now'],
  seconds: ['{n} 秒前', '{n} s ago'],
  minutes: ['{n} 分钟前', '{n} min ago'],
  hours: ['{n} 小时前', '{n} h ago'],
  days: ['{n} 天前', '{n} d ago'],
  metre: ['{n} 米', '{n} m'],
  kilometre: ['{n} 公里', '{n} km'],
  onTheWay: ['路上约 {n} 分钟', 'about {n} min away'],
  inSeconds: ['{n} 秒后', 'in {n} s'],
  inMinutes: ['{n} 分钟后', 'in {n} min'],
  inHours: ['{n} 小时后', 'in {n} h'],
  inDays: ['{n} 天后', 'in {n} d'],
  overdue: ['已超时 {for}', '{for} overdue'],
  lasting_s: ['{n} 秒', '{n} s'],
  lasting_m: ['{n} 分钟', '{n} min'],
  lasting_h: ['{n} 小时', '{n} h'],
  lasting_d: ['{n} 天', '{n} d'],
})

type Instant = string | number | null | undefined
const ms = (at: Instant): number => (typeof at === 'number' ? at : at ? Date.parse(at) : Number.NaN)
const two = (n: number): string => String(n).padStart(2, '0')

/** ``14:03:27`` in the device's zone; with the date in front when it was not today. */
export function clockTime(at: Instant, nowMs = Date.now(), withSeconds = true): string {
  const value = ms(at)
  if (Number.isNaN(value)) return '—'
  const d = new Date(value)
  const time = `${two(d.getHours())}:${two(d.getMinutes())}${withSeconds ? `:${two(d.getSeconds())}` : ''}`
  return d.toDateString() === new Date(nowMs).toDateString() ? time : `${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`
}

/** ``3 分钟前``; an instant ahead of the clock by its own small error is "just now". */
export function ago(at: Instant, nowMs: number): string {
  const value = ms(at)
  if (Number.isNaN(value)) return '—'
  const s = Math.floor((nowMs - value) / 1000)
  if (s < 3) return t('justNow')
  if (s < 60) return t('seconds', { n: s })
  if (s < 3600) return t('minutes', { n: Math.floor(s / 60) })
  if (s < 86400) return t('hours', { n: Math.floor(s / 3600) })
  return t('days', { n: Math.floor(s / 86400) })
}

/** A length of time in one unit: ``45 秒``, ``12 分钟``. */
export function lasting(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 90) return t('lasting_s', { n: s })
  if (s < 5400) return t('lasting_m', { n: Math.round(s / 60) })
  if (s < 172800) return t('lasting_h', { n: Math.round(s / 3600) })
  return t('lasting_d', { n: Math.round(s / 86400) })
}

/** When something is due: ``2 小时后`` or ``已超时 5 分钟``. */
export function due(at: Instant, nowMs: number): string {
  const value = ms(at)
  if (Number.isNaN(value)) return '—'
  const s = Math.round((value - nowMs) / 1000)
  if (s < 0) return t('overdue', { for: lasting(-s) })
  if (s < 60) return t('inSeconds', { n: s })
  if (s < 3600) return t('inMinutes', { n: Math.round(s / 60) })
  if (s < 172800) return t('inHours', { n: Math.round(s / 3600) })
  return t('inDays', { n: Math.round(s / 86400) })
}

/** ``2:40``, or ``1:02:40`` from an hour on. */
export function stopwatch(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const h = Math.floor(s / 3600)
  return h ? `${h}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`
}

/** ``320 米``; from a kilometre on ``1.2 公里``. */
export function distance(metres: number): string {
  if (metres >= 1000) return t('kilometre', { n: (metres / 1000).toFixed(1) })
  return t('metre', { n: metres >= 100 ? Math.round(metres / 10) * 10 : Math.round(metres) })
}

/** ``路上约 4 分钟``, on foot or by e-bike, as the installation goes; never less than one. */
export const onTheWay = (minutes: number): string => t('onTheWay', { n: Math.max(1, Math.round(minutes)) })

/** A measured value without false precision. */
export function amount(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—'
  const size = Math.abs(value)
  return size >= 100 ? String(Math.round(value)) : size >= 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value * 100) / 100)
}
