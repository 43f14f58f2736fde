import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asked } from '@/desk/asked'
import { beside, muteChoices } from '@/desk/deciding'
import { nowStep } from '@/desk/now'
import { outcomeCommands } from '@/desk/outcomes'
import { coalesce } from '@/desk/pull'
import { divide, hold, merge, order, step, unclaimed } from '@/desk/queue'
import { canonical, FORMAT, open, sha256 } from '@/desk/seal'
import type { BoardRow, IncidentView, State, Urgency } from '@/wire/types'

const at = (s: number): string => new Date(Date.UTC(2026, 10, 22, 6, 0, s)).toISOString()
const row = (id: string, over: Partial<BoardRow> = {}): BoardRow => ({
  id, no: `20261122-${id}`, version: 1, cursor: 1, kind: 'smoke', urgency: 'emergency', state: 'raised', handling: 'exercise',
  address: '半亭巷 3 号', lat: 31.3, lon: 120.6, emittedAt: at(0), presentedMs: null, claimedBy: null, claimedAt: null,
  leadName: null, leadMinutes: null, value: null, unit: null, detectors: 1, alertActive: true, ...over,
})
const ids = (rows: readonly BoardRow[]): string[] => rows.map((r) => r.id)

describe('the queue', () => {
  it('puts an emergency above every notice, and the youngest on top of its urgency', () => {
    const rows = [row('a', { urgency: 'notice', emittedAt: at(50) }), row('b', { emittedAt: at(1) }), row('c', { emittedAt: at(9) }), row('d', { urgency: 'info', emittedAt: at(60) })]
    expect(ids(order(rows))).toEqual(['c', 'b', 'a', 'd'])
  })

  it('has one order, however the rows arrived', () => {
    const anyRow = fc.record({ id: fc.string({ minLength: 1, maxLength: 4 }), u: fc.constantFrom<Urgency>('emergency', 'notice', 'info'), s: fc.integer({ min: 0, max: 3 }) })
    fc.assert(
      fc.property(fc.uniqueArray(anyRow, { selector: (r) => r.id }), (made) => {
        const rows = made.map((r) => row(r.id, { urgency: r.u, emittedAt: at(r.s) }))
        expect(ids(order([...rows].reverse()))).toEqual(ids(order(rows)))
      }),
    )
  })

  it('keeps the pressed card at its place when a new one slides in', () => {
    const [a, b, c] = [row('a', { emittedAt: at(3) }), row('b', { emittedAt: at(2) }), row('c', { emittedAt: at(1) })]
    const before = order([a, b, c])
    const after = order([row('n', { emittedAt: at(9) }), a, b, c])
    for (const [index, card] of before.entries()) expect(ids(hold(after, { id: card.id, index }))[index]).toBe(card.id)
    expect(ids(hold(after, null))[0]).toBe('n')
  })

  it('loses and doubles nothing while a card is held', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1 }), fc.nat(20), fc.nat(20), (names, pick, index) => {
        const rows = names.map((n) => row(n))
        const held = hold(rows, { id: names[pick % names.length]!, index })
        expect([...ids(held)].sort()).toEqual([...names].sort())
      }),
    )
  })

  it('takes a partial answer by id, replaces at a full one, and drops what is archived', () => {
    const known = merge(new Map(), [row('a'), row('b')], true)
    expect([...merge(known, [row('b', { version: 2, state: 'archived' }), row('c')], false).keys()]).toEqual(['a', 'c'])
    expect([...merge(known, [row('c')], true).keys()]).toEqual(['c'])
  })

  it('does not go back to an older version when two answers cross', () => {
    const known = merge(new Map(), [row('a', { version: 7, state: 'handling' })], true)
    expect(merge(known, [row('a', { version: 6 })], true).get('a')?.state).toBe('handling')
  })

  it('rings only for active alerts that nobody has claimed, oldest first', () => {
    const rows = [row('a', { emittedAt: at(5) }), row('b', { claimedBy: '沈静' }), row('c', { alertActive: false, state: 'stood_down' }), row('d')]
    expect(ids(unclaimed(rows))).toEqual(['d', 'a'])
  })

  it('separates what only waits for its archive', () => {
    const { open, after } = divide([row('a', { state: 'released', alertActive: false }), row('b', { state: 'stood_down', alertActive: false })])
    expect([ids(open), ids(after)]).toEqual([['b'], ['a']])
  })

  it('stops at its ends under the arrow keys', () => {
    const rows = [row('a'), row('b')]
    expect([step(rows, 'a', -1), step(rows, 'a', 1), step(rows, 'b', 1), step(rows, null, 1), step([], null, 1)]).toEqual(['a', 'b', 'b', 'a', null])
  })
})

