import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { measured, nearest, type Spot } from '../src/field/measure'
import { lines } from '../src/field/stamp'
import { allEvidence, askForOriginals, keepEvidence, originalsGo, PART, tidyEvidence, uploadAll, uploadOrder } from '../src/sync/evidence'
import { allItems, clockNow, heardTime, say } from '../src/sync/outbox'
import { freeOf, keepBallast, LOW, RESERVE, roomOf, withRoom } from '../src/sync/room'
import { develop, forget, press, recover, waiting, type Darkroom, type Shot } from '../src/sync/shot'
import { publicKey } from '../src/sync/sign'
import { closeStore, keptOf, type Evidence } from '../src/sync/store'
import type { Command, IncidentView } from '../src/wire/types'

const shot = (id = 'shot-1'): Shot => ({
  id, incidentId: 'i', deviceId: 'd', by: 'wang', position: { lat: 31.31, lon: 120.63, accuracyM: 6, at: '2026-03-02T08:00:00Z' },
  caption: '灶台', lines: ['一行'], measured: null, taken: new Blob(['raw bytes'], { type: 'image/jpeg' }), command: null,
  atMs: 1_772_438_400_000, wallMs: 1_772_434_800_000, elapsedMs: 5, clock: 'server',
})
const darkroom: Darkroom = async ({ taken }) => ({
  clean: taken, burnt: new Blob(['burnt'], { type: 'image/jpeg' }), preview: new Blob(['small'], { type: 'image/webp' }), width: 4, height: 3,
})
const sayIt = ({ id, incidentId }: Shot, command: Command): Promise<object> => say({ incidentId, command, seenVersion: null, deviceId: 'd', position: null, commandId: id })
const photo = (role: Evidence['role'], size: number, more: Partial<Evidence> = {}): Evidence => ({
  sha256: `${role}${size}`, role, incidentId: 'i', bytes: new Blob([new Uint8Array(size)], { type: 'image/jpeg' }), size, mime: 'image/jpeg', takenAt: '', caption: '', state: 'saved', problem: null, ...more,
})
const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  await closeStore()
})

/** What the phone holds once it was started again. */
async function restarted(): Promise<{ commands: Command[]; roles: string[]; left: number; shots: number }> {
  await closeStore()
  const left = await recover(darkroom, sayIt)
  return { commands: (await allItems()).map((item) => item.envelope.command), roles: (await allEvidence()).map((file) => file.role).sort(), left, shots: (await waiting()).length }
}
const WHOLE = ['burnt', 'clean', 'preview']

describe('a photograph when the app is killed', () => {
  const steps: [string, (made: Shot) => Promise<unknown>][] = [
    ['right after the shutter', async () => undefined],
    ['while the copies are made', (made) => develop(made, () => Promise.reject(new Error('killed'))).catch(() => undefined)],
    ['after the copies, before the command', (made) => develop(made, darkroom)],
    ['after the command, before the shot is forgotten', async (made) => sayIt(made, await develop(made, darkroom))],
  ]
  it.each(steps)('%s: the picture and its command are there once at the next start', async (_, until) => {
    await publicKey()
    await press(shot())
    await until(shot())
    const found = await restarted()
    expect(found.roles).toEqual(WHOLE)
    expect(found.commands).toHaveLength(1)
    expect(found.commands[0]).toMatchObject({ name: 'photo', caption: '灶台', takenAt: '2026-03-02T08:00:00.000Z' })
    expect(found).toMatchObject({ left: 0, shots: 0 })
    expect((await restarted()).commands).toHaveLength(1)
  })

  it('in the middle of keeping the copies: none of them is there by half', async () => {
    await press(shot())
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(function (this: IDBObjectStore) {
      this.transaction.abort()
      throw new DOMException('killed', 'AbortError')
    })
    await expect(develop(shot(), darkroom)).rejects.toThrow()
    put.mockRestore()
    expect(await allEvidence()).toEqual([])
    expect((await restarted()).roles).toEqual(WHOLE)
  })

  it('stays and is counted when it cannot be finished', async () => {
    await press(shot())
    await closeStore()
    expect(await recover(() => Promise.reject(new Error('no canvas')), sayIt)).toBe(1)
    expect(await recover(darkroom, () => Promise.resolve(null))).toBe(1)
    expect(await waiting()).toHaveLength(1)
    await forget('shot-1')
    expect(await waiting()).toEqual([])
  })
})

