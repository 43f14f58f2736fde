/** The last picture of the server, kept so that the app opens mid-incident without a network. */
import type { FieldHome } from '../wire/types'
import { whole } from './older'
import { keep, keptOf } from './store'

export interface Snapshot { home: FieldHome; at: number }

/**
 * The whole picture out of what changed since the one before; null where something is missing, so
 * that all of it must be fetched.
 */
export function merged(before: FieldHome | null, fresh: FieldHome): FieldHome | null {
  if (!fresh.known) return fresh
  const views = new Map([...(before?.incidents ?? []), ...fresh.incidents].map((view) => [view.id, view]))
  const incidents = fresh.known.map((id) => views.get(id))
  return incidents.every((view) => view !== undefined) ? { ...fresh, incidents } : null
}

/** States in which somebody still works at the scene or answers for it. */
const OVER = new Set(['released', 'archived'])

export async function keepHome(home: FieldHome, atMs: number): Promise<void> {
  await keep('home', { home, at: atMs } satisfies Snapshot)
  await keep('busy', home.offers.length > 0 || home.incidents.some((incident) => !OVER.has(incident.state)))
}

/** As it is needed now, whichever app kept it. */
export const shown = (kept: Snapshot): Snapshot => ({ ...kept, home: whole(kept.home) })

export async function keptHome(): Promise<Snapshot | undefined> {
  const kept = await keptOf<Snapshot>('home')
  return kept && shown(kept)
}

/** Is an incident open on this phone? Asked before a new version may take over. */
export const isBusy = async (): Promise<boolean> => (await keptOf<boolean>('busy')) === true

/** Somebody else signs in: what the phone knew is not theirs to see. */
export async function forgetHome(): Promise<void> {
  await keep('home', undefined)
  await keep('charts', undefined)
  await keep('busy', false)
}