describe('pulling the board', () => {
  it('has one pull in flight and one more for all who asked meanwhile', async () => {
    const waiting: (() => void)[] = []
    let started = 0
    const pull = coalesce(() => {
      started += 1
      return new Promise<void>((resolve) => waiting.push(resolve))
    })
    const all = [pull(), pull(), pull()]
    expect(started).toBe(1)
    waiting.shift()!()
    await Promise.resolve()
    await Promise.resolve()
    expect(started).toBe(2)
    waiting.shift()!()
    await Promise.all(all)
    expect(started).toBe(2)
  })
})

const view = (state: State, over: Partial<IncidentView> = {}): IncidentView => ({
  id: 'i', no: 'n', version: 1, cursor: 1, kind: 'smoke', kinds: ['smoke'], handling: 'exercise', state, alertActive: true, urgency: 'emergency',
  emittedAt: at(0), presentedAt: null, presentedMs: null, claimedBy: { id: 'a', name: '沈静' }, claimedAt: null,
  place: { address: '', street: null, number: null, court: null, floor: null, room: null, entranceNote: null, laneWidthM: null, engineStop: null, lat: 0, lon: 0, datum: 'WGS-84', householdId: null, buildingId: null },
  gcj02: [0, 0], detectors: [], contact: { phase: 'idle', outcome: null, attempts: [] }, lead: null, helpers: [], offers: [], candidates: [],
  control: 'unknown', real: null, ppe: {}, entered: [], people: { trapped: 0, injured: 0, handedOver: 0, call120: 'not_needed' },
  items: [], photos: [], reports: [], evacuation: { state: 'none', out: 0, withFire: 0, refused: 0, absent: 0, unaccounted: 0, handedTo: null, expected: [], marks: {}, heads: {} },
  cordon: { state: 'none', shape: null, posts: 0, postPlaces: [], at: null }, supplements: [], meeting: null, commandHeldBy: null, c1: null, c2: null, finalCheckedAt: null,
  obligations: [], timeline: [], lateStatements: [], archive: null, links: { follows: null }, allowed: [],
  verification: false, lastAlarmAt: null, relevant: {}, stateSince: 0, dispatchOpen: false, round: 0, withdrawn: false, enteredAt: {}, calls: [], reportGap: false,
  roadOpen: false, guide: '', vehicles: [], met: [], falseBy: null, falseDeclaredAt: null, structureHazard: false, nobodyLeft: false, ...over,
})
const NOW = Date.parse(at(30))

describe('what to do now', () => {
  it('asks for 120 before everything else when somebody is hurt and nobody has called', () => {
    const v = view('dispatching', { claimedBy: null, people: { trapped: 0, injured: 2, handedOver: 0, call120: 'needed' } })
    expect(nowStep(v, NOW)).toMatchObject({ code: 'call120', tone: 'urgent', facts: { count: 2 } })
  })
  it('has somebody rung who went in and gave no sign of life', () => {
    const lead = { staffId: 's', name: '周建国', badge: '', metres: 1, minutes: 1, acceptedAt: at(0), arrivedAt: at(1) }
    const inside = view('handling', { lead, enteredAt: { s: at(0) } })
    expect(nowStep(inside, Date.parse(at(0)) + 299_000).code).toBe('handling')
    expect(nowStep(inside, Date.parse(at(0)) + 301_000)).toMatchObject({ code: 'call_inside', tone: 'urgent', facts: { name: '周建国' } })
  })
  it('asks to claim what nobody has claimed', () => expect(nowStep(view('desk_handling', { claimedBy: null }), NOW).code).toBe('claim'))
  it('turns to the family after a call that nobody answered', () => {
    expect(nowStep(view('desk_handling'), NOW).code).toBe('call_party')
    expect(nowStep(view('desk_handling', { contact: { phase: 'calling', outcome: null, attempts: [{ contact: 'c', result: 'no_answer', at: at(1) }] } }), NOW).code).toBe('call_family')
  })
  it('counts down the open offer, and says so when nobody is left', () => {
    const offer = { id: 'o', staffId: 's', name: '李明', metres: 1, minutes: 1, offeredAt: at(20), expiresAt: at(42), outcome: 'open' as const, reason: null }
    expect(nowStep(view('dispatching', { offers: [offer] }), NOW).facts).toEqual({ name: '李明', s: 12 })
    expect(nowStep(view('dispatching', { offers: [{ ...offer, outcome: 'declined' }] }), NOW).code).toBe('nobody')
  })
  it('never says "release" while a lock is closed, whatever is allowed', () => {
    const c1 = { how: 'normal', at: at(1) }
    const c2 = { by: 's', at: at(2), name: '周建国' }
    const allowed = ['desk_release_real']
    expect(nowStep(view('clearing', { c1, allowed }), NOW).code).toBe('wait_field')
    expect(nowStep(view('clearing', { c2, allowed }), NOW).code).toBe('wait_normal')
    expect(nowStep(view('clearing', { allowed }), NOW).code).toBe('wait_both')
    expect(nowStep(view('clearing', { c1, c2, allowed }), NOW).code).toBe('release')
  })
  it('names the offices that have not answered a rescue report for a minute', () => {
    const report = { id: 'r', officeId: 'o', name: '平江街道', kind: 'street', status: 'delivered' as const, sentAt: at(0), deliveredAt: at(1), acknowledgedAt: null, reply: null, locationGap: false, voiceAt: null }
    expect(nowStep(view('rescue', { reports: [report] }), Date.parse(at(0)) + 61_000)).toMatchObject({ code: 'chase_report', facts: { name: '平江街道' } })
    expect(nowStep(view('rescue', { reports: [report] }), Date.parse(at(0)) + 59_000).code).toBe('rescue')
  })
})

