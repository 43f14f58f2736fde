import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { landing, noticeOf, readPush } from '../src/alarm/notice'
import { current, nextItem, noSparks, stepOf } from '../src/field/steps'
import { advance, known, verdict, type Pending, type Self } from '../src/rules/advance'
import { decides, type RuleTable } from '../src/rules/table'
import { elapsedMs, trustedMs } from '../src/sync/time'
import { uuid7 } from '../src/sync/uuid7'
import type { CardText, IncidentView, State } from '../src/wire/types'

const ME: Self = { id: 'a1', staffId: 's1', name: '周建国', badge: '', roles: ['field'], onShift: true }
const AT = '2026-11-22T06:00:00Z'
const view = (more: Partial<IncidentView> = {}): IncidentView =>
  ({
    id: 'i', no: '20261122-0001', version: 1, kind: 'gas', kinds: ['gas'], state: 'en_route', alertActive: true, emittedAt: AT, real: null, control: 'unknown',
    lead: { staffId: 's1', name: '周建国', badge: '', metres: 1, minutes: 1, acceptedAt: AT, arrivedAt: null }, helpers: [], ppe: {}, entered: [], enteredAt: {},
    people: { trapped: 0, injured: 0, handedOver: 0, call120: 'not_needed' }, calls: [], items: [], photos: [], reports: [], reportGap: false, offers: [],
    evacuation: { state: 'none', out: 0, withFire: 0, refused: 0, absent: 0, unaccounted: 0, handedTo: null, expected: [], marks: {}, heads: {} }, supplements: [], place: { address: 'x' }, obligations: [], met: [], timeline: [], lateStatements: [],
    cordon: { state: 'none', shape: null, posts: 0 }, c1: null, c2: null, finalCheckedAt: null, lastAlarmAt: null, relevant: {}, stateSince: 0, dispatchOpen: false, round: 1,
    withdrawn: false, verification: false, structureHazard: false, commandHeldBy: null, allowed: [], detectors: [], ...more,
  }) as unknown as IncidentView
const said = (...names: (string | object)[]): Pending[] =>
  names.map((name) => ({ at: AT, command: (typeof name === 'string' ? { name } : name) as Pending['command'], answered: false }))
const item = (code: string, after: string[] = [], more = {}) => ({ code, zh: code, en: code, hint: null, mandatory: true, photo: false, value: null, causes: null, icon: 'flag', after, ...more })
const card: CardText = { card: 'B.2', zh: '', en: '', ordered: true, items: [item('a'), item('b', ['a']), item('later', [], { mandatory: false })] }


/** A small book of its own: what the server's says is compared with the core elsewhere. */
const OPEN = ['dispatching', 'en_route', 'on_scene', 'handling', 'rescue', 'clearing']
const command = (offline: string | null, names: object = {}, more: object = {}) => ({
  zh: '', en: '', roles: ['field'], from: OPEN, offline, offlineBy: null, offShiftToo: false, clause: null,
  arguments: Object.fromEntries(Object.entries(names).map(([name, usual]) => [name, { default: usual }])), ...more,
})
const book = {
  alerting: OPEN,
  timers: { undo_s: 10, self_assign_m: 150, false_report_s: 86400 },
  kinds: { gas: { outside: false, owedWhenReal: ['leak_cause'] } },
  ppe: { gas: [{ code: 'meter', required: true }] },
  cards: { gas: card },
  commands: {
    accept: command(null, { offerId: 'o' }),
    arrived: command('fact', { metresOff: null }),
    confirm_real: command('raises', { note: '' }, { from: ['en_route', 'on_scene'] }),
    assess_controllable: command(null, { controllable: false, reason: '' }, { offlineBy: { argument: 'controllable', classes: { true: 'lowers', false: 'raises' } } }),
    confirm_ppe: command('fact', { items: [] }),
    start_handling: command('fact', {}, { from: ['on_scene'] }),
    tick: command('fact', { card: '', item: '', result: 'done', reason: null, value: null, photo: null, cause: null }),
    field_declares_false: command('lowers', { detectorPhoto: null, noPhotoReason: null, note: '' }, { from: ['on_scene'] }),
    withdraw: command('raises', { reason: '' }),
    report_trapped: command('raises', { count: 0, place: '', outcome: null }),
    person_out: command('fact', { personId: null, household: '', count: 1, status: 'out' }),
    final_check: command('fact', { note: '' }),
    field_confirm_eliminated: command('lowers', { note: '' }),
    desk_release_real: command(null, {}, { roles: ['desk'] }),
  },
} as unknown as RuleTable
const moved = (pending: Pending[], from = view()): IncidentView => advance(book, from, pending, ME)

