import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, describe, expect, it } from 'vitest'
import { asksM, byCode, fold, owed, walk } from '../src/field/inspection/fold'
import { ITEMS, type Check } from '../src/field/inspection/types'
import { nextBatch, type Item } from '../src/sync/queue'
import { dropSealed, keepSealed, sealedOf } from '../src/sync/sealed'
import { closeStore } from '../src/sync/store'
import type { Command } from '../src/wire/types'

const POLICY = { placeM: 30, testMin: 10 }
const check = (more: Partial<Check> = {}): Check => ({
  id: 'check', detectorId: 'd', tag: 'ab12cd34ef56ab12', number: 'PJ-0007', kind: 'smoke', model: '', label: '烟感', address: '', entranceNote: null, floor: '', lat: 31.31, lon: 120.63,
  deviceState: 'active', battery: null, byButton: true, version: 0, state: 'open', items: {}, wasBad: [], photos: [], testedAt: null, provedAt: null, repaired: null, repairedAt: null,
  handed: null, overAt: null, overBy: '', ...more,
})
let order = 0
const said = (command: Command, more: Partial<Item> = {}): Item => {
  const n = ++order
  return {
    order: n, commandId: `c${n}`, incidentId: 'check', by: 'me', state: 'saved', savedAt: 0, tries: 0, answeredAt: null, version: null, refusal: null, problem: null, seen: false,
    envelope: { commandId: `c${n}`, incidentId: 'check', occurredAt: new Date(1_772_000_000_000 + n * 60_000).toISOString(), seenVersion: null, deviceId: null, seq: n, elapsedMs: null, position: null, command },
    ...more,
  }
}
const item = (name: string, result = 'ok', more: Partial<Item> = {}): Item => said({ name: 'inspection_item', item: name, result }, more)
const photo = (about: string): Item => said({ name: 'inspection_photo', sha256: 'a', about })
const six = (): Item[] => ITEMS.map((each) => item(each))

describe('a check on the phone', () => {
  it('owes all six, a picture and a test before its end, also with no network', () => {
    expect(owed(fold(check(), [], POLICY))).toHaveLength(7)
    expect(owed(fold(check(), [...six(), photo('whole')], POLICY))).toEqual(['test'])
    expect(owed(fold(check(), [...six(), photo('whole'), said({ name: 'inspection_test' })], POLICY))).toEqual([])
  })

  it('owes a picture of what is bad and what becomes of it; a repair owes a picture and a test after it', () => {
    const steps = [...six(), said({ name: 'inspection_test' }), item('fixed', 'bad')]
    expect(owed(fold(check(), steps, POLICY))).toEqual(['photo_fixed', 'deal'])
    const handed = [...steps, photo('fixed'), said({ name: 'inspection_hand_over', what: '' })]
    expect(owed(fold(check(), handed, POLICY))).toEqual([])
    const mended = [...steps, photo('fixed'), said({ name: 'inspection_repaired', what: '已固定' })]
    expect(owed(fold(check(), mended, POLICY))).toEqual(['photo_after', 'test'])
    expect(owed(fold(check(), [...mended, photo('after'), said({ name: 'inspection_test' })], POLICY))).toEqual([])
  })

  it('shows what the server has not shown yet, and nothing that it refused', () => {
    expect(fold(check({ version: 3 }), [item('clean', 'bad', { state: 'accepted', version: 3 })], POLICY).wasBad).toEqual([])
    expect(fold(check({ version: 3 }), [item('clean', 'bad', { state: 'accepted', version: 4 })], POLICY).wasBad).toEqual(['clean'])
    expect(fold(check(), [said({ name: 'inspection_close' }, { state: 'refused' })], POLICY).state).toBe('open')
    expect(fold(check(), [said({ name: 'inspection_close' })], POLICY).state).toBe('done')
  })

  it('asks about a place only as far as the fix can tell', () => {
    const at = (north: number, accuracyM: number) => ({ lat: 31.31 + north / 111_195, lon: 120.63, accuracyM, at: '' })
    expect([asksM(check(), at(29, 0), POLICY), asksM(check(), at(45, 5), POLICY), asksM(check(), at(45, 20), POLICY), asksM(check(), null, POLICY)]).toEqual([null, 45, null, null])
  })

  it('is found by its label, its number or the end of it, and by nothing that two share', () => {
    const all = [check(), check({ id: 'b', tag: 'ab12ffffffffffff', number: 'PJ-1007' })]
    expect(byCode(all, 'https://jiean.example/d/ab12cd34ef56ab12?x=1')?.id).toBe('check')
    expect(byCode(all, ' pj-0007 ')?.id).toBe('check')
    expect(byCode(all, '-0007')?.id).toBe('check')
    expect([byCode(all, 'ab12'), byCode(all, '007'), byCode(all, '')]).toEqual([undefined, undefined, undefined])
  })

  it('is walked to from the end that is nearer', () => {
    const far = check({ id: 'far', lat: 31.32 })
    const at = { lat: 31.321, lon: 120.63, accuracyM: 5, at: '' }
    expect(walk([check(), far], at).map((one) => one.id)).toEqual(['far', 'check'])
    expect(walk([check(), far], null).map((one) => one.id)).toEqual(['check', 'far'])
  })
})

describe('beside an incident', () => {
  it('a round of any length goes out after what is said in the incident', () => {
    const round = Array.from({ length: 600 }, () => item('clean'))
    const accept = said({ name: 'accept' }, { incidentId: 'incident' })
    const batch = nextBatch([...round, accept])
    expect(batch[0]).toBe(accept)
    expect(batch[1]).toBe(round[0])
  })

  describe('what is kept sealed', () => {
    afterEach(closeStore)
    it('outlives the list of an incident that is dropped', async () => {
      globalThis.indexedDB = new IDBFactory()
      await keepSealed('rounds', { here: true })
      await keepSealed('rosters', {})
      await dropSealed('rosters')
      expect(await sealedOf('rounds')).toEqual({ here: true })
    })
  })
})