describe('why this person', () => {
  it('shows who came first, then who was asked, then the rest by distance with the reason', () => {
    const c = (staffId: string, metres: number, passedOver: string | null = null) => ({ staffId, name: staffId, metres, minutes: 1, fixAgeS: 1, tier: 0, chosen: false, passedOver })
    const v = view('dispatching', {
      candidates: [c('near', 190, '隔河'), c('away', 210), c('lead', 320), c('next', 400)],
      lead: { staffId: 'lead', name: 'lead', badge: '', metres: 320, minutes: 4, acceptedAt: at(1), arrivedAt: null },
      offers: [{ id: 'o', staffId: 'away', name: 'away', metres: 210, minutes: 3, offeredAt: at(0), expiresAt: at(25), outcome: 'declined', reason: 'busy' }],
    })
    expect(asked(v, NOW, (code) => ({ busy: '正在巡检' })[code] ?? code).map((a) => [a.staffId, a.word, a.facts['why']])).toEqual([
      ['lead', 'accepted', undefined], ['near', 'passed', '隔河'], ['away', 'declined', '正在巡检'], ['next', 'standby', undefined],
    ])
  })
})

describe('the outcome of a call', () => {
  const who = { id: 'c1', name: '陈秀英', relation: '女儿' }
  it('logs the call first and then what it brought', () => {
    expect(outcomeCommands('handled', who, 'A.1-a').map((c) => c.name)).toEqual(['log_call', 'party_handled'])
  })
  it('asks for help before it writes anything down', () => {
    expect(outcomeCommands('rescue', who, null).map((c) => c.name)).toEqual(['party_needs_rescue', 'log_call'])
  })
  it('never claims an eye-witness that was not named as one', () => {
    expect(outcomeCommands('false', who, null).at(-1)).toMatchObject({ name: 'party_reports_false', onSpot: false })
  })
  it('says unreachable when there is nobody on file to call', () => {
    expect(outcomeCommands('no_answer', null, null)).toEqual([{ name: 'party_unreachable' }])
  })
})

describe('the seal', () => {
  it('writes RFC 8785 text: sorted names, shortest numbers, no spaces', () => {
    expect(canonical({ b: [1, 2.5, null, 1e21], a: '街"', Z: { y: true } })).toBe('{"Z":{"y":true},"a":"街\\"","b":[1,2.5,null,1e+21]}')
  })
  it('finds one changed character, and one that only moved', async () => {
    const body = { document: { no: '20261122-0041', place: { address: '半亭巷 3 号' } }, format: FORMAT, previous: '0'.repeat(64), sealedAt: '2026-11-22T06:00:00+00:00' }
    const text = canonical({ ...body, sha256: await sha256(canonical(body)), sm3: 'f' })
    expect((await open(text)).verdict).toBe('verified')
    expect((await open(`${text}\n`)).verdict).toBe('verified')
    expect((await open(text.replace('半亭', '半廷'))).verdict).toBe('broken')
    expect((await open(text.replace('0'.repeat(64), '1'.repeat(64)))).verdict).toBe('broken')
    expect((await open(text.replace('{', '{ '))).verdict).toBe('broken')
    expect((await open('<html>')).verdict).toBe('broken')
    expect((await open(text.replace('archive/1', 'archive/9'))).verdict).toBe('unproven')
  })
})

describe('what stands beside an incident', () => {
  const linked = (id: string): Partial<IncidentView> => ({ links: { follows: null, beside: [{ incidentId: id, no: 'n', kind: 'gas', reason: 'near', metres: 40, at: at(0) }] } })
  const here = { lat: 0, lon: 0 }

  it('is one event where the journal says so, however near another is', () => {
    const rows = [row('a', here), row('b', { lat: 0.0004, lon: 0 })]
    expect(beside(view('dispatching', linked('b')), rows).map((one) => [one.row.id, one.linked])).toEqual([['b', true], ['a', false]])
  })
  it('is never a drill beside something real', () => expect(beside(view('dispatching'), [row('a', { ...here, handling: 'actual' })])).toEqual([]))
})

describe('a mute', () => {
  it('is offered for two hours at most where silence costs lives', () => {
    expect(Math.max(...muteChoices('smoke'), ...muteChoices('gas'))).toBe(120)
    expect(Math.max(...muteChoices('water'))).toBe(1440)
  })
})
