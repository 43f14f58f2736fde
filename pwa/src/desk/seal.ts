/** Checking a sealed record in the browser: RFC 8785 text, SHA-256. The server is not asked to vouch. */

/** The RFC 8785 form of a JSON value. JavaScript's own number form is the one the RFC prescribes. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value as Record<string, unknown>)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

export async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
}

/** `unproven`: this page may not hash (no secure context), or the file has a form it does not know. */
export type Verdict = 'verified' | 'broken' | 'unproven'

/** A sealed file: `record` is what was sealed, `seal` names its hash and the one before. */
export type SealedFile = Readonly<{
  record: Readonly<Record<string, unknown>>
  seal: Readonly<{ sha256: string; previous: string; sealedAt?: string; [more: string]: unknown }>
}>

export async function verify(file: SealedFile): Promise<Verdict> {
  if (!globalThis.crypto?.subtle || !file.record || !file.seal?.sha256) return 'unproven'
  const got = await sha256(canonical({ previous: file.seal.previous, record: file.record }))
  return got === file.seal.sha256 ? 'verified' : 'broken'
}
