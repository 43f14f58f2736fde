/** Photographs: kept by their hash at the shutter, uploaded after the words, smallest first. */
import { Problem, request } from '../wire/api'
import { store, type Evidence } from './store'

export async function sha256(bytes: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await bytes.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export async function keepEvidence(file: Evidence): Promise<void> {
  const db = await store()
  if (!(await db.get('evidence', file.sha256))) await db.put('evidence', file)
}

export async function allEvidence(): Promise<Evidence[]> {
  return (await store()).getAll('evidence')
}

/** The order of uploading: smallest first, so that a weak network still carries something. */
export const uploadOrder = (files: readonly Evidence[]): Evidence[] =>
  files.filter((file) => file.state === 'saved').sort((a, b) => a.size - b.size || a.sha256.localeCompare(b.sha256))

/**
 * Upload what waits. Stops at the first missing answer; a file the server refuses is kept and
 * shown, and the others go on. Uploading the same file again is harmless.
 */
export async function uploadAll(told: () => void = () => undefined): Promise<'done' | 'retry' | 'signin'> {
  for (;;) {
    const [file] = uploadOrder(await allEvidence())
    if (!file) return 'done'
    let next: Evidence
    try {
      await request(`/api/evidence/${file.sha256}`, { method: 'PUT', body: file.bytes, headers: { 'Content-Type': file.mime }, timeoutMs: 60_000 })
      next = { ...file, state: 'accepted' }
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500 || [408, 425, 429].includes(error.status)) return 'retry'
      if (error.status === 401) return 'signin'
      next = { ...file, state: 'refused', problem: error.slug }
    }
    await (await store()).put('evidence', next)
    told()
  }
}
