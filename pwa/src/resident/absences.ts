/** When nobody is at home, as a home or its community office says it. */
import { get, post } from '../wire/api'

export interface Absence {
  id: string
  fromAt: string
  toAt: string
}
export interface HomeAway {
  /** it has a water meter or a gate sensor at all */
  watched: boolean
  absences: Absence[]
}

export interface Away {
  load: () => Promise<HomeAway>
  go: (wish: Absence, consent: boolean) => Promise<HomeAway>
  back: (id: string) => Promise<HomeAway>
}

const at = (path: string): Away => ({
  load: () => get<HomeAway>(path),
  go: (wish, consent) => post<HomeAway>(path, { ...wish, consent }),
  back: (id) => post<HomeAway>(`${path}/${id}`, {}, 'DELETE'),
})

export const ownAbsences = (token: string): Away => at(`/api/link/${encodeURIComponent(token)}/absences`)
export const absencesOf = (householdId: string): Away => at(`/api/office/homes/${householdId}/absences`)

/** A calendar day of this device as the instant at which it begins; ``days`` later. */
export function dayAt(day: string, days = 0): Date {
  const found = new Date(`${day}T00:00:00`)
  found.setDate(found.getDate() + days)
  return found
}

/** The day that an instant is in, as a date input wants it. */
export function dayOf(at: Date): string {
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`
}

/** From the chosen day's beginning, or now if that is past, to the end of the last day. */
export function spellOf(from: string, to: string, now: Date): { fromAt: string; toAt: string } {
  const begins = dayAt(from)
  return { fromAt: (begins < now ? now : begins).toISOString(), toAt: dayAt(to, 1).toISOString() }
}
