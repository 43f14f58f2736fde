/** Where everything of a chart lies, in px; y grows downwards. Pure. */
import type { Bar, Limit, Picture, Spot } from './types'

export interface Frame { width: number; height: number; left: number; right: number; top: number; bottom: number }
export interface Scale { x(ms: number): number; y(value: number): number; ms(x: number): number; low: number; high: number; since: number; until: number }
export interface Line { value: number; tone: 'urgent' | 'notice' | 'good'; word: 'raise' | 'note' | 'clear' }
/** One thing under a finger. */
export interface Touch { ms: number; value: number; low?: number; high?: number; n?: number; overS?: number; mark?: 'late' | 'test' | 'fault' }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS = [MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 10 * DAY]

/** The lines of the limits; those that are a change from a baseline have no place of their own. */
export function lines(limits: readonly Limit[]): Line[] {
  const found: Line[] = []
  for (const { change, form, stage, raiseAt, clearAt } of limits) {
    if (change) continue
    const tone = stage === 'alarm' ? 'urgent' : 'notice'
    const word = stage === 'alarm' ? 'raise' : 'note'
    for (const sign of form === 'beyond' ? [1, -1] : [1]) {
      found.push({ value: sign * raiseAt, tone, word })
      if (stage === 'alarm' && clearAt !== raiseAt) found.push({ value: sign * clearAt, tone: 'good', word: 'clear' })
    }
  }
  return found.filter((one, n) => found.findIndex((other) => other.value === one.value && other.word === one.word) === n)
}

/** The limit next to what was measured, and those not much further away: a far one would flatten the curve. */
function inReach(limits: readonly Line[], measured: readonly number[]): number[] {
  const size = measured.reduce((most, each) => Math.max(most, Math.abs(each)), 0)
  const next = Math.min(...limits.filter(({ word, value }) => word === 'raise' && Math.abs(value) >= size).map(({ value }) => Math.abs(value)))
  return limits.map(({ value }) => value).filter((value) => Math.abs(value) <= Math.max(next === Infinity ? 0 : next, size * 1.3))
}

export function scale(picture: Picture, frame: Frame): Scale {
  const since = Date.parse(picture.since)
  const until = Math.max(Date.parse(picture.until), picture.last?.[0] ?? 0, since + 1)
  const measured = [
    ...picture.runs.flatMap((run) => run.map(([, v]) => v)),
    ...picture.bars.flatMap((run) => run.flatMap(([, low, high]) => [low, high])),
    ...picture.odd.map(([, v]) => v),
  ]
  const values = [...measured, ...inReach(lines(picture.limits), measured)]
  let low = values.length ? values.reduce((a, b) => Math.min(a, b)) : 0
  let high = values.length ? values.reduce((a, b) => Math.max(a, b)) : 1
  if (picture.switch) [low, high] = [0, 1]
  else {
    if (low >= 0 && low < 0.4 * high) low = 0
    const room = (high - low || Math.abs(high) || 1) * 0.08
    high += room
    if (low !== 0) low -= room
  }
  const w = Math.max(1, frame.width - frame.left - frame.right)
  const h = Math.max(1, frame.height - frame.top - frame.bottom)
  return {
    x: (ms) => frame.left + ((ms - since) / (until - since)) * w,
    y: (value) => frame.top + (1 - (value - low) / (high - low || 1)) * h,
    ms: (x) => since + ((x - frame.left) / w) * (until - since),
    low, high, since, until,
  }
}

const round = (n: number): number => Math.round(n * 10) / 10

/** One path per run; a switch stays where it is until it changes. */
export function path(run: readonly Spot[], to: Scale, steps: boolean): string {
  let d = ''
  for (const [n, [ms, value]] of run.entries()) {
    const [x, y] = [round(to.x(ms)), round(to.y(value))]
    d += n === 0 ? `M${x} ${y}` : steps ? `H${x}V${y}` : `L${x} ${y}`
  }
  // a reading alone between two gaps is a dot: a line of no length with round ends
  return run.length === 1 ? `${d}h.01` : d
}

