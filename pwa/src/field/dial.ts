import type { Uuid } from '../wire/types'
import { tell } from './phone'

/** Open the phone's dialler, now and without asking any network; the log entry follows by itself. */
export function dial(number: string): void {
  const link = document.createElement('a')
  link.href = `tel:${number}`
  link.click()
}

export function dialEmergency(number: '119' | '120' | '110', incidentId: Uuid | null): void {
  if (incidentId) void tell(incidentId, { name: 'log_emergency_call', number, result: 'dialled' })
  dial(number)
}
