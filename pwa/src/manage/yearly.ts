/** A year's statistics as the screen reads them, and its words. */
import { words } from '../i18n'

export interface Figures { key: string; episodes: number; incidents: number; real: number; false: number; open: number; sealed: number }
export interface Spread { code: string; limitS: number | null; count: number; medianS: number | null; p90S: number | null; within: number }
export interface Year {
  year: number
  total: Figures
  kinds: Figures[]
  areas: Figures[]
  months: Figures[]
  monthsByKind: Record<string, number[]>
  times: Spread[]
  drills: number
  merged: number
  gaps: string[]
}
export interface Statistics { year: Year; years: number[]; exercise: boolean }

/** A share as a percentage with one decimal; a dash where there is nothing to divide by. Pure. */
export const share = (part: number, whole: number): string => (whole ? `${((100 * part) / whole).toFixed(1)}%` : '—')

/** The next round number above the highest bar, so that the axis ends on it. Pure. */
export function ceiling(highest: number): number {
  if (highest <= 4) return 4
  const step = 10 ** Math.floor(Math.log10(highest))
  return [1, 2, 4, 5, 6, 8, 10].map((n) => n * step).find((n) => n >= highest) ?? highest
}

export const t = words({
  alarms: ['报警', 'Alarms'],
  alarms_note: ['探测器报警次数', 'by detectors'],
  incidents: ['警情', 'Incidents'],
  incidents_note: ['属实 {real} · 未结 {open}', '{real} real · {open} open'],
  false: ['误报', 'False'],
  false_note: ['占已结 {rate}', '{rate} of those closed'],
  numbers: ['编号', 'Numbers'],
  whole: ['连续', 'no gap'],
  missing: ['缺 {n} 个', '{n} missing'],
  left_out: ['未计入：演练 {drills} · 并入他案 {merged}', 'left out: {drills} drills · {merged} merged'],
  by_month: ['按月份', 'By month'],
  by_kind: ['按预警类型', 'By kind'],
  by_area: ['按区域', 'By area'],
  times: ['用时', 'Times'],
  all_kinds: ['全部类型', 'All kinds'],
  month: ['{n} 月', '{n}'],
  chart: ['各月报警次数', 'Alarms in each month'],
  month_said: ['{n} 月 {count} 次', 'month {n}: {count}'],
  kind: ['类型', 'Kind'],
  area: ['区域', 'Area'],
  no_area: ['未划区', 'no area'],
  real: ['属实', 'Real'],
  open: ['未结', 'Open'],
  rate: ['误报率', 'False rate'],
  sealed: ['已归档', 'Sealed'],
  total: ['合计', 'Total'],
  step: ['环节', 'Step'],
  count: ['次数', 'Count'],
  median: ['中位数', 'Median'],
  p90: ['九成以内', '90th percentile'],
  kept: ['达到', 'Kept'],
  presented: ['呈现到值班台', 'On the desk'],
  claimed: ['值班员接手', 'Claimed'],
  first: ['首名人员到场', 'First person there'],
  station: ['第二人或首车到场', 'Second person or first vehicle'],
  joint: ['联合力量到场', 'Joint force'],
  released: ['发布至解除', 'From alert to release'],
  times_note: ['1、3、5 分钟是消防救援惯例，不是本标准的要求。', '1, 3 and 5 minutes are the fire services’ habit, not this standard’s.'],
  counted_note: ['按发布当天的本地日期归年；跨年的警情只计在发布的那一年。演练不计。', 'By the local date of the alert; what goes on over New Year counts in the old year. Drills are left out.'],
  csv: ['统计表', 'Table'],
  register: ['登记册', 'Register'],
  print: ['打印', 'Print'],
  none: ['这一年还没有预警', 'No alerts in this year'],
  exercise: ['演示数据：统计的是演示中的警情', 'A demonstration: its exercises are counted'],
  seconds: ['{n} 秒', '{n} s'],
  limit_m: ['{n} 分钟', '{n} min'],
  minutes: ['{m} 分 {s} 秒', '{m} min {s} s'],
  hours: ['{h} 小时 {m} 分', '{h} h {m} min'],
})

/** Seconds as a person reads them. */
export function took(s: number | null): string {
  if (s === null) return '—'
  if (s < 60) return t('seconds', { n: s.toFixed(1) })
  const whole = Math.round(s)
  if (whole < 3600) return t('minutes', { m: Math.floor(whole / 60), s: whole % 60 })
  return t('hours', { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) })
}
