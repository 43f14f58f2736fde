import { get, post } from '../wire/api'

/** Why web push is or is not there, in codes the screen puts into words. */
export type PushState = 'on' | 'unsupported' | 'needs-install' | 'denied' | 'not-asked' | 'no-service' | 'no-server'

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => {
  const plain = atob(base64.replace(/-/g, '+').replace(/_/g, '/') + '='.repeat((4 - (base64.length % 4)) % 4))
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0))
}

const isApple = (): boolean => /iP(hone|ad|od)/.test(navigator.userAgent)
const isInstalled = (): boolean => matchMedia('(display-mode: standalone)').matches

/** Ask for notifications (inside a tap) and subscribe this device. Never throws. */
export async function subscribe(deviceId: string): Promise<PushState> {
  if (!('serviceWorker' in navigator) || !('Notification' in window)) return isApple() && !isInstalled() ? 'needs-install' : 'unsupported'
  const permission = Notification.permission === 'default' ? await Notification.requestPermission() : Notification.permission
  if (permission === 'denied') return 'denied'
  if (permission !== 'granted') return 'not-asked'
  let key: string
  try {
    key = (await get<{ key: string }>('/api/push/key')).key
  } catch {
    return 'no-server'
  }
  try {
    const registration = await navigator.serviceWorker.ready
    if (!('pushManager' in registration)) return 'unsupported'
    const before = await registration.pushManager.getSubscription()
    const kept = before ?? (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) }))
    const { endpoint, keys } = kept.toJSON()
    await post('/api/push/subscriptions', { endpoint, keys, deviceId })
    return 'on'
  } catch {
    return 'no-service'
  }
}

/** Keep the screen on while on duty. A browser lets go of it when the app is not in front. */
export class Awake {
  private lock: WakeLockSentinel | null = null
  private wanted = false

  /** ``changed`` is told whether the screen stays on, each time that becomes another. */
  constructor(private readonly changed: (held: boolean) => void = () => undefined) {}

  async hold(): Promise<boolean> {
    this.wanted = true
    if (this.lock && !this.lock.released) return true
    try {
      const lock = (await navigator.wakeLock?.request('screen')) ?? null
      lock?.addEventListener('release', () => this.changed(false))
      this.lock = lock
      if (!this.wanted) void lock?.release()
    } catch {
      this.lock = null
    }
    this.changed(this.lock !== null && !this.lock.released)
    return this.lock !== null
  }

  release(): void {
    this.wanted = false
    void this.lock?.release()
    this.lock = null
    this.changed(false)
  }
}
