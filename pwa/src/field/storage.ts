/** How much room the phone has left, as the screens show it. */
import { ref } from 'vue'
import { tidyEvidence } from '../sync/evidence'
import { estimate, keepBallast, roomOf, type Room } from '../sync/room'

export const room = ref<Room>('ok')
/** Photographs cut off earlier that could not be brought to their end: shown until they are. */
export const unfinished = ref(0)

/** Look, and let what the server has make way where room is short. */
export async function makeRoom(): Promise<void> {
  room.value = roomOf(await estimate())
  if (room.value === 'ok') return
  await tidyEvidence(Date.now(), true).catch(() => undefined)
  room.value = roomOf(await estimate())
}

const EVERY_MS = 60_000

export async function watchRoom(): Promise<void> {
  await tidyEvidence(Date.now(), false).catch(() => undefined)
  await makeRoom()
  await keepBallast()
  setInterval(() => void makeRoom(), EVERY_MS)
}
