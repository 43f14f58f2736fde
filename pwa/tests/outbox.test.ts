import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { uploadAll, uploadOrder, keepEvidence, allEvidence } from '../src/sync/evidence'
import { accountClosed, agreedId, allItems, flush, heardTime, markSeen, say, sayAgain, setOwner, tidy } from '../src/sync/outbox'
import { publicKey } from '../src/sync/sign'
import { saidAt } from '../src/sync/time'
import { isBusy, keepHome } from '../src/sync/snapshot'
import { closeStore, NoStore, store, type Evidence } from '../src/sync/store'
import type { FieldHome } from '../src/wire/types'

const said = (name: string, more: object = {}) => ({ incidentId: 'i', command: { name }, seenVersion: 4, deviceId: 'd', position: null, ...more })
const answer = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
const accepts = (_: unknown, init?: RequestInit): Promise<Response> => {
  const { commands } = JSON.parse(String(init?.body)) as { commands: { commandId: string }[] }
  return Promise.resolve(answer({ answers: commands.map(({ commandId }) => ({ commandId, outcome: 'accepted', version: 5, refusal: null })) }))
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await closeStore()
})

describe('the phone', () => {
  it('says what was set aside once more with each new version, and only then', async () => {
    const body = { type: 'urn:jiean:problem:validation', title: '?', status: 400 }
    const refuses = vi.fn(() => Promise.resolve(answer(body, 400)))
    vi.stubGlobal('fetch', refuses)
    await sayAgain('one')
    await say(said('arrived'))
    await flush()
    expect((await allItems()).map((item) => item.state)).toEqual(['parked'])
    await sayAgain('one')
    await flush()
    expect(refuses).toHaveBeenCalledTimes(1)
    vi.stubGlobal('fetch', accepts)
    await sayAgain('two')
    await flush()
    expect((await allItems()).map((item) => item.state)).toEqual(['accepted'])
  })

  it('keeps a tap through a restart and sends it then, under the same id', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')))
    const { commandId } = await say(said('arrived'))
    expect(await flush()).toBe('retry')
    await closeStore() // the app is killed
    const sent: string[] = []
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      sent.push(...(JSON.parse(String(init.body)) as { commands: { commandId: string }[] }).commands.map((each) => each.commandId))
      return accepts(path, init)
    })
    expect(await flush()).toBe('done')
    expect(sent).toEqual([commandId])
    expect((await allItems())[0]?.state).toBe('accepted')
  })

  it('numbers the commands of one phone without a gap', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => say(said(name))))
    expect((await allItems()).map((item) => item.envelope.seq)).toEqual([1, 2, 3, 4])
  })

  it('says every mutation with the header that another site cannot set', async () => {
    const headers: (string | null)[] = []
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      headers.push(new Headers(init.headers).get('X-Jiean'))
      return accepts(path, init)
    })
    await say(said('arrived'))
    await flush()
    expect(headers).toEqual(['1'])
  })

  it('makes one acceptance out of a tap on the notification and one in the app', async () => {
    const id = await agreedId('accept:offer-7')
    expect(await agreedId('accept:offer-7')).toBe(id)
    await say(said('accept', { commandId: id }))
    await say(said('accept', { commandId: id }))
    expect(await allItems()).toHaveLength(1)
  })

  it('never sends one person’s commands in the name of the next one on the phone', async () => {
    await setOwner('wang')
    await say(said('arrived'))
    await setOwner('li')
    expect(await allItems()).toHaveLength(0)
    await setOwner('wang')
    expect(await allItems()).toHaveLength(1)
  })

  it('stamps a tap with the server’s time, not with a wrong clock of the phone', async () => {
    const served = Date.now() + 3_600_000 // the phone is an hour slow
    await heardTime(new Date(served).toISOString())
    const { envelope } = await say(said('arrived'))
    expect(Math.abs(Date.parse(saidAt(envelope)) - served)).toBeLessThan(5000)
    expect(Math.abs(Date.parse(envelope.occurredAt) - Date.now())).toBeLessThan(5000) // the phone's own clock goes along
    expect(envelope.elapsedMs).not.toBeNull()
  })

  it('forgets old answered commands and never an unsent or unreadable one', async () => {
    await say(said('sent'))
    vi.stubGlobal('fetch', accepts)
    await flush()
    await say(said('unsent'))
    const db = await store()
    await db.put('outbox', { ...(await allItems())[1]!, order: 99, commandId: 'p', state: 'parked', answeredAt: 1 })
    await tidy(Date.now() + 200_000_000)
    expect((await allItems()).map((item) => item.state).sort()).toEqual(['parked', 'saved'])
  })

  it('keeps what was refused or kept as late until the person has read it, however long that takes', async () => {
    for (const name of ['refused', 'late']) await say(said(name))
    const db = await store()
    const [refused, late] = await allItems()
    await db.put('outbox', { ...refused!, state: 'refused', answeredAt: 1 })
    await db.put('outbox', { ...late!, state: 'late', answeredAt: 1 })
    await tidy(Date.now() + 200_000_000)
    expect(await allItems()).toHaveLength(2)
    await markSeen(await allItems())
    await tidy(Date.now() + 200_000_000)
    expect(await allItems()).toHaveLength(0)
  })

  it('hands in what was said before the account was closed, by its signature alone, and says what was not taken', async () => {
    await publicKey()
    await setOwner('wang')
    await say(said('arrived'))
    await say(said('note'))
    const asked: string[] = []
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      asked.push(path)
      if (path === '/api/commands') return Promise.resolve(answer({ type: 'urn:jiean:problem:not-signed-in', title: 'x', status: 401 }, 401))
      const { commands } = JSON.parse(String(init.body)) as { commands: { commandId: string; command: { name: string } }[] }
      const refusal = { code: 'disabled', zh: '账号已停用', en: '', doZh: '请找管理员', doEn: '', missing: [] }
      return Promise.resolve(answer({ answers: commands.map(({ commandId, command }) => ({ commandId, version: 1, outcome: command.name === 'note' ? 'refused' : 'accepted', refusal: command.name === 'note' ? refusal : null })) }))
    })
    expect(await flush()).toBe('done')
    expect(asked).toEqual(['/api/commands', '/api/phone/commands'])
    expect((await allItems()).map((item) => [item.state, item.refusal?.doZh])).toEqual([['accepted', undefined], ['refused', '请找管理员']])
    expect(await accountClosed()).toBe(true)
    await setOwner('wang') // let in again
    expect(await accountClosed()).toBe(false)
  })

  it('waits for its person to sign in where the account is open', async () => {
    await publicKey()
    await setOwner('wang')
    await say(said('arrived'))
    vi.stubGlobal('fetch', () => Promise.resolve(answer({ type: 'urn:jiean:problem:not-signed-in', title: 'x', status: 401 }, 401)))
    expect(await flush()).toBe('signin')
    expect((await allItems())[0]?.state).toBe('saved')
    expect(await accountClosed()).toBe(false)
    vi.stubGlobal('fetch', accepts)
    expect(await flush()).toBe('done')
  })

  it('says whose the commands are, so that a changed session takes none of them', async () => {
    await setOwner('wang')
    await say(said('arrived'))
    const whose: (string | null)[] = []
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
      whose.push(new Headers(init.headers).get('X-Jiean-Account'))
      return Promise.resolve(answer({ type: 'urn:jiean:problem:somebody-else', title: 'x', status: 401 }, 401))
    })
    expect(await flush()).toBe('signin')
    expect(whose).toEqual(['wang'])
    expect((await allItems())[0]?.state).toBe('saved')
  })

  it('knows after a reload that an incident is open, before anything was fetched', async () => {
    expect(await isBusy()).toBe(false)
    await keepHome({ offers: [], incidents: [{ state: 'handling' }] } as unknown as FieldHome, 1)
    await closeStore()
    expect(await isBusy()).toBe(true)
    await keepHome({ offers: [], incidents: [{ state: 'released' }] } as unknown as FieldHome, 2)
    expect(await isBusy()).toBe(false)
  })
})

