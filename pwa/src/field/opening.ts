import { computed } from 'vue'
import { now } from '../kit/clock'
import { heardAt, live } from './phone'

/** As long as a quiet line counts as alive; see ``reachable``. */
const PATIENCE_MS = 12_000
const openedAt = now.value

/** Just opened and nothing heard yet: neither connected nor without a network. */
export const connecting = computed(() => !live.value && heardAt.value === 0 && now.value - openedAt < PATIENCE_MS)
