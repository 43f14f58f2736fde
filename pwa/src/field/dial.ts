import { ref } from 'vue'
import { now } from '../kit/clock'
import type { Uuid } from '../wire/types'
import { incidents, self, tell } from './phone'
import { noSparks } from './steps'

/** A call that waits until the person is outside; null: none. */
export const held = ref<{ number: string; incidentId: Uuid } | null>(null)

/** The incident in whose gas I stand, as far as this phone knows; null: none. */
export function inGas(): Uuid | null {
  const { staffId } = self.value
  return incidents.value.find((view) => staffId && view.entered.includes(staffId) && noSparks(view, now.value))?.id ?? null
}

/** Open the phone's dialler, now and without asking any network; among gas only outside (T42). */
export function dial(number: string, gas = inGas()): void {
  if (gas) {
    held.value = { number, incidentId: gas }
    return
  }
  const link = document.createElement('a')
  link.href = `tel:${number}`
  link.click()
}

/** I am outside: that is written down, and the call goes. */
export function callOutside(): void {
  const wait = held.value
  if (!wait) return
  held.value = null
  void tell(wait.incidentId, { name: 'leave_scene' })
  dial(wait.number, null)
}

export function dialEmergency(number: '119' | '120' | '110', incidentId: Uuid | null): void {
  if (incidentId) void tell(incidentId, { name: 'log_emergency_call', number, result: 'dialled' })
  dial(number)
}
