/**
 * The screens of an incident, and what else is not on the first screen, are a file of their own, so that an alarm is on the screen before
 * they have come. They are fetched at every start, long before anybody can need them, and stay in
 * memory: neither a lost network nor an update can take them away.
 */
import { shallowRef, type Component } from 'vue'

const AGAIN_MS = 2_000

export const Incident = shallowRef<Component | null>(null)
export const MoveCard = shallowRef<Component | null>(null)
export const ShiftOver = shallowRef<Component | null>(null)
export const OutboxSheet = shallowRef<Component | null>(null)
let loading: Promise<void> | undefined

export function loadIncident(): Promise<void> {
  loading ??= import('../rest').then(
    (rest) => {
      Incident.value = rest.Incident
      OutboxSheet.value = rest.OutboxSheet
      MoveCard.value = rest.MoveCard
      ShiftOver.value = rest.ShiftOver
    },
    () => {
      loading = undefined
      setTimeout(() => void loadIncident(), AGAIN_MS)
    },
  )
  return loading
}
