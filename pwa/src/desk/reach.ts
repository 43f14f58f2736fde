/** Who can be reached, for the crew's numbers and the queue's foot; asked for now and then. */
import { ref, shallowRef } from 'vue'
import type { FaultCounts } from '../manage/faults/types'
import type { ReachBoard, Reachable, ReachCounts } from '../reach/types'
import { get } from '../wire/api'
import type { Uuid } from '../wire/types'

const EVERY_MS = 10_000
export const counts = ref<ReachCounts | null>(null)
/** Detectors that say nothing: a blind street must be seen by whoever watches. */
export const faults = ref<FaultCounts | null>(null)
export const reached = shallowRef<ReadonlyMap<Uuid, Reachable>>(new Map())
export const below = ref(40)
/** The lead's page: shut, open, or open at one of its tabs. */
export const managing = ref<boolean | 'roster' | 'inspection' | 'reach' | 'delivery' | 'faults' | 'devices'>(false)

let watching = false

export function watchReach(): void {
  if (watching) return
  watching = true
  void pull()
}

/** What cannot be had now is asked for again; the last answer stays. */
async function pull(): Promise<void> {
  await get<ReachCounts>('/api/reach/counts').then((found) => (counts.value = found)).catch(() => undefined)
  await get<FaultCounts>('/api/faults/counts').then((found) => (faults.value = found)).catch(() => undefined)
  await get<ReachBoard>('/api/reach').then((found) => {
    reached.value = new Map(found.people.map((one) => [one.staffId, one]))
    below.value = found.below
  }).catch(() => undefined)
  setTimeout(() => void pull(), EVERY_MS)
}
