/**
 * What must not lie readable on the phone: kept under a key of its own, which is made here and
 * cannot leave it, beside the signing key. Without the key the kept bytes are nothing. Where the
 * browser has no WebCrypto (plain http) nothing is kept at all.
 */
import { keep, keptOf, store } from './store'

const ALGORITHM = { name: 'AES-GCM', length: 256 } as const
const KEY = 'sealing-key'
interface Sealed { iv: Uint8Array<ArrayBuffer>; bytes: ArrayBuffer }

/** Each value has its own key, so that one may be dropped alone; the lists were the first. */
const keyOf = (name: string): string => (name === 'rosters' ? KEY : `${KEY}:${name}`)

async function sealingKey(name: string): Promise<CryptoKey | undefined> {
  const kept = await keptOf<CryptoKey>(keyOf(name))
  if (kept || !globalThis.crypto?.subtle) return kept
  const made = (await crypto.subtle.generateKey(ALGORITHM, false, ['encrypt', 'decrypt'])) as CryptoKey
  // two windows may make one at the same moment: the first one kept is the phone's
  const change = (await store()).transaction('kept', 'readwrite')
  const first = (await change.store.get(keyOf(name))) as CryptoKey | undefined
  if (!first) await change.store.put(made, keyOf(name))
  await change.done
  return first ?? made
}

/** Keep a value (of JSON) sealed under ``name``. */
export async function keepSealed(name: string, value: unknown): Promise<void> {
  const key = await sealingKey(name)
  if (!key) return
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(JSON.stringify(value)))
  await keep(name, { iv, bytes } satisfies Sealed)
}

/** The value kept so; undefined where there is none, or none that this key opens. */
export async function sealedOf<T>(name: string): Promise<T | undefined> {
  const [key, kept] = await Promise.all([keptOf<CryptoKey>(keyOf(name)), keptOf<Sealed>(name)])
  if (!key || !(kept?.bytes instanceof ArrayBuffer)) return undefined
  try {
    const bytes = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: kept.iv }, key, kept.bytes)
    return JSON.parse(new TextDecoder().decode(bytes)) as T
  } catch {
    return undefined
  }
}

/** Forget the value and the key: nobody can open what a copy of the store still holds. */
export async function dropSealed(name: string): Promise<void> {
  const change = (await store()).transaction('kept', 'readwrite')
  await Promise.all([change.store.delete(name), change.store.delete(keyOf(name)), change.done])
}
