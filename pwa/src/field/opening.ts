import { computed } from 'vue'
import { now } from '../kit/clock'
import { heardAt, home, live } from './phone'

/** As long as a quiet line counts as alive; see ``reachable``. */
const PATIENCE_MS = 12_000
const openedAt = now.value
const justOpened = computed(() => now.value - openedAt < PATIENCE_MS)

/** Just opened and nothing heard yet: neither connected nor without a network. */
export const connecting = computed(() => !live.value && heardAt.value === 0 && justOpened.value)

/**
 * Just opened and no picture yet. The service may have been heard already: nothing may be offered
 * to tap that the picture, a moment later, takes away again.
 */
export const opening = computed(() => !home.value && justOpened.value)
