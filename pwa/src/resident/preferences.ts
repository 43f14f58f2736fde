/** How the people of a household want to be reached, as the service keeps it (4.1-f). */
import { get, post } from '../wire/api'

export type Way = 'call' | 'text' | 'family'
export interface Preference {
  contactId: string
  /** masked, as is the number */
  name: string
  relation: string
  phone: string
  way: Way
  largeText: boolean
  language: 'zh' | 'en'
  /** null: nothing is kept, and the defaults hold */
  consentAt: string | null
}

const path = (token: string): string => `/api/link/${encodeURIComponent(token)}/preferences`

/** A home in a community office's area. */
export interface HomePreferences {
  householdId: string
  label: string
  people: Preference[]
}

export const loadPreferences = (token: string): Promise<Preference[]> => get<Preference[]>(path(token))

/** Keep what somebody wishes; without consent it is forgotten. */
export function keepPreference(token: string, wish: Preference, consent: boolean): Promise<Preference[]> {
  const { contactId, way, largeText, language } = wish
  return post<Preference[]>(path(token), { contactId, way, largeText, language, consent }, 'PUT')
}

/** Homes whose address has these words, fifty at most; for a community office. */
export const homesLike = (place: string): Promise<HomePreferences[]> => get<HomePreferences[]>(`/api/office/preferences?place=${encodeURIComponent(place)}`)

/** The same as ``keepPreference``, written down by the community for somebody who said so. */
export function keepFor(householdId: string, wish: Preference, consent: boolean): Promise<Preference[]> {
  const { contactId, way, largeText, language } = wish
  return post<Preference[]>('/api/office/preferences', { householdId, preference: { contactId, way, largeText, language, consent } }, 'PUT')
}
