/**
 * My shifts as the service gave them last, kept on the phone: they can be read with no network.
 * Asking and answering needs the network: a swap is a promise between two people, not a fact.
 */
import { ref, shallowRef } from 'vue'
import { say, words } from '../i18n'
import type { Fault, MyShifts, Swap } from '../roster/types'
import { keep, keptOf } from '../sync/store'
import { get, post, Problem } from '../wire/api'
import type { Uuid } from '../wire/types'
import { self } from './phone'

const KEY = 'shifts'
interface Kept { owner: Uuid; at: number; mine: MyShifts }

export const mine = shallowRef<MyShifts | null>(null)
/** When they came; 0 = never. */
export const cameAt = ref(0)
export const stale = ref(false)

export async function refresh(): Promise<void> {
  if (!mine.value) {
    const kept = await keptOf<Kept>(KEY).catch(() => undefined)
    if (kept && kept.owner === self.value.id) {
      mine.value = kept.mine
      cameAt.value = kept.at
    }
  }
  try {
    const fresh = await get<MyShifts>('/api/my/shifts')
    mine.value = fresh
    cameAt.value = Date.now()
    stale.value = false
    await keep(KEY, { owner: self.value.id, at: cameAt.value, mine: fresh } satisfies Kept).catch(() => undefined)
  } catch {
    stale.value = true
  }
}

/** Null when it went through; else why not, in words. */
export async function ask(path: string, body: unknown, method: 'PUT' | 'POST'): Promise<string | null> {
  try {
    await post<Swap>(path, body, method)
    await refresh()
    return null
  } catch (cause) {
    if (!(cause instanceof Problem)) return t('offline')
    void refresh()
    const faults = (cause.body as unknown as { faults?: Fault[] }).faults
    return faults?.length ? [...new Set(faults.map((fault) => say(fault)))].join('；') : cause.message
  }
}

export const t = words({
  title: ['我的班次', 'My shifts'],
  back: ['返回', 'Back'],
  none: ['五周内没有排你的班', 'You have no shift in the next five weeks'],
  loading: ['正在取…', 'Fetching…'],
  kept: ['没有网络，显示 {ago} 的班次', 'No network: shifts as of {ago}'],
  never: ['没有网络，还没有取到班次', 'No network, and no shifts were fetched yet'],
  now: ['当班', 'now'],
  in_days: ['{n} 天后', 'in {n} d'],
  today: ['今天', 'today'],
  tomorrow: ['明天', 'tomorrow'],
  long_h: ['{n} 小时', '{n} h'],
  swap: ['换班', 'Swap'],
  swapping: ['正在换', 'being swapped'],

  asks: ['{name}想和你换班', '{name} wants to swap with you'],
  asked: ['你想和{name}换班', 'You asked {name} to swap'],
  you_take: ['你顶他的班', 'You take'],
  they_take: ['他顶你的班', 'They take'],
  for: ['换你的班', 'for yours'],
  for_theirs: ['换他的班', 'for theirs'],
  accept: ['同意', 'Agree'],
  decline: ['不换', 'Decline'],
  withdraw: ['撤回', 'Withdraw'],
  then_lead: ['同意后还要值班长批准', 'A lead approves it afterwards'],
  earlier: ['最近的换班', 'Recent swaps'],

  with_whom: ['和谁换', 'With whom'],
  nobody: ['没有同岗位的同事', 'Nobody of the same post'],
  only_take: ['只请他顶班', 'Only take mine'],
  in_turn: ['换他的哪个班', 'For which of theirs'],
  note: ['说一句（可不填）', 'A word (optional)'],
  send: ['发给{name}', 'Ask {name}'],
  cancel: ['取消', 'Cancel'],
  offline: ['连不上服务器，换班要有网络', 'The server cannot be reached; a swap needs the network'],
})
