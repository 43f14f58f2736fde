import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { landing, noticeOf, readPush } from '../src/alarm/notice'
import { current, nextItem, noSparks, stepOf } from '../src/field/steps'
import { advance, step, type Pending } from '../src/sync/advance'
import { elapsedMs, trustedMs } from '../src/sync/time'
import { uuid7 } from '../src/sync/uuid7'
import type { CardText, IncidentView, State } from '../src/wire/types'

const ME = { staffId: 's1', name: '周建国' }
const AT = '2026-11-22T06:00:00Z'
const view = (more: Partial<IncidentView> = {}): IncidentView =>
  ({
    id: 'i', no: '20261122-0001', version: 1, kind: 'gas', state: 'en_route', alertActive: true, emittedAt: AT, real: null, control: 'unknown',
    lead: { staffId: 's1', name: '周建国', badge: '', metres: 1, minutes: 1, acceptedAt: AT, arrivedAt: null }, helpers: [], ppe: {}, entered: [],
    people: { trapped: 0, injured: 0, handedOver: 0, call120: 'not_needed' }, items: [], evacuation: { state: 'none', out: 0, refused: 0, absent: 0, unaccounted: 3 },
    cordon: { state: 'none', shape: null, posts: 0 }, c1: null, c2: null, finalCheckedAt: null, allowed: [], detectors: [], ...more,
  }) as IncidentView
const said = (...names: (string | object)[]): Pending[] => names.map((name) => ({ at: AT, command: (typeof name === 'string' ? { name } : name) as Pending['command'] }))
const item = (code: string, after: string[] = [], more = {}) => ({ code, zh: code, en: code, hint: null, mandatory: true, photo: false, value: null, causes: null, icon: 'flag', after, ...more })
const card: CardText = { card: 'B.2', zh: '', en: '', ordered: true, items: [item('a'), item('b', ['a']), item('later', [], { mandatory: false })] }

describe('with no network the phone leads through its own taps', () => {
  const road: [Pending[], string][] = [
    [[], 'way'],
    [said('arrived'), 'scene'],
    [said('arrived', 'confirm_real'), 'control'],
    [said('arrived', 'confirm_real', { name: 'assess_controllable', controllable: true }), 'gear'],
    [said('arrived', 'confirm_real', { name: 'assess_controllable', controllable: true }, { name: 'confirm_ppe', items: [{ code: 'x', has: true }] }, 'start_handling'), 'card'],
    [said('arrived', 'confirm_real', { name: 'assess_controllable', controllable: true }, { name: 'confirm_ppe', items: [] }, 'start_handling',
      { name: 'tick', card: 'B.2', item: 'a', result: 'done' }, { name: 'tick', card: 'B.2', item: 'b', result: 'not_possible', reason: 'r' }), 'final'],
    [said('arrived', { name: 'field_declares_false' }), 'stood_down'],
    [said('arrived', { name: 'report_trapped', count: 1 }), 'board'],
    [said('arrived', 'withdraw'), 'board'],
    [said('arrived', 'final_check', 'field_confirm_eliminated'), 'locks'],
  ]
  it.each(road)('after %j the screen is %s', (pending, screen) => {
    expect(stepOf(advance(view(), pending, ME), ME.staffId, card)).toBe(screen)
  })

  it('never believes by itself that it accepted, was released or that the monitoring is normal', () => {
    for (const name of ['accept', 'desk_release_real', 'desk_release_false', 'data_normal', 'archive'])
      expect(step(view(), said(name)[0] as Pending, ME)).toEqual(view())
  })

  it('leaves the server’s view alone when nothing waits', () => {
    const now = view()
    expect(advance(now, [], ME)).toBe(now)
  })

  it('never lets a person go in whose equipment is incomplete', () => {
    const pending = said('arrived', 'confirm_real', { name: 'assess_controllable', controllable: true }, { name: 'confirm_ppe', items: [{ code: 'meter', has: false }] })
    expect(stepOf(advance(view(), pending, ME), ME.staffId, card)).toBe('gear')
    expect(advance(view(), pending, ME).ppe.s1).toEqual({ ok: false, missing: ['meter'] })
  })

  it('counts the same whatever was counted first', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['out', 'refused', 'nobody_home', 'out']), (statuses) => {
        const moved = advance(view(), statuses.map((status) => ({ at: AT, command: { name: 'person_out', status, count: 1 } })), ME)
        const { out, refused, absent, unaccounted } = moved.evacuation
        expect(out + refused + absent).toBe(statuses.length)
        expect(unaccounted).toBe(Math.max(0, 3 - statuses.length))
      }),
    )
  })
})

