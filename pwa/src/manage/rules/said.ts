/** A rule as one says it: numbers with their unit, times as people count them. */
import { t } from './words'
import type { NumberName, Rule } from './types'

const DAY = 86_400

/** 30 → 30 秒, 600 → 10 分钟, 86400 → 1 天; fractions only where they are meant. */
export function timeSaid(seconds: number): string {
  if (seconds >= DAY && seconds % (DAY / 2) === 0) return `${seconds / DAY} ${t('days')}`
  if (seconds >= 3600 && seconds % 1800 === 0) return `${seconds / 3600} ${t('hours')}`
  if (seconds >= 60 && seconds % 30 === 0) return `${seconds / 60} ${t('minutes')}`
  return `${seconds} ${t('seconds')}`
}

/** What an input of this number counts in, and how many of the stored unit that is. */
export function measureOf(rule: Rule, name: NumberName): { word: string; each: number } {
  if (name === 'raiseAt' || name === 'clearAt') return { word: rule.unit === 'h' ? t('hours') : (rule.unit ?? ''), each: 1 }
  if (name === 'normals' || name === 'times') return { word: t('readings'), each: 1 }
  if (name === 'least') return { word: 'm³', each: 1 }
  if (name === 'learnS' || (name === 'windowS' && rule.windowS >= DAY)) return { word: t('days'), each: DAY }
  if (name === 'windowS') return { word: t('minutes'), each: 60 }
  return { word: t('seconds'), each: 1 }
}

export function valueSaid(rule: Rule, name: NumberName | 'off', value: number | boolean | null): string {
  if (name === 'off') return value ? t('no') : t('yes')
  if (value === null) return '—'
  if (name === 'onDelayS' || name === 'nightOnDelayS' || name === 'offDelayS' || name === 'windowS' || name === 'learnS') return timeSaid(Number(value))
  return `${value} ${measureOf(rule, name).word}`.trim()
}

const amount = (rule: Rule, value: number): string => `${value} ${rule.unit === 'h' ? t('hours') : (rule.unit ?? '')}`.trim()

/** When it raises. */
export function raisesSaid(rule: Rule): string {
  const raise = amount(rule, rule.raiseAt)
  const limit = rule.form === 'flag' ? t('s_flag') : t(`s_${rule.form}`, { raise })
  const window = timeSaid(rule.windowS)
  const what = {
    value: limit,
    change: t(rule.windowS ? 's_median' : 's_change', { limit, window }),
    rate: t('s_rate', { limit: rule.form === 'beyond' ? ` ${t('s_above', { raise })}` : ` ${limit}`, window }),
    used: t('s_used', { limit, window }),
    unused: t('s_unused', { raise, least: rule.least }),
    running: t('s_running', { raise }),
    still: t('s_still', { raise }),
  }[rule.of]
  const lasts = rule.onDelayS ? t('s_lasts', { time: timeSaid(rule.onDelayS) }) : ''
  const night = rule.nightOnDelayS !== null ? t('s_night', { time: timeSaid(rule.nightOnDelayS) }) : ''
  return what + lasts + night + (rule.times > 1 ? t('s_times', { n: rule.times }) : '')
}

/** When it clears. */
export function clearsSaid(rule: Rule): string {
  const sign = rule.form === 'below' ? '≥' : '≤'
  const hours = rule.of === 'unused' || rule.of === 'running' || rule.of === 'still'
  const level = rule.form === 'flag' || hours ? '' : t('s_clear_at', { value: `${sign} ${amount(rule, rule.clearAt)}` })
  return t('s_clears', { what: level, n: rule.normals }) + (rule.offDelayS ? t('s_for', { time: timeSaid(rule.offDelayS) }) : '')
}