describe('the statement of a photograph', () => {
  it('is signed with the phone’s key over hashes, incident and both clocks', async () => {
    const jwk = await publicKey()
    const command = await develop(shot(), darkroom)
    const statement = String(command.statement)
    expect(JSON.parse(statement)).toMatchObject({
      sha256: command.sha256, burntSha256: command.burntSha256, previewSha256: command.previewSha256, incidentId: 'i', deviceId: 'd',
      takenAt: '2026-03-02T08:00:00.000Z', phoneClock: '2026-03-02T07:00:00.000Z', elapsedMs: 5, clock: 'server', position: { accuracyM: 6 },
    })
    const key = await crypto.subtle.importKey('jwk', jwk!, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
    const fits = (text: string): Promise<boolean> => crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, bytes(String(command.signature)), new TextEncoder().encode(text))
    expect(await fits(statement)).toBe(true)
    expect(await fits(statement.replace('07:00', '08:00'))).toBe(false)
  })

  it('says that the time is only the phone’s where no server ever told it', async () => {
    expect(await clockNow()).toMatchObject({ clock: 'phone', elapsedMs: null })
    await heardTime(new Date(Date.now() + 3_600_000).toISOString())
    const now = await clockNow()
    expect(now.clock).toBe('server')
    expect(Math.abs(now.atMs - now.wallMs - 3_600_000)).toBeLessThan(1000)
  })

  it('is left out where the phone has no key, and the photograph is not', async () => {
    const command = await develop(shot(), darkroom)
    expect(command.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect('signature' in command).toBe(false)
  })
})

describe('what is burnt in', () => {
  const view = { no: '20260302-0001', place: { address: '平江路 12 号' }, kind: 'smoke', handling: 'actual' } as unknown as IncidentView
  const clock = { atMs: Date.parse('2026-03-02T08:00:05Z'), clock: 'server' } as const
  it('is the time of Suzhou, the place, the number and the name, wherever the phone believes to be', () => {
    const said = lines(view, '周建国', '灶台', clock, { lat: 31.31, lon: 120.63, accuracyM: 6.4, at: '' }).join('\n')
    for (const part of ['2026-03-02 16:00:05 北京时间', '20260302-0001', '平江路 12 号', '31.31000, 120.63000 ±6 m', '周建国', '灶台']) expect(said).toContain(part)
    expect(said).not.toContain('未校时')
    expect(said).not.toContain('演练')
  })
  it('marks a time that no server told, a place that no receiver told, and a drill', () => {
    const said = lines({ ...view, handling: 'exercise' }, '周建国', '', { ...clock, clock: 'phone' }, null).join('\n')
    for (const part of ['手机时间，未校时', '无定位', '演练']) expect(said).toContain(part)
  })
})

describe('sending photographs', () => {
  it('sends every preview before the first original', () => {
    const files = [photo('clean', 9), photo('burnt', 5), photo('preview', 7), photo('preview', 3)]
    expect(uploadOrder(files).map((file) => file.size)).toEqual([3, 7, 5, 9])
    expect(uploadOrder(files, false).map((file) => file.size)).toEqual([3, 7])
  })

  it.each([
    [undefined, true], [{}, true], [{ effectiveType: '4g' }, true], [{ effectiveType: '3g' }, true], [{ effectiveType: '2g' }, false],
    [{ effectiveType: 'slow-2g' }, false], [{ saveData: true, effectiveType: '4g' }, false], [{ saveData: true, type: 'wifi' }, true],
  ])('on %j originals go: %s', (connection, go) => {
    expect(originalsGo(connection, false)).toBe(go)
    expect(originalsGo(connection, true)).toBe(true)
  })

  it('holds originals back on a thin line until they are asked for', async () => {
    const sent: string[] = []
    vi.stubGlobal('navigator', { connection: { effectiveType: '2g' } })
    vi.stubGlobal('fetch', (path: string) => {
      sent.push(path.split('/').pop() ?? '')
      return Promise.resolve(new Response('{}', { status: 201 }))
    })
    for (const file of [photo('clean', 9), photo('preview', 3)]) await keepEvidence(file)
    expect(await uploadAll()).toBe('done')
    expect(sent).toEqual(['preview3'])
    await askForOriginals()
    expect(await uploadAll()).toBe('done')
    expect(sent).toEqual(['preview3', 'clean9'])
    expect(await keptOf('send-originals'), 'asked for once, not for ever').toBeUndefined()
  })

  it('goes on with a large one where the line tore', async () => {
    const size = 2 * PART + 100
    let here = 0
    let tear = true
    const ranges: string[] = []
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      const range = new Headers(init.headers).get('Content-Range') ?? ''
      ranges.push(range)
      const part = /^bytes (\d+)-/.exec(range)
      if (part && here === PART && tear) {
        tear = false
        throw new TypeError('torn')
      }
      if (part && Number(part[1]) === here) here += (init.body as Blob).size
      return new Response(JSON.stringify({ received: here }), { status: here === size ? 201 : 202 })
    })
    await keepEvidence(photo('clean', size))
    expect(await uploadAll()).toBe('retry')
    await closeStore()
    expect(await uploadAll()).toBe('done')
    expect(here).toBe(size)
    expect(ranges.map((range) => range.split('/')[0])).toEqual([
      `bytes 0-${PART - 1}`, `bytes ${PART}-${2 * PART - 1}`, 'bytes *', `bytes ${PART}-${2 * PART - 1}`, `bytes ${2 * PART}-${size - 1}`,
    ])
  })

  it('never circles round a server that takes nothing', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"received":0}', { status: 202 })))
    await keepEvidence(photo('clean', 2 * PART))
    expect(await uploadAll()).toBe('retry')
  })
})

