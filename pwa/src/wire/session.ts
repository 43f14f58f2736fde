import { ref } from 'vue'
import { get, post, Problem } from './api'
import type { Me, Role } from './types'

/** Who is signed in on this device, as the server last said. */
export const me = ref<Me | null>(null)

export async function whoAmI(): Promise<Me | null> {
  try {
    me.value = await get<Me>('/api/session')
  } catch (error) {
    if (error instanceof Problem && error.status === 401) me.value = null
    else throw error
  }
  return me.value
}

export async function signIn(login: string, password: string): Promise<Me> {
  me.value = await post<Me>('/api/session', { login, password, deviceId: deviceId() })
  return me.value
}

export async function signOut(): Promise<void> {
  await post('/api/session', {}, 'DELETE')
  me.value = null
}

/** The page where a person with these roles works. */
export function homeOf(roles: readonly Role[]): string {
  if (roles.some((role) => ['desk', 'desk_lead', 'manager'].includes(role))) return '/desk'
  if (roles.includes('field')) return '/field'
  if (roles.includes('office')) return '/office'
  return '/desk'
}

/** Where to go after signing in: the page asked for, when it is one of ours. */
export function afterSignIn(roles: readonly Role[], search: string): string {
  const asked = new URLSearchParams(search).get('next') ?? ''
  return /^\/(desk|field|office|wall|d)(?:[/#?]|$)/.test(asked) ? asked : homeOf(roles)
}

/** A lasting name for this device, made once. */
export function deviceId(): string {
  const KEY = 'jiean.device'
  try {
    const kept = localStorage.getItem(KEY)
    if (kept) return kept
    const made = crypto.randomUUID()
    localStorage.setItem(KEY, made)
    return made
  } catch {
    return 'unkept'
  }
}
