/**
 * A photograph as evidence: the untouched bytes, a copy for reading with time, place, incident
 * number and name burnt in, and that copy made small, which goes up first.
 */
import { clockNow } from '../sync/outbox'
import { isFull } from '../sync/room'
import { develop, forget, press, recover, type Copies, type Measured, type Shot } from '../sync/shot'
import { uuid7 } from '../sync/uuid7'
import { deviceId } from '../wire/session'
import { refreshPhotos, self, tell } from './phone'
import { fixOf } from './position'
import { lines, type Pictured } from './stamp'
import { makeRoom, room, unfinished, watchRoom } from './storage'

const LARGEST = 12_000_000
const SIDE = 1600
const SMALL_SIDE = 640
const SMALL_BYTES = 60_000
const SENT_AS_THEY_ARE = new Set(['image/jpeg', 'image/png', 'image/webp'])
/** ▲ What a photograph is reduced to where the disk is nearly full: longest side and quality. */
const REDUCED = [[1600, 0.7], [1024, 0.6]] as const

/**
 * Keep one picture of an incident and say so. From the first line on it outlives the app.
 *
 * @returns the hash of the untouched bytes, which every later statement names.
 * @throws RangeError when it is larger than the service takes; a QuotaExceededError when even a
 *   reduced one finds no room; any other error when it is no picture.
 */
export async function keepPicture(view: Pictured, taken: Blob, caption: string, measured: Measured | null = null): Promise<string> {
  if (taken.size > LARGEST) throw new RangeError('too large')
  const clock = await clockNow()
  const position = fixOf()
  const shot: Shot = {
    ...clock, id: uuid7(clock.wallMs), incidentId: view.id, deviceId: deviceId(), by: self.value.id, position: position && { ...position },
    // a copy: what a screen hands in may be reactive and impossible to store
    caption, lines: lines(view, self.value.name, caption, clock, position), measured: JSON.parse(JSON.stringify(measured)) as Measured | null, ...(view.as ? { as: { ...view.as } } : {}), taken, command: null,
  }
  await kept(shot)
  try {
    return await finish(shot)
  } catch (error) {
    // what is no picture was never evidence; anything else is brought to its end at the next start
    if (error instanceof NoPicture) await forget(shot.id)
    throw error
  }
}

/** The bytes are no picture that this browser reads. */
export class NoPicture extends Error {}

/** Write the shot down, reduced where the disk is nearly full. */
async function kept(shot: Shot): Promise<void> {
  await makeRoom()
  const sizes = room.value === 'full' ? REDUCED : [null, ...REDUCED]
  for (const [at, size] of sizes.entries()) {
    try {
      await press(size ? { ...shot, taken: await reduced(shot.taken, size[0], size[1]) } : shot)
      return
    } catch (error) {
      if (!isFull(error) || at === sizes.length - 1) throw error
    }
  }
}

async function finish(shot: Shot): Promise<string> {
  const command = await develop(shot, darkroom)
  if (await tell(shot.incidentId, command, shot.id)) await forget(shot.id)
  await refreshPhotos()
  return String(command.sha256)
}

/** What the last run of the app did not finish. */
export async function recoverPictures(): Promise<void> {
  unfinished.value = await recover(darkroom, (shot, command) => tell(shot.incidentId, command, shot.id))
  await refreshPhotos()
}

/** At the start of the app. */
export async function startPictures(): Promise<void> {
  await recoverPictures().catch(() => undefined)
  await watchRoom()
}

async function opened(taken: Blob): Promise<ImageBitmap> {
  return createImageBitmap(taken, { imageOrientation: 'from-image' }).catch(() => {
    throw new NoPicture()
  })
}

