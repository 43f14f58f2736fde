/**
 * A photograph from the shutter to the outbox, in steps that may each be the last before the app is
 * killed. ``press`` writes the untouched bytes down with both clocks; ``develop`` makes the copies,
 * hashes and signs, and keeps all of it in one transaction; the command follows under the shot's
 * own id, so that saying it twice is saying it once; only then is the shot forgotten.
 */
import type { Command, Position } from '../wire/types'
import { sha256 } from './evidence'
import { canonical, signText } from './sign'
import { keep, store, type Evidence } from './store'

/** Two lengths marked in the picture, in fractions of its width and height. */
export interface Measured { mm: number; reference: string; referenceMm: number; from: [number, number]; to: [number, number]; referenceFrom: [number, number]; referenceTo: [number, number] }

export interface Clock { atMs: number; wallMs: number; elapsedMs: number | null; clock: 'server' | 'phone' }

export interface Shot extends Clock {
  /** also the id of the command that will name the photograph */
  id: string
  incidentId: string
  deviceId: string
  by: string
  position: Position | null
  caption: string
  /** what is burnt in */
  lines: string[]
  measured: Measured | null
  /** of a round of inspection: the command's own name, and what of the device it shows */
  as?: { name: string; about: string }
  taken: Blob
  /** the command, once the copies are kept */
  command: Command | null
}

export interface Copies { clean: Blob; burnt: Blob; preview: Blob; width: number; height: number }
/** Makes the copies; the only step that needs a canvas. */
export type Darkroom = (shot: Shot) => Promise<Copies>

const KEY = 'shot:'

/** The shutter: from here on the picture outlives the app. */
export const press = (shot: Shot): Promise<void> => keep(KEY + shot.id, shot)

export async function waiting(): Promise<Shot[]> {
  return (await (await store()).getAll('kept', IDBKeyRange.bound(KEY, `${KEY}\uffff`))) as Shot[]
}

export async function forget(id: string): Promise<void> {
  await (await store()).delete('kept', KEY + id)
}

/** The command that names the photograph; its copies are kept when this resolves. */
export async function develop(shot: Shot, darkroom: Darkroom): Promise<Command> {
  if (shot.command) return shot.command
  const copies = await darkroom(shot)
  const [clean, burnt, preview] = await Promise.all([sha256(copies.clean), sha256(copies.burnt), sha256(copies.preview)])
  const takenAt = new Date(shot.atMs).toISOString()
  const statement = canonical({
    v: 1, sha256: clean, burntSha256: burnt, previewSha256: preview, incidentId: shot.incidentId,
    takenAt, clock: shot.clock, phoneClock: new Date(shot.wallMs).toISOString(), elapsedMs: shot.elapsedMs,
    deviceId: shot.deviceId, by: shot.by, position: shot.position, width: copies.width, height: copies.height, measured: shot.measured,
  })
  const signature = await signText(statement).catch(() => null)
  const command: Command = {
    ...(shot.as ?? { name: 'photo' }), sha256: clean, takenAt, caption: shot.caption, burntSha256: burnt, previewSha256: preview,
    ...(signature === null ? {} : { statement, signature }),
  }
  const common = { incidentId: shot.incidentId, takenAt, caption: shot.caption, state: 'saved', problem: null } as const
  const files: Evidence[] = [
    { ...common, sha256: preview, role: 'preview', bytes: copies.preview, size: copies.preview.size, mime: copies.preview.type },
    { ...common, sha256: burnt, role: 'burnt', bytes: copies.burnt, size: copies.burnt.size, mime: copies.burnt.type },
    { ...common, sha256: clean, role: 'clean', bytes: copies.clean, size: copies.clean.size, mime: copies.clean.type },
  ]
  const change = (await store()).transaction(['evidence', 'kept'], 'readwrite')
  change.done.catch(() => undefined) // whoever waits below is told
  for (const file of files) if (!(await change.objectStore('evidence').get(file.sha256))) await change.objectStore('evidence').put(file)
  // the bytes are evidence now: the shot keeps its command only
  await change.objectStore('kept').put({ ...shot, taken: new Blob([]), command }, KEY + shot.id)
  await change.done
  return command
}

/**
 * Bring every photograph that was cut off to its end.
 *
 * @returns how many could not be: they stay, and must be shown.
 */
export async function recover(darkroom: Darkroom, say: (shot: Shot, command: Command) => Promise<object | null>): Promise<number> {
  let left = 0
  for (const shot of await waiting()) {
    try {
      if (await say(shot, await develop(shot, darkroom))) await forget(shot.id)
      else left += 1
    } catch {
      left += 1
    }
  }
  return left
}
