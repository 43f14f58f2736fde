/** Where the phone is: watched on duty, told to the server when it moved or every 20 seconds. */
import { ref, shallowRef } from 'vue'
import { correctedNow } from '../kit/clock'
import type { Position } from '../wire/types'
import { beat, startBeating, stopBeating } from './heartbeat'

/** A plain object, not a reactive one: it is written into the store with each command. */
export const fix = shallowRef<Position | null>(null)
/** Why there is no position: denied by the person, or not found by the phone. */
export const fixTrouble = ref<'denied' | 'none' | null>(null)

let watching: number | undefined
let toldAt = 0
let told: Position | null = null

/** The position to put on a command: only a fresh one. */
export function fixOf(): Position | null {
  return fix.value && correctedNow() - Date.parse(fix.value.at) < 180_000 ? fix.value : null
}

/** Metres between two near positions (WGS-84 degrees), good to a per cent within a town. */
export function metresBetween(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  const north = (a.lat - b.lat) * 111_195
  const east = (a.lon - b.lon) * 111_195 * Math.cos(((a.lat + b.lat) * Math.PI) / 360)
  return Math.hypot(north, east)
}

export function startPosition(): void {
  startBeating()
  if (watching !== undefined || !navigator.geolocation) return
  watching = navigator.geolocation.watchPosition(
    ({ coords, timestamp }) => {
      fixTrouble.value = null
      // the fix carries the phone's clock; it is stamped with the corrected one
      const age = Math.max(0, Date.now() - timestamp)
      fix.value = { lat: coords.latitude, lon: coords.longitude, accuracyM: coords.accuracy, at: new Date(correctedNow() - Math.min(age, 3_600_000)).toISOString() }
      void report()
    },
    (error) => {
      // some phones report "unavailable" once before every good fix
      if (error.code === error.PERMISSION_DENIED) fixTrouble.value = 'denied'
      else if (!fix.value) fixTrouble.value = 'none'
    },
    { enableHighAccuracy: true, maximumAge: 5_000 },
  )
}

/** Has somebody taken the permission away, or given it back? Then the watch begins anew. */
export async function positionAllowed(): Promise<void> {
  const state = (await navigator.permissions?.query({ name: 'geolocation' }).catch(() => null))?.state
  if (state === 'denied') fixTrouble.value = 'denied'
  else if (fixTrouble.value === 'denied') {
    fixTrouble.value = null
    stopPosition()
    startPosition()
  }
}

export function stopPosition(): void {
  stopBeating()
  if (watching !== undefined) navigator.geolocation.clearWatch(watching)
  watching = undefined
}

async function report(): Promise<void> {
  const at = correctedNow()
  const here = fix.value
  if (!here || (at - toldAt < 20_000 && told && metresBetween(told, here) < 15)) return
  toldAt = at
  told = here
  try {
    await beat(here)
  } catch {
    toldAt = 0 // said again with the next fix
  }
}
