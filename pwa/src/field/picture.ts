/**
 * A photograph as evidence: the untouched bytes hashed at the shutter, and a copy for reading with
 * time, place, incident number and name burnt in. Both are kept before anything is sent.
 */
import { kindWord } from '../rulebook'
import { keepEvidence, sha256 } from '../sync/evidence'
import { trustedNow } from '../sync/outbox'
import type { IncidentView } from '../wire/types'
import { refreshPhotos, self, tell } from './phone'
import { fixOf } from './position'

const LARGEST = 12_000_000
const SIDE = 1600
const SENT_AS_THEY_ARE = new Set(['image/jpeg', 'image/png', 'image/webp'])

const two = (n: number): string => String(n).padStart(2, '0')
const stamp = (ms: number): string => {
  const d = new Date(ms)
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

/**
 * Keep one picture of an incident and say so.
 *
 * @returns the hash of the untouched bytes, which every later statement names.
 * @throws RangeError when it is larger than the service takes; any other error when it is no picture.
 */
export async function keepPicture(view: IncidentView, taken: Blob, caption: string): Promise<string> {
  const at = await trustedNow()
  const takenAt = new Date(at).toISOString()
  const bitmap = await createImageBitmap(taken, { imageOrientation: 'from-image' })
  const clean = SENT_AS_THEY_ARE.has(taken.type) ? taken : await draw(bitmap, Math.max(bitmap.width, bitmap.height), [])
  if (clean.size > LARGEST) throw new RangeError('too large')
  const lines = [`${stamp(at)}  ${view.no}`, view.place.address, `${self.value.name} · ${kindWord(view.kind)}${caption ? ` · ${caption}` : ''}${view.handling === 'actual' ? '' : ' · 演练'}`]
  const burnt = await draw(bitmap, SIDE, lines)
  bitmap.close()
  const [cleanHash, burntHash] = await Promise.all([sha256(clean), sha256(burnt)])
  const common = { incidentId: view.id, takenAt, caption, state: 'saved', problem: null } as const
  await keepEvidence({ ...common, sha256: cleanHash, role: 'clean', bytes: clean, size: clean.size, mime: clean.type })
  await keepEvidence({ ...common, sha256: burntHash, role: 'burnt', bytes: burnt, size: burnt.size, mime: burnt.type })
  await tell(view.id, { name: 'photo', sha256: cleanHash, takenAt, caption, burntSha256: burntHash, position: fixOf() })
  await refreshPhotos()
  return cleanHash
}

async function draw(bitmap: ImageBitmap, side: number, lines: readonly string[]): Promise<Blob> {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(bitmap.width * scale)
  canvas.height = Math.round(bitmap.height * scale)
  const pen = canvas.getContext('2d')
  if (!pen) throw new Error('no canvas')
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  if (lines.length) {
    const size = Math.max(18, Math.round(canvas.width / 38))
    const band = Math.round(size * 1.5 * lines.length + size)
    pen.fillStyle = 'rgb(0 0 0 / 62%)'
    pen.fillRect(0, canvas.height - band, canvas.width, band)
    pen.fillStyle = 'rgb(255 255 255)'
    pen.font = `600 ${size}px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif`
    pen.textBaseline = 'top'
    lines.forEach((line, at) => pen.fillText(line, size, canvas.height - band + size * 0.6 + at * size * 1.5, canvas.width - 2 * size))
  }
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('no picture'))), 'image/jpeg', 0.85))
}
