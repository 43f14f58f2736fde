import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extended, inGap, lines, nearest, path, scale, timeTicks, touches, valueTicks, type Frame } from '@/kit/chart/shape'
import type { Limit, Picture, Spot } from '@/kit/chart/types'
import { quantityWord } from '@/kit/chart/words'

const SINCE = Date.UTC(2026, 10, 22, 5)
const UNTIL = SINCE + 3_600_000
const frame: Frame = { width: 360, height: 220, left: 46, right: 10, top: 16, bottom: 28 }
const limit = (over: Partial<Limit> = {}): Limit => ({ rule: 'G2', form: 'above', stage: 'alarm', change: false, raiseAt: 8, clearAt: 5, ours: true, source: '', ...over })
const picture = (over: Partial<Picture> = {}): Picture => ({
  detectorId: 'd', label: '燃气', quantity: 'gas_value', quantities: ['gas_value'], kind: 'gas', private: false, unit: '%LEL', switch: false,
  since: new Date(SINCE).toISOString(), until: new Date(UNTIL).toISOString(), at: new Date(UNTIL).toISOString(), intervalS: 60, grain: 'raw', stepS: 0,
  runs: [], bars: [], late: [], odd: [], gaps: [], last: null, limits: [], stretches: [], ...over,
})

describe('a chart', () => {
  it('holds every reading inside its frame, and the limit next to them', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: SINCE, max: UNTIL }), fc.float({ min: -1000, max: 1000, noNaN: true })), { minLength: 1, maxLength: 40 }), fc.float({ min: -1000, max: 1000, noNaN: true }), (spots, at) => {
      const made = picture({ runs: [[...spots].sort((a, b) => a[0] - b[0]) as Spot[]], limits: [limit({ raiseAt: at, clearAt: at })] })
      const to = scale(made, frame)
      for (const y of [...spots.map(([, v]) => to.y(v)), ...(Math.abs(at) >= Math.max(...spots.map(([, v]) => Math.abs(v))) ? [to.y(at)] : [])]) expect(y >= frame.top - 0.01 && y <= frame.height - frame.bottom + 0.01).toBe(true)
      for (const [ms] of spots) expect(to.x(ms) >= frame.left - 0.01 && to.x(ms) <= frame.width - frame.right + 0.01).toBe(true)
    }))
  })
  it('draws both sides of a limit that holds in either direction, and none of a change from a baseline', () => {
    expect(lines([limit({ form: 'beyond', raiseAt: 7, clearAt: 7 })]).map((line) => line.value)).toEqual([7, -7])
    expect(lines([limit({ change: true })])).toEqual([])
  })
  it('is not flattened by a limit far beyond the next one', () => {
    const made = picture({ runs: [[[SINCE, 1], [UNTIL, 6]]], limits: [limit(), limit({ rule: 'G4', raiseAt: 20 })] })
    expect(scale(made, frame).high).toBeLessThan(10)
  })
  it('keeps a switch where it is until it changes', () => expect(path([[SINCE, 0], [UNTIL, 1]], scale(picture({ switch: true }), frame), true)).toMatch(/^M46 192H350V16$/))
  it('shows a reading alone between two gaps as a dot', () => expect(path([[SINCE, 1]], scale(picture(), frame), false)).toContain('h.01'))
  it('joins a live value to the line, but never over a gap', () => {
    const last: Spot = [UNTIL - 60_000, 2]
    const made = picture({ runs: [[[UNTIL - 120_000, 1], last]], last })
    expect(extended(made, { ms: UNTIL, value: 3 }).runs).toEqual([[[UNTIL - 120_000, 1], last, [UNTIL, 3]]])
    expect(extended(made, { ms: UNTIL + 600_000, value: 3 }).runs).toHaveLength(2)
    expect(extended(made, { ms: UNTIL - 60_000, value: 9 })).toBe(made)
  })
  it('says that nothing is known inside a gap', () => {
    const made = picture({ gaps: [[SINCE, UNTIL]] })
    expect([inGap(made, SINCE + 1), inGap(made, UNTIL)]).toEqual([true, false])
  })
  it('finds what is nearest to a finger', () => {
    const all = touches(picture({ runs: [[[SINCE, 1], [SINCE + 1000, 2]]], odd: [[SINCE + 400, 9, 'test']] }))
    expect(all[nearest(all, SINCE + 600) as number]).toEqual({ ms: SINCE + 400, value: 9, mark: 'test' })
    expect(nearest([], SINCE)).toBeNull()
  })
  it('names round numbers and whole hours only, and not too many', () => {
    expect(valueTicks(0, 8.64, 4)).toEqual([0, 2.5, 5, 7.5])
    const ticks = timeTicks(scale(picture(), frame), frame, 58)
    expect(ticks.length).toBeLessThan(7)
    for (const ms of ticks) expect(ms % 60_000).toBe(0)
  })
  it('shows the own name of a quantity that it has no word for', () => expect([quantityWord('gas_value'), quantityWord('new_one')]).toEqual(['可燃气体浓度', 'new_one']))
})