describe('photographs', () => {
  const photo = (sha256: string, size: number): Evidence => ({
    sha256, size, role: 'clean', incidentId: 'i', bytes: new Blob(['x']), mime: 'image/jpeg', takenAt: '', caption: '', state: 'saved', problem: null,
  })

  it('go up smallest first, and a refused one does not hold back the others', async () => {
    const order: string[] = []
    vi.stubGlobal('fetch', (path: string) => {
      order.push(path.split('/').pop() ?? '')
      return Promise.resolve(path.endsWith('bb') ? answer({ type: 'urn:jiean:problem:not-an-image', title: 'no', status: 415 }, 415) : answer({}, 201))
    })
    for (const file of [photo('cc', 30), photo('aa', 10), photo('bb', 20)]) await keepEvidence(file)
    expect(await uploadAll()).toBe('done')
    expect(order).toEqual(['aa', 'bb', 'cc'])
    expect((await allEvidence()).map((file) => [file.sha256, file.state, file.problem])).toEqual([
      ['aa', 'accepted', null], ['bb', 'refused', 'not-an-image'], ['cc', 'accepted', null],
    ])
  })

  it('stay on the phone when the network goes away in the middle', async () => {
    let calls = 0
    vi.stubGlobal('fetch', () => (calls++ === 0 ? Promise.resolve(answer({}, 201)) : Promise.reject(new TypeError('gone'))))
    for (const file of [photo('aa', 10), photo('bb', 20)]) await keepEvidence(file)
    expect(await uploadAll()).toBe('retry')
    expect(uploadOrder(await allEvidence()).map((file) => file.sha256)).toEqual(['bb'])
  })
})

