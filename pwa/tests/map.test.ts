import { expect, it } from 'vitest'
import { names } from '@/kit/map/names'
import { metresBetween, metresPerPixel, strokePx } from '@/kit/map/scale'
import type { Base } from '@/kit/map/types'

it('knows that a pixel at zoom 0 on the equator is 156 km', () => expect(metresPerPixel(0, 0)).toBeCloseTo(156543.03, 1))
it('never draws a lane thinner than it can be seen', () => expect(strokePx(2.2, 31.3, 13, 1.2)).toBe(1.2))
it('draws a street as wide as it is', () => expect(strokePx(7, 31.3, 19, 1)).toBeCloseTo(7 / metresPerPixel(31.3, 19), 1))
it('measures a hundred-metre lane as a hundred metres', () => {
  expect(metresBetween({ lat: 31.314, lon: 120.6288 }, { lat: 31.314 + 100 / 111_195, lon: 120.6288 })).toBeCloseTo(100, 0)
})
it('says each name once, on the longest stretch, at the point given when there is one', () => {
  const line = (name: string, layer: string, coordinates: [number, number][], more: object = {}): Base['features'][number] => ({ type: 'Feature', properties: { layer, name, ...more }, geometry: { type: 'LineString', coordinates } })
  const base: Base = {
    type: 'FeatureCollection',
    features: [
      line('桂子巷', 'lane', [[120.6, 31.3], [120.601, 31.3]]),
      line('桂子巷', 'lane', [[120.601, 31.3], [120.605, 31.3]]),
      line('听橹河', 'canal', [[120.6, 31.3], [120.6, 31.31]], { labelAt: [120.6, 31.304], labelTurn: -88 }),
      line('老宅', 'building', [[120.6, 31.3], [120.7, 31.3]]),
    ],
  }
  const found = names(base)
  expect(found.map((n) => n.name)).toEqual(['桂子巷', '听橹河'])
  expect(found[0]!.at[0]).toBeCloseTo(120.603, 6)
  expect(found[1]).toMatchObject({ at: [120.6, 31.304], turn: -88 })
})