describe('the screen of an incident', () => {
  it('exists for every state and every part a person may have', () => {
    const states: State[] = ['raised', 'desk_handling', 'party_handled', 'dispatching', 'en_route', 'on_scene', 'handling', 'rescue', 'clearing', 'monitored', 'stood_down', 'released', 'archived']
    for (const state of states) for (const staff of ['s1', 's2', null]) expect(stepOf(view({ state }), staff, card)).toBeTruthy()
  })

  it('keeps the order of the text: nothing before its predecessor', () => {
    expect(nextItem(card, view())?.code).toBe('a')
    expect(nextItem(card, view({ items: [{ item: 'a' } as IncidentView['items'][number]] }))?.code).toBe('b')
  })

  it('forbids the camera while gas is in the air, also when the reading is unknown', () => {
    const detector = { kind: 'gas', alarming: false, normalSince: null } as IncidentView['detectors'][number]
    expect(noSparks(view({ detectors: [detector] }))).toBe(true)
    expect(noSparks(view({ detectors: [{ ...detector, normalSince: AT }] }))).toBe(false)
    expect(noSparks(view({ kind: 'smoke', detectors: [{ ...detector, kind: 'smoke' }] }))).toBe(false)
  })

  it('shows where I work before where I only help', () => {
    const helps = view({ id: 'h', lead: null, helpers: [{ staffId: 's1' } as IncidentView['helpers'][number]] })
    expect(current([helps, view()], 's1')?.id).toBe('i')
    expect(current([view({ state: 'released', alertActive: false })], 's1')).toBeNull()
  })
})

describe('trusted time', () => {
  const contact = { serverMs: 1_000_000, wallMs: 500_000, monotonicMs: 100 }
  it('runs on through sleep, and does not follow a clock that was set back', () => {
    expect(trustedMs(contact, 560_000, 200)).toBe(1_060_000) // slept a minute
    expect(trustedMs(contact, 400_000, 30_100)).toBe(1_030_000) // clock set back
  })
  it('is never negative', () => {
    fc.assert(fc.property(fc.integer(), fc.nat(), (wall, monotonic) => elapsedMs(contact, wall, monotonic) >= 0))
  })
})

describe('an id made on the phone', () => {
  it('is a version 7 UUID and sorts by its moment', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 41), fc.integer({ min: 1, max: 1000 }), (at, later) => {
        expect(uuid7(at)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(uuid7(at) < uuid7(at + later)).toBe(true)
      }),
    )
  })
})

describe('a pushed message', () => {
  const message = { id: 'm', title: '可燃气体 大儒巷', body: '陈女士家', lockTitle: '可燃气体报警', lockBody: '距您 320 米', urgency: 'emergency', handling: 'actual', collapseKey: 'offer-1', actions: [], url: '/field', data: { kind: 'offer', incidentId: 'i', offerId: 'o' }, sentAt: AT }

  it('shows the lock-screen texts with both answers and stays until answered', () => {
    const { title, options } = noticeOf(readPush(message)!)
    expect(title).toBe('可燃气体报警')
    expect(options.body).toBe('距您 320 米')
    expect(options.tag).toBe('offer-1')
    expect(options.requireInteraction).toBe(true)
    expect(options.actions?.map((each) => each.action)).toEqual(['accept', 'decline'])
  })
  it('of an exercise says so, once', () => {
    expect(noticeOf(readPush({ ...message, handling: 'exercise' })!).title).toBe('【演练】可燃气体报警')
    expect(noticeOf(readPush({ ...message, handling: 'exercise', lockTitle: '【演练】可燃气体报警' })!).title).toBe('【演练】可燃气体报警')
  })
  it('that is not ours is not read', () => {
    for (const odd of [null, 'x', 7, {}, { title: 'x' }]) expect(readPush(odd)).toBeNull()
  })
  it('never leads to another site', () => {
    for (const url of ['https://evil.example/field', '//evil.example', 'javascript:alert(1)'])
      expect(landing({ ...readPush(message)!.message, data: { kind: 'note' }, url }, 'https://jiean.example')).toBe('/field')
  })
})
