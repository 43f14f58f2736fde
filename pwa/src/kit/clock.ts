import { ref } from 'vue'

/**
 * The one clock of the screens: milliseconds since the epoch, corrected to the server's clock
 * by ``setServerNow``. Screens that count read ``now``; it moves twice a second.
 */
export const now = ref(Date.now())
let skewMs = 0

/** Measured offset of the server's clock against this device's, in milliseconds. */
export const skew = (): number => skewMs

/** Tell the clock what time the server has; ``iso`` is the server's own stamp, just received. */
export function setServerNow(iso: string): void {
  const server = Date.parse(iso)
  if (Number.isNaN(server)) return
  skewMs = server - Date.now()
  now.value = server
}

/** Milliseconds of the corrected clock, read at once and not at the last beat. */
export const correctedNow = (): number => Date.now() + skewMs

let beat: ReturnType<typeof setInterval> | undefined
export function startClock(): void {
  beat ??= setInterval(() => (now.value = correctedNow()), 500)
}
