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

/** What 6.3.7.1 asks for, as the sealed document holds it; the rest of it is in the download. */
export type Document = Readonly<{
  no: string
  raisedAt: string
  kind: string
  category: string | null
  place: Readonly<{ address: string; datum?: string; lat?: number; lon?: number }>
  measures: readonly Readonly<{ at: string; by: string; fact: Readonly<Record<string, unknown>> & { type: string } }>[]
  releasedAt: string | null
}>
export type SealedRecord = Readonly<{ document: Document; format: string; previous: string; sealedAt: string; sha256: string }>

/** `unproven`: this page may not hash (no secure context), or the file has a form it does not know. */
export type Verdict = 'verified' | 'broken' | 'unproven'

export const FORMAT = 'jiean-archive/1'
const HASHED = ['document', 'format', 'previous', 'sealedAt'] as const

/**
 * Read and check one sealed file. `record` is null when the text is no record at all.
 * The whole file must be in its canonical form, so that not one byte of it can differ unseen.
 */
export async function open(text: string): Promise<{ record: SealedRecord | null; verdict: Verdict }> {
  let record: SealedRecord
  try {
    record = JSON.parse(text) as SealedRecord
  } catch {
    return { record: null, verdict: 'broken' }
  }
  if (record === null || typeof record !== 'object' || typeof record.document !== 'object') return { record: null, verdict: 'broken' }
  if (record.format !== FORMAT || !globalThis.crypto?.subtle) return { record, verdict: 'unproven' }
  if (canonical(record) !== text.replace(/\n$/, '')) return { record, verdict: 'broken' }
  const sealed = canonical(Object.fromEntries(HASHED.map((name) => [name, record[name]])))
  return { record, verdict: (await sha256(sealed)) === record.sha256 ? 'verified' : 'broken' }
}