describe('with no network the phone leads through its own taps', () => {
  const controlled = ['arrived', 'confirm_real', { name: 'assess_controllable', controllable: true }]
  const inside = [...controlled, { name: 'confirm_ppe', items: [{ code: 'meter', has: true }] }, 'start_handling']
  const ticked = [...inside, { name: 'tick', card: 'B.2', item: 'a', result: 'done' }, { name: 'tick', card: 'B.2', item: 'b', result: 'not_possible', reason: 'r' }]
  const road: [(string | object)[], string][] = [
    [[], 'way'],
    [['arrived'], 'scene'],
    [['arrived', 'confirm_real'], 'control'],
    [controlled, 'gear'],
    [inside, 'card'],
    [ticked, 'final'],
    [['arrived', { name: 'field_declares_false', noPhotoReason: 'x' }], 'stood_down'],
    [['arrived', { name: 'report_trapped', count: 1 }], 'board'],
    [['arrived', 'withdraw'], 'board'],
    [[...ticked, 'final_check', 'field_confirm_eliminated'], 'locks'],
  ]
  it.each(road)('after %j the screen is %s', (taps, screen) => {
    expect(stepOf(moved(said(...taps)), ME.staffId, card, book)).toBe(screen)
  })

  it('believes nothing that the rules refuse', () => {
    expect(moved(said('start_handling', 'final_check', 'field_confirm_eliminated')).state).toBe('en_route')
    expect(moved(said('arrived', 'field_declares_false')).state).toBe('on_scene')
  })

  it('never believes by itself that it accepted, was released or that the monitoring is normal', () => {
    const offers = [{ id: 'o', staffId: 's1', outcome: 'open', expiresAt: '2026-11-22T07:00:00Z' }] as IncidentView['offers']
    const asked = view({ state: 'dispatching', lead: null, offers })
    for (const name of ['accept', 'desk_release_real', 'desk_release_false', 'data_normal', 'archive']) expect(moved(said(name), asked)).toEqual(asked)
    // once the server said yes it may, until the server's own picture comes
    expect(moved([{ ...said('accept')[0]!, answered: true }], asked).state).toBe('en_route')
  })

  it('leaves the server’s view alone when nothing waits', () => {
    const now = view()
    expect(moved([], now)).toBe(now)
  })

  it('offers what the rule book allows in the state that it believes in', () => {
    expect(moved(said('arrived')).allowed).toContain('field_declares_false')
    expect(moved(said({ name: 'report_trapped', count: 1 })).allowed).not.toContain('start_handling')
  })

  it('never lets a person go in whose equipment is incomplete', () => {
    const pending = said(...controlled, { name: 'confirm_ppe', items: [{ code: 'meter', has: false }] })
    expect(stepOf(moved(pending), ME.staffId, card, book)).toBe('gear')
    const enter = said('start_handling')[0]!
    expect(verdict(book, moved(pending), enter.command, ME, known(ME, AT))).toEqual({ refusal: { code: 'entry_refused', missing: ['ppe', 'meter'] }, queued: true })
    expect(moved([...pending, enter]).entered).toEqual([])
  })

  it('holds back a refused lowering, and never a fact or what raises severity', () => {
    const told = (name: string, more = {}) => verdict(book, view({ state: 'stood_down' }), { name, ...more }, ME, known(ME, AT))
    expect(told('field_confirm_eliminated')).toEqual({ refusal: { code: 'wrong_state', missing: ['stood_down'] }, queued: false })
    expect(told('assess_controllable', { controllable: true }).queued).toBe(false)
    expect(told('assess_controllable', { controllable: false }).queued).toBe(true)
    expect(told('tick')).toMatchObject({ refusal: { code: 'wrong_state' }, queued: true })
  })

  it('does not decide by a book that an older app kept', () => {
    expect(decides(book)).toBe(true)
    expect(decides({ ...book, alerting: undefined } as unknown as RuleTable)).toBe(false)
    expect(decides(null)).toBe(false)
  })

  it('counts the same whatever was counted first', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['out', 'refused', 'nobody_home', 'out']), (statuses) => {
        const { out, refused, absent } = moved(said(...statuses.map((status) => ({ name: 'person_out', status, count: 1 })))).evacuation
        expect(out + refused + absent).toBe(statuses.length)
      }),
    )
  })
})

describe('the screen of an incident', () => {
  it('exists for every state and every part a person may have', () => {
    const states: State[] = ['raised', 'desk_handling', 'party_handled', 'dispatching', 'en_route', 'on_scene', 'handling', 'rescue', 'clearing', 'monitored', 'stood_down', 'released', 'archived']
    for (const state of states) for (const staff of ['s1', 's2', null]) expect(stepOf(view({ state }), staff, card, book)).toBeTruthy()
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