describe('a phone that is nearly full', () => {
  it('is told apart from one with room and one that does not say', () => {
    expect(freeOf({})).toBeNull()
    expect(roomOf({})).toBe('ok')
    expect(roomOf({ usage: 0, quota: LOW })).toBe('ok')
    expect(roomOf({ usage: 1, quota: LOW })).toBe('low')
    expect(roomOf({ usage: 5, quota: RESERVE + 4 })).toBe('full')
  })

  it('still keeps a tap: the block kept for it makes way', async () => {
    await keepBallast()
    expect(await keptOf<Blob>('ballast')).toBeDefined()
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementationOnce(function (this: IDBObjectStore) {
      this.transaction.abort()
      throw new DOMException('full', 'QuotaExceededError')
    })
    await say({ incidentId: 'i', command: { name: 'arrived' }, seenVersion: null, deviceId: 'd', position: null })
    expect(add).toHaveBeenCalledTimes(2)
    expect(await allItems()).toHaveLength(1)
    expect((await allItems())[0]?.envelope.seq).toBe(1)
    expect(await keptOf('ballast')).toBeUndefined()
  })

  it('does not swallow what is no full disk, nor a disk that stays full', async () => {
    await expect(withRoom(() => Promise.reject(new TypeError('ours')))).rejects.toThrow('ours')
    let tries = 0
    const full = (): Promise<never> => ((tries += 1), Promise.reject(new DOMException('full', 'QuotaExceededError')))
    await expect(withRoom(full)).rejects.toThrow('full')
    expect(tries).toBe(2)
  })

  it('gives up originals that the server has, never the unsent and never a preview', async () => {
    const now = 10 * 86_400_000
    for (const file of [photo('clean', 1, { state: 'accepted', acceptedAt: now }), photo('clean', 2), photo('preview', 3, { state: 'accepted', acceptedAt: 0 }), photo('burnt', 4, { state: 'accepted', acceptedAt: 0 })]) await keepEvidence(file)
    const kept = async (): Promise<string[]> => (await allEvidence()).filter((file) => file.bytes.size > 0).map((file) => file.sha256).sort()
    await tidyEvidence(now, false)
    expect(await kept(), 'two days old').toEqual(['clean1', 'clean2', 'preview3'])
    await tidyEvidence(now, true)
    expect(await kept(), 'room is short').toEqual(['clean2', 'preview3'])
  })
})

describe('measuring a crack', () => {
  const card: Spot[] = [[0.1, 0.5], [0.6, 0.5]]
  it('compares it with a thing of known size, whatever the shape of the picture', () => {
    expect(measured([...card, [0.1, 0.2], [0.2, 0.2]], 1.5, '卡', 85.6)?.mm).toBe(17.1)
    expect(measured([...card, [0.3, 0.2], [0.3, 0.35]], 1.5, '卡', 85.6)?.mm).toBe(17.1)
  })
  it('gives nothing while an end is missing or the reference is a mere dot', () => {
    expect(measured(card, 1, '卡', 85.6)).toBeNull()
    expect(measured([[0.1, 0.1], [0.105, 0.1], [0, 0], [1, 1]], 1, '卡', 85.6)).toBeNull()
  })
  it('takes the spot under the finger, and none far from it', () => {
    expect(nearest(card, [0.59, 0.5], 1)).toBe(1)
    expect(nearest(card, [0.35, 0.5], 1)).toBe(-1)
  })
})

