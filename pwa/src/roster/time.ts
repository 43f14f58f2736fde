/** Times of the service area (UTC+8, no summer time), whatever zone the device is set to. */
import { language } from '../i18n'

const HERE_MS = 8 * 3_600_000
const DAY_MS = 86_400_000
const NAMES = { zh: ['周一', '周二', '周三', '周四', '周五', '周六', '周日'], en: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] }

const local = (at: string | number): string => new Date((typeof at === 'number' ? at : Date.parse(at)) + HERE_MS).toISOString()
/** ``2026-11-22`` */
export const dayOf = (at: string | number): string => local(at).slice(0, 10)
/** ``20:00`` */
export const timeOf = (at: string | number): string => local(at).slice(11, 16)
/** The instant of a local day and time; ``24:00`` is the end of the day. */
export const instant = (day: string, time: string): string => {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return new Date(Date.parse(`${day}T00:00:00Z`) - HERE_MS + (hour * 60 + minute) * 60_000).toISOString()
}
export const plusDays = (day: string, days: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
/** 0 is Monday. */
export const weekdayOf = (day: string): number => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7
export const mondayOf = (day: string): string => plusDays(day, -weekdayOf(day))
export const weekday = (n: number): string => NAMES[language.value][n] ?? ''
/** ``11-22`` */
export const short = (day: string): string => day.slice(5)
export const hours = (fromAt: string, untilAt: string): number => Math.round((Date.parse(untilAt) - Date.parse(fromAt)) / 360_000) / 10

/** ``20:00–08:00``; the end of a day is 24:00. */
export function span(fromAt: string, untilAt: string): string {
  const end = timeOf(untilAt)
  return `${timeOf(fromAt)}–${end === '00:00' ? '24:00' : end}`
}
/** ``11-22 周日 20:00–次日 08:00``, with the day of the end where it is another one. */
export function wholeSpan(fromAt: string, untilAt: string): string {
  const [first, last] = [dayOf(fromAt), dayOf(untilAt)]
  const until = timeOf(untilAt)
  const name = weekday(weekdayOf(first))
  if (first === last) return `${short(first)} ${name} ${timeOf(fromAt)}–${until}`
  const day = last === plusDays(first, 1) ? (until === '00:00' ? null : language.value === 'zh' ? '次日' : 'next day') : short(last)
  return `${short(first)} ${name} ${timeOf(fromAt)}–${day === null ? '24:00' : `${day} ${until}`}`
}
