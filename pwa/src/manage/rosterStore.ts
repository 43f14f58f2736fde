/** The roster's one state on the manager's screen: the week, and what was refused or warned of. */
import { computed, ref, shallowRef } from 'vue'
import { say } from '../i18n'
import { correctedNow } from '../kit/clock'
import { dayOf, instant, mondayOf, plusDays, timeOf } from '../roster/time'
import type { Fault, Person, Role, Roster, Shift } from '../roster/types'
import { uuid7 } from '../sync/uuid7'
import { get, post, Problem } from '../wire/api'
import type { Uuid } from '../wire/types'
import { t as shared } from './words'

export const roster = shallowRef<Roster | null>(null)
export const week = ref(mondayOf(dayOf(correctedNow())))
export const thisWeek = (): void => show(mondayOf(dayOf(correctedNow())))
export const error = ref('')

export const days = computed(() => [0, 1, 2, 3, 4, 5, 6].map((n) => plusDays(week.value, n)))
export const people = computed(() => new Map((roster.value?.people ?? []).map((one) => [one.id, one] as const)))
export const nameOf = (id: Uuid | null): string => (id && people.value.get(id)?.name) || '—'
export const POSTS: Record<Role, Person['post']> = { desk: 'desk', desk_lead: 'desk', field: 'field', technician: 'technician' }
export const newId = (): Uuid => uuid7(Date.now())
export const ROLES: readonly Role[] = ['field', 'desk', 'desk_lead', 'technician']

export async function pull(): Promise<void> {
  const asked = week.value
  try {
    const found = await get<Roster>(`/api/roster?from=${asked}&days=7`)
    if (asked === week.value) roster.value = found
    error.value = ''
  } catch (cause) {
    error.value = shared('failed', { why: cause instanceof Error ? cause.message : '' })
  }
}
export function show(monday: string): void {
  week.value = monday
  void pull()
}

/** What the service said no to: ``refused`` for good, else it can be insisted on. */
export interface No { refused: boolean; faults: Fault[] }
export const linesOf = (faults: readonly Fault[]): string[] => [...new Set(faults.map((fault) => say(fault)))]

/** Send a change; null when it is done, else what speaks against it. */
export async function send(path: string, body: unknown, method: 'POST' | 'PUT' | 'DELETE' = 'PUT'): Promise<No | null> {
  try {
    await post(path, body, method)
    await pull()
    return null
  } catch (cause) {
    if (cause instanceof Problem && (cause.slug === 'roster-refused' || cause.slug === 'roster-warned')) {
      return { refused: cause.slug === 'roster-refused', faults: (cause.body as unknown as { faults: Fault[] }).faults }
    }
    if (cause instanceof Problem && cause.slug === 'no-such-shift') void pull()
    const why = cause instanceof Error ? cause.message : ''
    return { refused: true, faults: [{ code: 'failed', refused: true, zh: why, en: why, personId: null, shiftId: null }] }
  }
}

/** What is being written, before it is an instant. */
export interface Draft { id: Uuid; there: boolean; begun: boolean; personId: Uuid; role: Role; areaId: Uuid; day: string; from: string; until: string }

export function drafted(shift: Shift): Draft {
  const begun = Date.parse(shift.fromAt) <= Date.parse(roster.value?.now ?? '')
  return { id: shift.id, there: true, begun, personId: shift.personId, role: shift.role, areaId: shift.areaId, day: dayOf(shift.fromAt), from: timeOf(shift.fromAt), until: timeOf(shift.untilAt) }
}

/** An end at or before the start is on the next day. */
export const endsNextDay = (draft: Draft): boolean => draft.until <= draft.from
export const wish = (draft: Draft): { personId: Uuid; role: Role; areaId: Uuid; fromAt: string; untilAt: string } => ({
  personId: draft.personId,
  role: draft.role,
  areaId: draft.areaId,
  fromAt: instant(draft.day, draft.from),
  untilAt: instant(endsNextDay(draft) ? plusDays(draft.day, 1) : draft.day, draft.until),
})
