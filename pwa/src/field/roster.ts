/**
 * Evacuation lists as the server drew them, kept on the phone, sealed, for as long as their incident
 * is open and mine: names must be at hand with no network, and gone when they are no longer needed.
 */
import { ref, watch } from 'vue'
import { dropSealed, keepSealed, sealedOf } from '../sync/sealed'
import { get } from '../wire/api'
import type { BesideIncident, IncidentView, Uuid } from '../wire/types'
import { home, self } from './phone'
import { mine } from './steps'

export interface Door { id: Uuid; label: string; door: string; floor: string | null; ring: 0 | 1 | 2 }
export interface Soul { id: string; householdId: Uuid; name: string; needsHelp: string | null }
/** ``people`` in the order to go by: who needs help first. */
export interface Roster { incidentId: Uuid; at: string; masked: boolean; doors: Door[]; people: Soul[] }

const KEY = 'rosters'
type Kept = { owner: string; rosters: Record<Uuid, Roster> }
const rosters = ref<Record<Uuid, Roster>>({})
/** What the incident was like when its list was fetched: a wider cordon asks for a longer list. */
const asked = new Map<Uuid, string>()

export const rosterOf = (id: Uuid): Roster | null => rosters.value[id] ?? null

const OVER = new Set(['released', 'archived'])
const wants = (view: IncidentView): boolean => !OVER.has(view.state) && mine(view, self.value.staffId) !== null
const stateOf = (view: IncidentView): string => `${view.cordon.state} ${view.cordon.at} ${view.evacuation.state} ${view.evacuation.expected.length}`

/** Lists of what is one event with mine, while somebody goes by them: so nobody is fetched twice. */
const linkedTo = (open: readonly IncidentView[]): BesideIncident[] =>
  (home.value?.beside ?? []).filter((one) => one.evacuation.state === 'running' && open.some((view) => view.id === one.of) && !open.some((view) => view.id === one.incidentId))

export async function startRosters(): Promise<void> {
  const kept = await sealedOf<Kept>(KEY)
  // where nothing opens, what lies there is of no use: an older app's, or another key's
  if (!kept) await dropSealed(KEY)
  if (kept && (!self.value.id || kept.owner === self.value.id)) rosters.value = kept.rosters
  watch(home, () => void renew(), { immediate: true })
}

async function renew(): Promise<void> {
  const views = home.value?.incidents
  if (!views) return
  const open = views.filter(wants)
  const others = linkedTo(open)
  const ids = [...open, ...others].map((one) => ('of' in one ? one.incidentId : one.id))
  const before = Object.keys(rosters.value)
  const left = Object.fromEntries(Object.entries(rosters.value).filter(([id]) => ids.includes(id)))
  if (Object.keys(left).length < before.length) await save(left)
  for (const one of [...open, ...others]) {
    const [id, state] = 'of' in one ? [one.incidentId, `${one.evacuation.state} ${one.evacuation.total}`] : [one.id, stateOf(one)]
    if (asked.get(id) === state) continue
    try {
      const fresh = await get<Roster>(`/api/incidents/${id}/roster`)
      asked.set(id, state)
      await save({ ...rosters.value, [id]: fresh })
    } catch {
      return // no network: what is kept serves, and the next picture of the server asks again
    }
  }
}

async function save(next: Record<Uuid, Roster>): Promise<void> {
  rosters.value = next
  if (Object.keys(next).length) await keepSealed(KEY, { owner: self.value.id, rosters: next })
  else await dropSealed(KEY)
}

/** Those of the list that nobody has said anything of. */
export const openSouls = (view: IncidentView, people: readonly Soul[]): Soul[] =>
  people.filter(({ id }) => !view.evacuation.marks[id] || view.evacuation.marks[id].status === 'untick')

