/**
 * My rounds on the phone: fetched with everything they need, kept sealed, moved on by what was said
 * here. What is said goes the one way that everything goes: through the outbox.
 */
import { computed, ref, shallowRef, watch } from 'vue'
import { dropSealed, keepSealed, sealedOf } from '../../sync/sealed'
import { get } from '../../wire/api'
import type { Command, Uuid } from '../../wire/types'
import { items, live, self, tell } from '../phone'
import { fold, isOver, isRound } from './fold'
import type { Check, MyRounds, Repair, RoundOut } from './types'

const KEY = 'rounds'
/** Where the person was, also after an alarm or a reload. */
const HERE = 'jiean.rounds'
interface Kept { owner: Uuid; at: number; mine: MyRounds }

const fetched = shallowRef<MyRounds | null>(null)
/** When they came; 0 = never. */
export const cameAt = ref(0)
export const stale = ref(false)

const here = (() => {
  try {
    return localStorage.getItem(HERE)
  } catch {
    return null
  }
})()
/** The device whose check is open; null: the list. */
export const at = ref<Uuid | null>(here && here !== 'list' ? here : null)

export function remember(open: boolean): void {
  try {
    if (open) localStorage.setItem(HERE, at.value ?? 'list')
    else localStorage.removeItem(HERE)
  } catch {
    // a browser that keeps nothing opens the home after a reload
  }
}

export const policy = computed(() => fetched.value?.policy ?? { placeM: 30, testMin: 10 })
const said = computed(() => items.value.filter((item) => isRound(item.envelope.command.name)))
export const rounds = computed<RoundOut[]>(() =>
  (fetched.value?.rounds ?? []).map((one) => ({ ...one, checks: one.checks.map((check) => fold(check, said.value, policy.value)) })),
)
export const today = computed(() => fetched.value?.today ?? '')
export const checks = computed<Check[]>(() => rounds.value.flatMap((one) => one.checks))
export const current = computed<Check | null>(() => checks.value.find((one) => one.id === at.value) ?? null)
/** Repairs that wait for my test, without those that I answered already. */
export const repairs = computed<Repair[]>(() => {
  const answered = new Set(said.value.filter((item) => ['saved', 'accepted'].includes(item.state) && item.envelope.command.name.startsWith('repair_')).map((item) => item.incidentId))
  return (fetched.value?.repairs ?? []).filter((one) => one.state === 'done' && !answered.has(one.id))
})
export const totals = computed(() => {
  const every = checks.value.filter((one) => one.state !== 'left')
  const due = rounds.value.filter((one) => one.checks.some((check) => !isOver(check))).map((one) => one.round.dueOn).sort()[0] ?? null
  return { all: every.length, done: every.filter((one) => one.state === 'done').length, due, overdue: due !== null && due < today.value }
})

let restored: Promise<void> | null = null
async function restore(): Promise<void> {
  const kept = await sealedOf<Kept>(KEY).catch(() => undefined)
  if (!kept) await dropSealed(KEY)
  else if (kept.owner === self.value.id && !fetched.value) {
    fetched.value = kept.mine
    cameAt.value = kept.at
  }
}

export async function refresh(): Promise<void> {
  await (restored ??= restore())
  try {
    const fresh = await get<MyRounds>('/api/my/rounds')
    fetched.value = fresh
    cameAt.value = Date.now()
    stale.value = false
    await keepSealed(KEY, { owner: self.value.id, at: cameAt.value, mine: fresh } satisfies Kept).catch(() => undefined)
  } catch {
    stale.value = true
  }
}

/** What of mine the server said no to, newest first: another was quicker, or the device is gone. */
export const refused = (checkId: Uuid) => [...said.value].reverse().find((item) => item.incidentId === checkId && item.state === 'refused' && !item.seen)

export const say = (id: Uuid, command: Command, commandId?: string) => tell(id, command, commandId)

let begun = false
/** Once the app is open: fetch now, when the line comes back, and when something of mine was taken. */
export function startRounds(): void {
  if (begun) return
  begun = true
  void refresh()
  watch(live, (on) => on && void refresh())
  const answered = computed(() => said.value.filter((item) => item.state !== 'saved').length)
  watch(answered, () => void refresh())
}