describe('the store', () => {
  it('written by an older app is read and sent: nothing that waits is lost with an update', async () => {
    const { order, envelope, commandId, incidentId } = await say(said('arrived'))
    const db = await store()
    const { skewMs: _, ...older } = envelope
    await db.put('outbox', { order, commandId, incidentId, envelope: older, state: 'saved', savedAt: 5 } as never)
    expect((await allItems())[0]).toMatchObject({ by: null, tries: 0, seen: false, savedAt: 5, refusal: null })
    vi.stubGlobal('fetch', accepts)
    expect(await flush()).toBe('done')
    expect((await allItems())[0]).toMatchObject({ state: 'accepted', version: 5 })
  })

  it('that does not open says so in time, and is tried again at the next tap', async () => {
    vi.useFakeTimers()
    const held = { open: () => new IDBOpenDBRequest() } as unknown as IDBFactory // never says anything
    const real = globalThis.indexedDB
    globalThis.indexedDB = held
    const tap = say(said('arrived')).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(9000)
    expect(await tap).toBeInstanceOf(NoStore)
    vi.useRealTimers()
    globalThis.indexedDB = real
    expect((await say(said('arrived'))).state).toBe('saved')
  })

  it('makes way for a newer version in another window', async () => {
    await say(said('arrived'))
    const newer = await openDB('jiean-phone', 2)
    expect(newer.version).toBe(2)
    newer.close()
  })
})

describe('two windows at once', () => {
  it('send one after the other, so that nothing goes out twice', async () => {
    let turn: Promise<unknown> = Promise.resolve()
    vi.stubGlobal('navigator', { locks: { request: (_: string, work: () => Promise<unknown>) => (turn = turn.then(work)) } })
    const sent: string[] = []
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      sent.push(...(JSON.parse(String(init.body)) as { commands: { commandId: string }[] }).commands.map((each) => each.commandId))
      await new Promise((resolve) => setTimeout(resolve, 5))
      return accepts(path, init)
    })
    const ids = (await Promise.all(['a', 'b', 'c'].map((name) => say(said(name))))).map((item) => item.commandId)
    expect(await Promise.all([flush(), flush()])).toEqual(['done', 'done'])
    expect(sent).toEqual(ids)
  })
})
