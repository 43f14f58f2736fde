/**
 * New versions of the app. One is let in only when no incident is open, and never under somebody's
 * hands. IndexedDB is asked, not the screen: right after a reload the screen knows nothing yet.
 */
import { ref } from 'vue'
import { isBusy } from '../sync/snapshot'

/** A new version is on this phone and waits. */
export const updateWaiting = ref(false)

const LOOK_MS = 20_000
const ASK_MS = 30 * 60_000
let registration: ServiceWorkerRegistration | undefined
/** The new worker holds already, and this page still runs the old code. */
let behind = false

/** Somebody writes, or was asked something. */
const inHand = (): boolean => document.querySelector('dialog[open]') !== null || (document.activeElement?.matches('input, textarea, select') ?? false)

/** Take the new version where there is one, if nothing is open. */
export async function letUpdateIn(): Promise<void> {
  updateWaiting.value = behind || (registration?.waiting ?? null) !== null
  if (!updateWaiting.value || (await isBusy().catch(() => true)) || inHand()) return
  if (behind) location.reload()
  else registration?.waiting?.postMessage({ t: 'update' })
}

/** Register the worker, and look for new versions as long as the app is open. */
export async function watchUpdates(): Promise<void> {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  let held = Boolean(navigator.serviceWorker.controller)
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // the first worker changes nothing; a later one brings new code, which needs a new page
    behind = held
    held = true
    void letUpdateIn()
  })
  try {
    const found = await navigator.serviceWorker.register('/sw.js', { scope: '/' })
    registration = found
    found.addEventListener('updatefound', () => found.installing?.addEventListener('statechange', () => void letUpdateIn()))
    setInterval(() => void letUpdateIn(), LOOK_MS)
    setInterval(() => void found.update().catch(() => undefined), ASK_MS)
    await letUpdateIn()
  } catch {
    // without a worker the app still works while it is open
  }
}
