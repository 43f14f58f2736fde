/** The desk's bell: rings while an alert waits for a person, and says when it cannot be heard. */
import { reactive } from 'vue'
import { Siren } from '../alarm/siren'
import type { BoardRow, Urgency } from '../wire/types'

export const bell = reactive({ state: 'locked' as 'locked' | 'on', ringing: false })

let urgency: Urgency | null = null
/** The system may take the sound away (a call, another app): then the header turns red again. */
const siren = new Siren(() => {
  bell.state = siren.ready ? 'on' : 'locked'
  bell.ringing = urgency !== null && siren.ready
})

/** Browsers let a page sound only after a touch; this is that touch. */
export const unlock = (): Promise<boolean> => siren.unlock()

/** Ring for what is unclaimed, as urgently as the most urgent of it; stop for an empty list. */
export function ring(rows: readonly BoardRow[]): void {
  const next = (['emergency', 'notice', 'info'] as const).find((u) => rows.some((r) => r.urgency === u)) ?? null
  if (next !== urgency) {
    urgency = next
    siren.stop()
    if (next) siren.start(next)
  }
  bell.ringing = urgency !== null && siren.ready
}
