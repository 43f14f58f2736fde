import { onBeforeUnmount, onMounted } from 'vue'

/**
 * Keys for the whole desk, while nobody types and no dialog is open. ``use`` says whether the key
 * was its own. Enter on a focused button stays the button's, except on a queue card, where
 * it claims.
 */
export function onKeys(use: (key: string) => boolean): void {
  const listen = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return
    const at = event.target as HTMLElement | null
    if (at?.closest('input, textarea, select, dialog')) return
    if (event.key === 'Enter' && at?.closest('button, a') && !at.closest('.queue-card')) return
    if (use(event.key)) event.preventDefault()
  }
  onMounted(() => addEventListener('keydown', listen))
  onBeforeUnmount(() => removeEventListener('keydown', listen))
}
