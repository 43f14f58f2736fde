/** Whether I work on an incident, remembered where it can be read before the store opens. */
import { computed, watch } from 'vue'
import { incidents, self } from './phone'
import { current } from './steps'

const KEY = 'jiean.working'
const mine = computed(() => current(incidents.value, self.value.staffId) !== null)

export const working = (): boolean => mine.value

/** So it was when the app was closed: only a guess of what the kept picture will show. */
export function workedLast(): boolean {
  try {
    return localStorage.getItem(KEY) !== null
  } catch {
    return false // a browser that keeps nothing opens a little slower
  }
}

/** Was a round of inspection open when the app was closed? */
export function roundsOpen(): boolean {
  try {
    return localStorage.getItem('jiean.rounds') !== null
  } catch {
    return false // then the home opens, and the round is one tap away
  }
}

export function followWork(): void {
  watch(
    mine,
    (is) => {
      try {
        if (is) localStorage.setItem(KEY, '1')
        else localStorage.removeItem(KEY)
      } catch {
        // as above
      }
    },
    { immediate: true },
  )
}
