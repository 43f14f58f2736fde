import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dropSealed, keepSealed, sealedOf } from '../src/sync/sealed'
import { closeStore, keep, store } from '../src/sync/store'

const list = { people: [{ name: '沈秀英', needsHelp: '卧床' }] }

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await closeStore()
})

const everything = async (): Promise<string> => {
  const all = await (await store()).getAll('kept')
  const plain = (value: unknown): unknown => (value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value)
  return JSON.stringify(all.map((value) => (value as { bytes?: unknown })?.bytes ? plain((value as { bytes: unknown }).bytes) : value))
}

describe('what is kept sealed', () => {
  it('comes back whole after the app was closed, and lies nowhere in the store as it is', async () => {
    await keepSealed('rosters', list)
    expect(await everything()).not.toContain('沈秀英')
    await closeStore()
    expect(await sealedOf('rosters')).toEqual(list)
  })

  it('is under a key that cannot leave the phone', async () => {
    await keepSealed('rosters', list)
    const key = (await (await store()).get('kept', 'sealing-key')) as CryptoKey
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow()
  })

  it('opens for nobody once it was dropped, also from a copy', async () => {
    await keepSealed('rosters', list)
    const copy = await (await store()).get('kept', 'rosters')
    await dropSealed('rosters')
    await keep('rosters', copy)
    await keepSealed('other', {})
    expect(await sealedOf('rosters')).toBeUndefined()
  })

  it('is not kept at all where the browser cannot seal', async () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    await keepSealed('rosters', list)
    expect(await everything()).not.toContain('沈秀英')
    expect(await sealedOf('rosters')).toBeUndefined()
  })

  it('written openly by an older app is not taken for sealed', async () => {
    await keep('rosters', list)
    expect(await sealedOf('rosters')).toBeUndefined()
  })
})
