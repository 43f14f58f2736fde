/** The desk's bell: rings while an alert waits for a person, and says when it cannot be heard. */
import { reactive } from 'vue'
import type { BoardRow } from '../wire/types'

export const bell = reactive({ state: 'locked' as 'locked' | 'on', ringing: false })

type Note = readonly [hz: number, atS: number, forS: number]
/** Two-tone for emergencies, a single soft one for the rest; the loop's length in seconds. */
const TUNES: Record<'emergency' | 'other', { notes: readonly Note[]; everyS: number }> = {
  emergency: { notes: [[880, 0, 0.22], [660, 0.26, 0.22], [880, 0.52, 0.22], [660, 0.78, 0.22]], everyS: 1.6 },
  other: { notes: [[660, 0, 0.18], [784, 0.22, 0.3]], everyS: 4 },
}

let audio: AudioContext | null = null
let loop: ReturnType<typeof setInterval> | undefined
let tune: keyof typeof TUNES | null = null

/** Browsers let a page sound only after a touch; this is that touch. */
export async function unlock(): Promise<void> {
  audio ??= new AudioContext()
  audio.onstatechange = settle
  await audio.resume().catch(() => undefined)
  settle()
  if (bell.state === 'on' && !bell.ringing) play('other')
}

/** The system may take the sound away (a call, another app): then the header turns red again. */
function settle(): void {
  bell.state = audio?.state === 'running' ? 'on' : 'locked'
  bell.ringing = tune !== null && bell.state === 'on'
}

/** Ring for what is unclaimed, stop for an empty list. */
export function ring(rows: readonly BoardRow[]): void {
  const next = !rows.length ? null : rows.some((r) => r.urgency === 'emergency') ? 'emergency' : 'other'
  if (next !== tune) {
    clearInterval(loop)
    tune = next
    if (next) {
      play(next)
      loop = setInterval(() => play(next), TUNES[next].everyS * 1000)
    }
  }
  settle()
}

function play(name: keyof typeof TUNES): void {
  if (!audio || audio.state !== 'running') return
  for (const [hz, at, length] of TUNES[name].notes) {
    const start = audio.currentTime + at
    const tone = audio.createOscillator()
    const volume = audio.createGain()
    tone.frequency.value = hz
    tone.type = 'triangle'
    volume.gain.setValueAtTime(0, start)
    volume.gain.linearRampToValueAtTime(0.5, start + 0.02)
    volume.gain.setValueAtTime(0.5, start + length - 0.04)
    volume.gain.linearRampToValueAtTime(0, start + length)
    tone.connect(volume).connect(audio.destination)
    tone.start(start)
    tone.stop(start + length)
  }
}
