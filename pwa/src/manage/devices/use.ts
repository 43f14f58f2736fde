/** What the pages of the register share: words for things, and asking the service. */
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'
import { correctedNow } from '../../kit/clock'
import { clockTime } from '../../kit/format'
import { Problem, Unreachable } from '../../wire/api'
import { language } from '../../i18n'
import type { Kind, Life } from './types'
import { t, type Word } from './words'

export const KINDS: readonly Kind[] = ['smoke', 'gas', 'electric', 'structure', 'hydrant', 'water', 'door']
export const LIVES: readonly (Life | 'service')[] = ['service', 'planned', 'active', 'faulty', 'muted', 'replaced', 'retired']
export const TROUBLES = ['any', 'battery', 'offline', 'fault', 'tamper', 'muted', 'paused', 'no-certificate', 'no-photo'] as const
export const ICONS: Record<Kind, string> = { smoke: 'smoke', gas: 'gas', electric: 'bolt', structure: 'wall', hydrant: 'hydrant', water: 'water', door: 'door' }
export const LINKS = ['optical', 'mobile', 'lpwan', 'broadcast', 'internet'] as const
export const TONES: Record<Life, 'good' | 'notice' | 'urgent' | 'info' | undefined> = { planned: 'info', active: 'good', faulty: 'urgent', muted: 'notice', replaced: undefined, retired: undefined }
const TICKETS = new Set(['battery', 'offline', 'fault', 'tamper'])

export const kindWord = (kind: Kind): string => t(`k_${kind}`)
export const lifeWord = (life: Life | 'service'): string => t(`s_${life}`)
export const troubleWord = (kind: string): string => (TICKETS.has(kind) ? t(`p_${kind}` as Word) : t('t_other'))
export const lackWord = (why: string): string => t(`l_${why.replaceAll('-', '_')}` as Word)

/** One language of a refusal that holds both: Chinese, then English after the last Chinese letter. */
export function said(text: string): string {
  const at = text.search(/ [A-Z][^\u4e00-\u9fff]*$/)
  if (at < 0) return text
  return language.value === 'zh' ? text.slice(0, at) : text.slice(at + 1)
}
export function why(cause: unknown): string {
  if (cause instanceof Unreachable) return t('nobody_answers')
  if (cause instanceof Problem) return said(cause.message)
  return cause instanceof Error ? cause.message : ''
}

export interface Pulled<T> { data: Ref<T | null>; error: Ref<string>; at: Ref<number | null>; pull: () => Promise<void> }

/** Ask now and every so often; what was there stays while an answer is missing. */
export function usePull<T>(ask: () => Promise<T>, everyMs = 0): Pulled<T> {
  const data = ref(null) as Ref<T | null>
  const error = ref('')
  const at = ref<number | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0
  async function pull(): Promise<void> {
    clearTimeout(timer)
    const mine = ++turn
    try {
      const found = await ask()
      if (mine !== turn) return
      data.value = found
      at.value = correctedNow()
      error.value = ''
    } catch (cause) {
      if (mine === turn) error.value = why(cause)
    }
    if (everyMs && mine === turn) timer = setTimeout(() => void pull(), everyMs)
  }
  onMounted(() => void pull())
  onBeforeUnmount(() => {
    turn = -1
    clearTimeout(timer)
  })
  return { data, error, at, pull }
}

/** What to say where the last answer is old. */
export const stale = (error: string, at: number | null): string => (at ? `${t('offline', { at: clockTime(at) })}` : t('failed', { why: error }))
