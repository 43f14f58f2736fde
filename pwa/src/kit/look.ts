import { ref, watchEffect } from 'vue'

/** How the app looks: ``auto`` follows the system, the others were chosen on this device. */
export type Look = 'auto' | 'day' | 'night' | 'sunlight'

const KEY = 'jiean.look'
const LOOKS: readonly Look[] = ['auto', 'day', 'night', 'sunlight']

function remembered(): Look {
  try {
    const kept = localStorage.getItem(KEY) as Look
    return LOOKS.includes(kept) ? kept : 'auto'
  } catch {
    return 'auto'
  }
}

export const look = ref<Look>(remembered())

/** Keep ``<html data-look>`` true to the choice and, under ``auto``, to the system. */
export function startLook(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const isDark = ref(dark.matches)
  dark.addEventListener('change', (event) => (isDark.value = event.matches))
  watchEffect(() => {
    const root = document.documentElement
    root.dataset.look = look.value === 'auto' ? (isDark.value ? 'night' : 'day') : look.value
    // the system's own bar over the page goes with it, once the styles are worked out anyway
    requestAnimationFrame(() => {
      const paper = getComputedStyle(root).getPropertyValue('--paper').trim()
      for (const meta of document.querySelectorAll('meta[name=theme-color]')) meta.setAttribute('content', paper)
    })
  })
}

export function chooseLook(next: Look): void {
  look.value = next
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // a browser that keeps nothing still shows the look until it is closed
  }
}

/** The next look in the round, for a single switch. */
export function nextLook(): void {
  chooseLook(LOOKS[(LOOKS.indexOf(look.value) + 1) % LOOKS.length] ?? 'auto')
}
