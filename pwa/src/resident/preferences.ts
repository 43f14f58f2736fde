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

export const loadPreferences = (token: string): Promise<Preference[]> => get<Preference[]>(path(token))

/** Keep what somebody wishes; without consent it is forgotten. */
export function keepPreference(token: string, wish: Preference, consent: boolean): Promise<Preference[]> {
  const { contactId, way, largeText, language } = wish
  return post<Preference[]>(path(token), { contactId, way, largeText, language, consent }, 'PUT')
}
