/** Photographs: kept by their hash at the shutter, uploaded after the words, previews first. */
import { Problem, request } from '../wire/api'
import { keep, keptOf, store, type Evidence } from './store'

/** ▲ Larger files go up in parts of this size, so that a torn line costs little. */
export const PART = 512 * 1024
const ASKED = 'send-originals'
const TWO_DAYS = 172_800_000

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

/** What a browser may say of its network; most of Safari and Firefox say nothing. */
export interface Connection { saveData?: boolean; effectiveType?: string; type?: string }

/** May originals go up now? Not on a line so thin, or so dear, that words would wait for them. */
export function originalsGo(connection: Connection | undefined, asked: boolean): boolean {
  if (asked || !connection || ['wifi', 'ethernet'].includes(connection.type ?? '')) return true
  return !connection.saveData && !['slow-2g', '2g'].includes(connection.effectiveType ?? '')
}
export const connection = (): (Connection & Partial<EventTarget>) | undefined => (globalThis.navigator as { connection?: Connection & Partial<EventTarget> } | undefined)?.connection

/** The person wants the originals sent, whatever the network costs; until all of them are. */
export const askForOriginals = (): Promise<void> => keep(ASKED, true)
export const originalsAllowed = async (): Promise<boolean> => originalsGo(connection(), (await keptOf<boolean>(ASKED)) === true)

/** The order of uploading: previews, then the rest, smallest first, so that a weak network still carries something. */
export const uploadOrder = (files: readonly Evidence[], originals = true): Evidence[] =>
  files
    .filter((file) => file.state === 'saved' && (originals || file.role === 'preview'))
    .sort((a, b) => Number(a.role !== 'preview') - Number(b.role !== 'preview') || a.size - b.size || a.sha256.localeCompare(b.sha256))

/**
 * Upload what waits. Stops at the first missing answer; a file the server refuses is kept and
 * shown, and the others go on. Uploading the same file again is harmless.
 *
 * @returns ``done`` also when only originals are left that wait for a better network.
 */
export async function uploadAll(told: () => void = () => undefined): Promise<'done' | 'retry' | 'signin'> {
  for (;;) {
    const [file] = uploadOrder(await allEvidence(), await originalsAllowed())
    if (!file) {
      if (!uploadOrder(await allEvidence()).length) await keep(ASKED, undefined)
      return 'done'
    }
    let next: Evidence
    try {
      await upload(file)
      next = { ...file, state: 'accepted', acceptedAt: Date.now() }
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500 || [408, 425, 429].includes(error.status)) return 'retry'
      if (error.status === 401) return 'signin'
      next = { ...file, state: 'refused', problem: error.slug }
    }
    await (await store()).put('evidence', next)
    told()
  }
}

const put = (file: Evidence, body: Blob | undefined, range?: string): Promise<Response> =>
  request(`/api/evidence/${file.sha256}`, {
    method: 'PUT', body, headers: { 'Content-Type': file.mime, ...(range ? { 'Content-Range': `bytes ${range}/${file.size}` } : {}) }, timeoutMs: 60_000,
  })

/** In one piece, or in parts that go on where the last attempt ended. */
async function upload(file: Evidence): Promise<void> {
  if (file.size <= PART) {
    await put(file, file.bytes)
    return
  }
  let here = file.begun ? await received(await put(file, undefined, '*')) : 0
  if (!file.begun) await (await store()).put('evidence', { ...file, begun: true })
  while (here !== null && here < file.size) {
    const end = Math.min(file.size, here + PART)
    const now = await received(await put(file, file.bytes.slice(here, end, file.mime), `${here}-${end - 1}`))
    if (now !== null && now === here) throw new Error('no progress')
    here = now
  }
}

/** Bytes that the server has; null when the whole file is there. */
async function received(answer: Response): Promise<number | null> {
  if (answer.status !== 202) return null
  return ((await answer.json()) as { received: number }).received
}

/**
 * What the server has makes way: after two days, or at once where room is short. The small
 * preview stays for the screen.
 */
export async function tidyEvidence(nowMs: number, short: boolean): Promise<void> {
  const change = (await store()).transaction('evidence', 'readwrite')
  for (const file of await change.store.getAll()) {
    const old = nowMs - (file.acceptedAt ?? nowMs) > TWO_DAYS
    if (file.state === 'accepted' && file.role !== 'preview' && file.bytes.size > 0 && (old || short)) await change.store.put({ ...file, bytes: new Blob([], { type: file.mime }) })
  }
  await change.done
}
