import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { allItems, flush, say } from '../src/sync/outbox'
import { canonical, publicKey, signed } from '../src/sync/sign'
import { closeStore, store } from '../src/sync/store'
import type { Envelope } from '../src/wire/types'

const said = { incidentId: 'i', command: { name: 'note', text: '门锁着' }, seenVersion: 4, deviceId: 'd', position: null }
const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))

async function fits({ signature, ...rest }: Envelope): Promise<boolean> {
  const key = await crypto.subtle.importKey('jwk', (await publicKey())!, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, bytes(signature ?? ''), new TextEncoder().encode(canonical(rest)))
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await closeStore()
})

describe('the phone’s signature', () => {
  it('is over the form of RFC 8785', () => {
    expect(canonical({ b: [1, null, undefined], a: { 'é': 1e21, e: -0, d: 0.1 }, '€': 'ä"\n', c: undefined })).toBe('{"a":{"d":0.1,"e":0,"é":1e+21},"b":[1,null,null],"€":"ä\\"\\n"}')
  })

  it('stands under a tap as soon as it is written down, and fits nothing that was changed', async () => {
    await publicKey()
    await say(said)
    const { envelope } = (await allItems())[0]!
    expect(await fits(envelope)).toBe(true)
    expect(await fits({ ...envelope, command: { name: 'note', text: '门开着' } })).toBe(false)
  })

  it('is put under what was said before the phone had its key, when it is sent', async () => {
    await say(said)
    expect((await allItems())[0]?.envelope.signature).toBeUndefined()
    await publicKey()
    const sent: Envelope[] = []
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
      sent.push(...(JSON.parse(String(init.body)) as { commands: Envelope[] }).commands)
      return Promise.resolve(new Response(JSON.stringify({ answers: [] }), { status: 200 }))
    })
    await flush()
    expect(await fits(sent[0]!)).toBe(true)
  })

  it('is not lost when an attempt to send fails just while it is made', async () => {
    await publicKey()
    const real = crypto.subtle.sign.bind(crypto.subtle)
    let go = (): void => undefined
    const gate = new Promise<void>((resolve) => (go = resolve))
    const slow = vi.spyOn(crypto.subtle, 'sign').mockImplementationOnce(async (...how) => gate.then(() => real(...how)))
    const saying = say(said)
    await vi.waitFor(async () => expect(await allItems()).toHaveLength(1))
    vi.stubGlobal('fetch', async () => {
      go()
      await saying // signed now; the attempt, which began before, fails after
      vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 5000) // and was on the way for long
      throw new TypeError('offline')
    })
    expect(await flush()).toBe('retry')
    vi.mocked(Date.now).mockRestore()
    slow.mockRestore()
    const [item] = await allItems()
    expect([item?.tries, Boolean(item?.envelope.signature)]).toEqual([1, true])
  })

  it('comes from one key that survives the app and cannot be taken out of it', async () => {
    const [first, second] = await Promise.all([publicKey(), publicKey()])
    expect(second).toEqual(first)
    await closeStore()
    expect(await publicKey()).toEqual(first)
    const pair = (await (await store()).get('kept', 'signing-key')) as CryptoKeyPair
    await expect(crypto.subtle.exportKey('jwk', pair.privateKey)).rejects.toThrow()
  })

  it('is left out where the browser has no key, and the tap is kept all the same', async () => {
    vi.stubGlobal('crypto', { randomUUID: () => 'x', getRandomValues: (array: Uint8Array) => array })
    expect(await publicKey()).toBeNull()
    await say(said)
    expect((await allItems())[0]?.envelope.signature).toBeUndefined()
    expect(await signed((await allItems())[0]!.envelope)).not.toHaveProperty('signature')
  })
})
