/**
 * The phone signs what it says. The key is made on the phone and cannot leave it; the server knows
 * the public half. Where the browser has no WebCrypto (plain http) nothing is signed, and the
 * server, which then knows no key of this phone, asks for nothing.
 */
import type { Envelope } from '../wire/types'
import { store } from './store'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
const KEY = 'signing-key'

/** JSON by RFC 8785: members in the order of their UTF-16 units, no spaces, numbers as ECMAScript writes them. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each ?? null)).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

async function keyPair(): Promise<CryptoKeyPair | undefined> {
  return (await (await store()).get('kept', KEY)) as CryptoKeyPair | undefined
}

/** This phone's public key, made now if there is none; null where the browser cannot keep one. */
export async function publicKey(): Promise<JsonWebKey | null> {
  const subtle = globalThis.crypto?.subtle
  if (!subtle) return null
  let pair = await keyPair()
  if (!pair) {
    const made = await subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
    // two windows may make one at the same moment: the first one kept is the phone's
    const change = (await store()).transaction('kept', 'readwrite')
    pair = (await change.store.get(KEY)) as CryptoKeyPair | undefined
    if (!pair) await change.store.put((pair = made), KEY)
    await change.done
  }
  return subtle.exportKey('jwk', pair.publicKey)
}

/** This phone's signature over a text; null where there is no key. */
export async function signText(text: string): Promise<string | null> {
  const pair = await keyPair()
  if (!pair) return null
  const bytes = await crypto.subtle.sign(SIGNING, pair.privateKey, new TextEncoder().encode(text))
  const encoded = btoa(String.fromCharCode(...new Uint8Array(bytes)))
  return encoded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The envelope with this phone's signature over all the rest of it; as it is where there is no key. */
export async function signed(envelope: Envelope): Promise<Envelope> {
  if (envelope.signature) return envelope
  const { signature: _, ...rest } = envelope
  const signature = await signText(canonical(rest))
  return signature === null ? envelope : { ...rest, signature }
}