async function darkroom(shot: Shot): Promise<Copies> {
  const bitmap = await opened(shot.taken)
  const { width, height } = bitmap
  const clean = SENT_AS_THEY_ARE.has(shot.taken.type) ? shot.taken : await encoded(draw(bitmap, Math.max(width, height)), 'image/jpeg', 0.9)
  const copy = draw(bitmap, SIDE)
  bitmap.close()
  if (shot.measured) mark(copy, shot.measured)
  burn(copy, shot.lines)
  const burnt = await encoded(copy, 'image/jpeg', 0.85)
  return { clean, burnt, preview: await preview(copy), width, height }
}

async function reduced(taken: Blob, side: number, quality: number): Promise<Blob> {
  const bitmap = await opened(taken)
  const small = await encoded(draw(bitmap, side), 'image/jpeg', quality)
  bitmap.close()
  return small
}

/** Some 30 to 60 kB; WebP where the browser writes it. */
async function preview(copy: HTMLCanvasElement): Promise<Blob> {
  const small = draw(copy, SMALL_SIDE)
  let made: Blob | null = null
  for (const quality of [0.75, 0.55, 0.35]) {
    made = await encoded(small, 'image/webp', quality)
    if (made.type !== 'image/webp') made = await encoded(small, 'image/jpeg', quality)
    if (made.size <= SMALL_BYTES) break
  }
  return made as Blob
}

function draw(source: ImageBitmap | HTMLCanvasElement, side: number): HTMLCanvasElement {
  const scale = Math.min(1, side / Math.max(source.width, source.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(source.width * scale)
  canvas.height = Math.round(source.height * scale)
  const pen = penOf(canvas)
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(source, 0, 0, canvas.width, canvas.height)
  return canvas
}

function penOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const pen = canvas.getContext('2d')
  if (!pen) throw new Error('no canvas')
  return pen
}

const FONT = 'system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif'

function burn(canvas: HTMLCanvasElement, said: readonly string[]): void {
  const pen = penOf(canvas)
  // still read in the preview, which is a third as wide
  const size = Math.max(18, Math.round(canvas.width / 36))
  const band = Math.round(size * 1.5 * said.length + size)
  pen.fillStyle = 'rgb(0 0 0 / 62%)'
  pen.fillRect(0, canvas.height - band, canvas.width, band)
  pen.fillStyle = 'rgb(255 255 255)'
  pen.font = `600 ${size}px ${FONT}`
  pen.textBaseline = 'top'
  said.forEach((line, at) => pen.fillText(line, size, canvas.height - band + size * 0.6 + at * size * 1.5, canvas.width - 2 * size))
}

/** The two measured lengths, so that a reader can judge them. */
function mark(canvas: HTMLCanvasElement, { from, to, referenceFrom, referenceTo, mm, referenceMm, reference }: Measured): void {
  const pen = penOf(canvas)
  const size = Math.max(18, Math.round(canvas.width / 36))
  pen.font = `600 ${size}px ${FONT}`
  pen.textBaseline = 'bottom'
  for (const [a, b, text, colour] of [[referenceFrom, referenceTo, `${reference} ${referenceMm} mm`, 'rgb(255 214 10)'], [from, to, `${mm.toFixed(1)} mm`, 'rgb(255 69 58)']] as const) {
    const [x1, y1, x2, y2] = [a[0] * canvas.width, a[1] * canvas.height, b[0] * canvas.width, b[1] * canvas.height]
    for (const [style, width] of [['rgb(0 0 0 / 70%)', size / 3], [colour, size / 7]] as const) {
      pen.strokeStyle = style
      pen.lineWidth = width
      pen.beginPath()
      pen.moveTo(x1, y1)
      pen.lineTo(x2, y2)
      pen.stroke()
    }
    const wide = pen.measureText(text).width
    const x = Math.min(Math.max(0, Math.max(x1, x2) + size / 2), canvas.width - wide)
    const y = Math.max(size, Math.min(y1, y2))
    pen.lineWidth = size / 4
    pen.strokeStyle = 'rgb(0 0 0 / 70%)'
    pen.strokeText(text, x, y)
    pen.fillStyle = colour
    pen.fillText(text, x, y)
  }
}

const encoded = (canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob> =>
  new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('no picture'))), type, quality))
