/**
 * Trusted time on a phone whose clock may be wrong: the server's last stamp, plus what passed
 * since. Pure; the phone's clocks come in as values.
 */
export interface Contact {
  /** the server's own time in its last answer, ms since the epoch */
  serverMs: number
  /** the phone's wall clock when that answer came, ms since the epoch */
  wallMs: number
  /** the phone's monotonic clock at that moment, ms since this page began; null in another page */
  monotonicMs: number | null
}

/**
 * Milliseconds since the last contact. The monotonic clock cannot be set by hand but may stop
 * while the phone sleeps; the wall clock runs in sleep but may be set. A wall clock that went
 * backwards is therefore not believed; one that ran ahead is (sleep is common, cheating is not).
 */
export function elapsedMs(contact: Contact, wallMs: number, monotonicMs: number): number {
  const wall = wallMs - contact.wallMs
  const monotonic = contact.monotonicMs === null ? 0 : monotonicMs - contact.monotonicMs
  return Math.max(0, Math.round(wall >= monotonic ? wall : monotonic))
}

/** When an envelope's command was said, by the server's clock as well as the phone knew it. */
export const saidAt = (envelope: { occurredAt: string; skewMs?: number | null }): string => new Date(Date.parse(envelope.occurredAt) + (envelope.skewMs ?? 0)).toISOString()

/** The server's time now, as well as this phone can know it. Without any contact: the wall clock. */
export function trustedMs(contact: Contact | null, wallMs: number, monotonicMs: number): number {
  return contact ? contact.serverMs + elapsedMs(contact, wallMs, monotonicMs) : wallMs
}