export const meanOf = (run: readonly Bar[], stepS: number): Spot[] => run.map(([ms, , , mean]) => [ms + stepS * 500, mean])

/** From the lowest to the highest of each stretch of a summary. */
export function band(run: readonly Bar[], stepS: number, to: Scale): string {
  const tops = run.map(([ms, , high]) => `${round(to.x(ms + stepS * 500))} ${round(to.y(high))}`)
  const ends = run.map(([ms, low]) => `${round(to.x(ms + stepS * 500))} ${round(to.y(low))}`).reverse()
  return run.length === 1 ? `M${tops[0]}L${ends[0]}` : `M${[...tops, ...ends].join('L')}Z`
}

/** Round numbers on the value axis, at most ``most``. */
export function valueTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(1, most)
  const power = 10 ** Math.floor(Math.log10(rough || 1))
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power
  const ticks: number[] = []
  for (let n = Math.ceil(low / step); n * step <= high + step * 1e-9; n++) ticks.push(Number((n * step).toPrecision(12)))
  return ticks
}

/** Whole hours or days of this device's clock on the time axis, at least ``apart`` px from each other. */
export function timeTicks(to: Scale, frame: Frame, apart: number): number[] {
  const perPx = (to.until - to.since) / Math.max(1, frame.width - frame.left - frame.right)
  const step = STEPS.find((each) => each / perPx >= apart) ?? 30 * DAY
  const zone = -new Date(to.until).getTimezoneOffset() * MINUTE
  const ticks: number[] = []
  for (let ms = Math.ceil((to.since + zone) / step) * step - zone; ms <= to.until; ms += step) ticks.push(ms)
  return ticks
}

/** Everything that a finger can rest on, by time. */
export function touches(picture: Picture): Touch[] {
  const late = new Set(picture.late.map(([ms]) => ms))
  return [
    ...picture.runs.flatMap((run) => run.map(([ms, value]): Touch => ({ ms, value, ...(late.has(ms) && { mark: 'late' as const }) }))),
    ...picture.bars.flatMap((run) => run.map(([ms, low, high, mean, n, overS]): Touch => ({ ms: ms + picture.stepS * 500, value: mean, low, high, n, overS }))),
    ...picture.odd.map(([ms, value, mark]): Touch => ({ ms, value, mark })),
  ].sort((a, b) => a.ms - b.ms)
}

/** The nearest in time; null where there is none. */
export function nearest(all: readonly Touch[], ms: number): number | null {
  if (!all.length) return null
  let [low, high] = [0, all.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((all[middle] as Touch).ms <= ms) low = middle
    else high = middle
  }
  return Math.abs((all[low] as Touch).ms - ms) <= Math.abs((all[high] as Touch).ms - ms) ? low : high
}

/** Is this moment inside a gap? Then nothing is known of it, and no neighbour stands in. */
export const inGap = (picture: Picture, ms: number): boolean => picture.gaps.some(([from, to]) => ms > from && ms < to)

/** The picture with one more reading at its end, as a live value brings it; the same where it is not newer. */
export function extended(picture: Picture, live: { ms: number; value: number } | null): Picture {
  const last = picture.last
  if (!live || picture.private || picture.grain !== 'raw' || (last && live.ms <= last[0]) || live.ms < Date.parse(picture.until) - HOUR) return picture
  const joined = last !== null && live.ms - last[0] <= 2500 * picture.intervalS && picture.runs.at(-1)?.at(-1)?.[0] === last[0]
  const spot: Spot = [live.ms, live.value]
  const runs = joined ? [...picture.runs.slice(0, -1), [...(picture.runs.at(-1) as Spot[]), spot]] : [...picture.runs, [spot]]
  const gaps = picture.gaps.map(([from, to]): [number, number] => (to === Date.parse(picture.until) ? [from, Math.min(to, live.ms)] : [from, to]))
  return { ...picture, runs, gaps: joined ? gaps.filter(([from]) => from !== last?.[0]) : gaps, last: spot }
}
