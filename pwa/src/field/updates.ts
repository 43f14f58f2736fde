import { isBusy } from '../sync/snapshot'
import { updateWaiting } from './phone'

/**
 * Register the worker and let a new version in only when no incident is open. IndexedDB is asked,
 * not the screen: right after a reload the screen knows nothing yet.
 */
export async function watchUpdates(): Promise<void> {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  const had = Boolean(navigator.serviceWorker.controller)
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // the first worker changes nothing; a later one brings new code, which needs a new page
    if (had) void isBusy().then((busy) => busy || location.reload())
  })
  try {
    const registration = await navigator.serviceWorker.register('/sw.js', { scope: '/' })
    const look = async (): Promise<void> => {
      updateWaiting.value = registration.waiting !== null
      if (registration.waiting && !(await isBusy())) registration.waiting?.postMessage({ t: 'update' })
    }
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', () => void look()))
    setInterval(() => void look(), 20_000)
    setInterval(() => void registration.update().catch(() => undefined), 30 * 60_000)
    await look()
  } catch {
    // without a worker the app still works while it is open
  }
}
