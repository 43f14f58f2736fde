import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drain } from '../src/sync/drain'
import { counts, nextBatch, pauseMs, settle, unread, type Item } from '../src/sync/queue'
import { Problem, Unreachable } from '../src/wire/api'
import type { Answer, Envelope } from '../src/wire/types'

const item = (order: number, more: Partial<Item> = {}): Item => ({
  order, commandId: `c${order}`, incidentId: 'i', by: 'me', state: 'saved', savedAt: 0, tries: 0, answeredAt: null, version: null,
  refusal: null, problem: null, seen: false,
  envelope: { commandId: `c${order}`, incidentId: 'i', occurredAt: '', seenVersion: null, deviceId: null, seq: order, elapsedMs: null, position: null, command: { name: 'note' } },
  ...more,
})
const problem = (status: number): Problem => new Problem(status, { type: 'urn:jiean:problem:x', title: 'x', status })

/** A server that applies each id once, and a road to it that loses requests and replies as told. */
function world(start: Item[], luck: () => 'ok' | 'lost' | 'reply-lost' | 'down' | 'unreadable', bad: ReadonlySet<string> = new Set()) {
  let kept = [...start]
  const applied: string[] = []
  const ports = {
    load: () => Promise.resolve(kept),
    save: (changed: Item[]) => {
      const by = new Map(changed.map((each) => [each.order, each]))
      kept = kept.map((each) => by.get(each.order) ?? each)
      return Promise.resolve()
    },
    nowMs: () => 1,
    post: (envelopes: Envelope[]): Promise<Answer[]> => {
      const what = luck()
      if (what === 'lost') return Promise.reject(new Unreachable('lost'))
      if (what === 'down') return Promise.reject(problem(503))
      if (envelopes.some((each) => bad.has(each.commandId))) return Promise.reject(problem(400))
      const answers = envelopes.map(({ commandId }): Answer => {
        const before = applied.includes(commandId)
        if (!before) applied.push(commandId)
        return { commandId, outcome: before ? 'repeated' : 'accepted', version: 1, refusal: null }
      })
      if (what === 'reply-lost') return Promise.reject(new Unreachable('reply lost'))
      return Promise.resolve(what === 'unreadable' ? [] : answers)
    },
  }
  return { ports, applied, items: () => kept }
}

describe('the outbox', () => {
  it('loses nothing, doubles nothing and keeps the order, whatever the network does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 600 }),
        fc.array(fc.constantFrom('ok' as const, 'lost' as const, 'reply-lost' as const, 'down' as const, 'unreadable' as const), { maxLength: 30 }),
        async (n, fate) => {
          const script = [...fate]
          const it = world(Array.from({ length: n }, (_, at) => item(at + 1)), () => script.shift() ?? 'ok')
          for (let turn = 0; turn <= fate.length; turn++) await drain(it.ports)
          expect(it.applied).toEqual(Array.from({ length: n }, (_, at) => `c${at + 1}`))
          expect(it.items().every((each) => each.state === 'accepted')).toBe(true)
        },
      ),
    )
  })

  it('sets aside only the command that cannot be read, and sends the rest in order', async () => {
    const it = world([1, 2, 3, 4].map((order) => item(order)), () => 'ok', new Set(['c3']))
    expect(await drain(it.ports)).toBe('done')
    expect(it.applied).toEqual(['c1', 'c2', 'c4'])
    expect(it.items().map((each) => each.state)).toEqual(['accepted', 'accepted', 'parked', 'accepted'])
  })

  it('keeps everything when nobody is signed in', async () => {
    const it = world([item(1)], () => 'ok')
    const closed = { ...it.ports, post: () => Promise.reject(problem(401)) }
    expect(await drain(closed)).toBe('signin')
    expect(it.items()[0]?.state).toBe('saved')
  })

  it('finds the one that cannot be read among many in a few requests', async () => {
    let asked = 0
    const it = world(Array.from({ length: 200 }, (_, at) => item(at + 1)), () => ((asked += 1), 'ok'), new Set(['c77']))
    expect(await drain(it.ports)).toBe('done')
    expect(it.items().filter((each) => each.state === 'parked').map((each) => each.commandId)).toEqual(['c77'])
    expect(it.applied).toHaveLength(199)
    expect(asked).toBeLessThan(20)
  })

  it('sends as much as before after a day without any network, and less after a long attempt in vain', async () => {
    let clock = 0
    const it = world([item(1)], () => 'lost')
    const slow = (ms: number) => ({ ...it.ports, nowMs: () => (clock += ms) })
    for (let day = 0; day < 100; day++) await drain(slow(1))
    expect(it.items()[0]?.tries).toBe(0)
    await drain(slow(5000))
    expect(it.items()[0]?.tries).toBe(1)
  })

  it('sends fewer together after each attempt without an answer, and never none', () => {
    const sizes = [0, 1, 2, 3, 4, 5, 6, 40].map((tries) => nextBatch(Array.from({ length: 300 }, (_, at) => item(at + 1, { tries }))).length)
    expect(sizes).toEqual([300, 300, 250, 125, 62, 31, 15, 8])
    const long = item(1, { envelope: { ...item(1).envelope, command: { name: 'note', text: 'x'.repeat(500_000) } } })
    expect(nextBatch([long, item(2)])).toEqual([long])
  })

  it('asks to be tried again when an answer says nothing about what was asked', async () => {
    const it = world([item(1)], () => 'unreadable')
    expect(await drain(it.ports)).toBe('retry')
    expect(it.items()[0]?.state).toBe('saved')
  })

  it('sends the oldest first, whatever order the store gives', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 80 }), (orders) => {
        const batch = nextBatch(orders.map((order) => item(order))).map((each) => each.order)
        expect(batch).toEqual([...orders].sort((a, b) => a - b).slice(0, 50))
      }),
    )
  })

  it('keeps a refusal with its words and shows it until it was read', () => {
    const refusal = { code: 'lead_on_it', zh: '李明已接警', en: 'Taken', missing: [] }
    const [refused] = settle([item(1)], [{ commandId: 'c1', outcome: 'refused', version: 3, refusal }], 9)
    expect(refused).toMatchObject({ state: 'refused', refusal, answeredAt: 9 })
    expect(unread([refused as Item])).toHaveLength(1)
    expect(unread([{ ...(refused as Item), seen: true }])).toHaveLength(0)
  })

  it('takes a repeated refusal as a refusal', () => {
    const refusal = { code: 'x', zh: '不', en: 'no', missing: [] }
    expect(settle([item(1)], [{ commandId: 'c1', outcome: 'repeated', version: 1, refusal }], 0)[0]?.state).toBe('refused')
  })

  it('never changes what was answered before', () => {
    expect(settle([item(1, { state: 'accepted' })], [{ commandId: 'c1', outcome: 'refused', version: 1, refusal: null }], 0)).toEqual([])
  })

  it('counts saved, sent and accepted so that none is larger than the one before', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('saved', 'accepted', 'late', 'refused', 'parked') as fc.Arbitrary<Item['state']>), (states) => {
        const { saved, sent, accepted } = counts(states.map((state, at) => item(at, { state })))
        expect(saved).toBe(states.length)
        expect(sent).toBeLessThanOrEqual(saved)
        expect(accepted).toBeLessThanOrEqual(sent)
      }),
    )
    expect(counts([item(1)], [{ state: 'saved' }, { state: 'accepted' }])).toEqual({ saved: 3, sent: 1, accepted: 1 })
  })

  it('waits longer after each failure, and never longer than half a minute', () => {
    expect([1, 2, 3, 9].map(pauseMs)).toEqual([300, 600, 1200, 30_000])
  })
})
