/**
 * Whether this phone can still wake somebody: sound, vibration, a screen that stays on, and the
 * permissions. All of it is unlocked by the duty button, and any of it can be lost later: by a
 * telephone call, by the app going into the background, in the system's settings.
 */
import { ref } from 'vue'

/** The screen does not go dark by itself. */
export const screenAwake = ref(false)
/** null where the device cannot vibrate at all, or was never asked. */
export const vibrates = ref<boolean | null>(null)

/** A short one, to feel; a browser refuses it before the first tap. */
export function tryVibration(): void {
  vibrates.value = 'vibrate' in navigator ? navigator.vibrate(60) : null
}

/** Call ``changed`` when somebody takes a permission away or gives it, wherever they do so. */
export async function watchPermissions(changed: () => void): Promise<void> {
  for (const name of ['notifications', 'geolocation'] as const) {
    const status = await navigator.permissions?.query({ name }).catch(() => null)
    status?.addEventListener('change', changed)
  }
}
