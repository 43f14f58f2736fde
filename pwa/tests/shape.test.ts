import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { around, circle, closed, cornersOf, edgeMetres, inside, propose, type LonLat } from '../src/field/shape'
import { fault } from '../src/rules/cordon'
import { whole } from '../src/sync/older'
import type { Base } from '../src/kit/map/types'
import type { FieldHome, IncidentView } from '../src/wire/types'

const HERE = { lat: 31.31, lon: 120.63 }
const usual = (_: string, number: number): number => number
const view = (kinds: string[], more = {}): Pick<IncidentView, 'kinds' | 'place'> => ({ kinds, place: { ...HERE, ...more } }) as unknown as IncidentView
const house: LonLat[] = [[120.6299, 31.3099], [120.6301, 31.3099], [120.6301, 31.3101], [120.6299, 31.3101]]
const base = { type: 'FeatureCollection', features: [{ type: 'Feature', properties: { layer: 'building' }, geometry: { type: 'Polygon', coordinates: [closed(house)] } }] } as unknown as Base

describe('how near a cordon is', () => {
  it('is told in metres to its edge, from outside and from inside', () => {
    const ring = circle(HERE, 100, 48)
    expect(edgeMetres(ring, HERE)).toBeCloseTo(100, -0.5)
    const north = { lat: HERE.lat + 160 / 111_195, lon: HERE.lon }
    expect(Math.round(edgeMetres(ring, north))).toBe(60)
    expect([inside(ring, HERE), inside(ring, north)]).toEqual([true, false])
  })
  it('is the same for a ring and for the point and radius it came from', () => {
    const point = { type: 'Point', coordinates: [HERE.lon, HERE.lat] }
    expect(inside(cornersOf(point, 50), { lat: HERE.lat + 40 / 111_195, lon: HERE.lon })).toBe(true)
    expect(cornersOf(null)).toEqual([])
  })
})

describe('what is proposed', () => {
  it('is a circle for gas, the building with its lane for smoke, more for a high building that may fall', () => {
    expect(propose(view(['gas', 'smoke']), base, usual)).toMatchObject({ word: 'proposed_gas', radiusM: 50 })
    const smoke = propose(view(['smoke'], { laneWidthM: 2.4 }), base, usual)
    expect(smoke).toMatchObject({ word: 'proposed_building', n: 8 })
    const low = propose(view(['structure'], { storeys: 2 }), base, usual)
    const high = propose(view(['structure'], { storeys: 6 }), base, usual)
    expect(edgeMetres(high.ring, HERE)).toBeGreaterThan(edgeMetres(low.ring, HERE) + 15)
  })
  it('is always a shape that the rules take, with or without a map', () => {
    for (const kinds of [['gas'], ['smoke'], ['structure'], ['electric']])
      for (const map of [base, null]) expect(fault({ type: 'Polygon', coordinates: [closed(propose(view(kinds), map, usual).ring)] }, null, HERE)).toBeNull()
  })
  it('goes round every corner at its distance', () => {
    fc.assert(fc.property(fc.integer({ min: 3, max: 120 }), (metres) => {
      const ring = around(house, metres, HERE)
      return house.every(([lon, lat]) => inside(ring, { lat, lon }) && edgeMetres(ring, { lat, lon }) >= metres * 0.9)
    }), { numRuns: 40 })
  })
})

describe('a picture that an older app kept', () => {
  it('is whole for this one: the board of an open incident never breaks on it', () => {
    const old = { incidents: [{ emittedAt: '2026-03-02T08:00:00Z', vehicles: ['消防车'], evacuation: { state: 'running', out: 2, refused: 0, absent: 0, unaccounted: 0 }, cordon: { state: 'set', shape: null, posts: 1 } }] }
    const [view] = whole(old as unknown as FieldHome).incidents
    expect(view).toMatchObject({ vehicles: [{ what: '消防车' }], evacuation: { out: 2, marks: {}, expected: [] }, cordon: { postPlaces: [] }, supplements: [] })
  })
})
