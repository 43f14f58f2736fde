/** A resident's answer on its way: kept on the phone until the service has answered. */
import { ref } from 'vue'
import { Problem } from '../wire/api'
import { envelope, sendCommands } from '../wire/commands'
import type { Answer, Command, Envelope } from '../wire/types'

const RETRY_MS = 3000

export type Sending = Readonly<{ envelope: Envelope; failed: boolean }>

/** ``done`` hears the answer of the service; it is called once for each answer sent. */
export function sender(token: string, done: (answer: Answer) => void) {
  const KEY = `jiean.answer.${token.slice(0, 12)}`
  const pending = ref<Sending | null>(kept())
  let timer: ReturnType<typeof setTimeout> | undefined

  function kept(): Sending | null {
    try {
      const text = localStorage.getItem(KEY)
      return text ? { envelope: JSON.parse(text) as Envelope, failed: true } : null
    } catch {
      return null
    }
  }
  function keep(e: Envelope | null): void {
    try {
      if (e) localStorage.setItem(KEY, JSON.stringify(e))
      else localStorage.removeItem(KEY)
    } catch {
      // a phone that keeps nothing still sends while the page is open
    }
  }
  async function push(): Promise<void> {
    clearTimeout(timer)
    const now = pending.value
    if (!now) return
    try {
      const [got] = await sendCommands([now.envelope], `/api/link/${encodeURIComponent(token)}/commands`)
      if (pending.value?.envelope !== now.envelope) return
      pending.value = null
      keep(null)
      if (got) done(got)
    } catch (error) {
      if (pending.value?.envelope !== now.envelope) return
      // A link or a form that will never be taken is not sent for ever; the telephone is on the screen.
      const hopeless = error instanceof Problem && error.status < 500 && error.status !== 429
      pending.value = { envelope: now.envelope, failed: true }
      if (hopeless) keep(null)
      else timer = setTimeout(() => void push(), RETRY_MS)
    }
  }
  function send(incidentId: string, command: Command): Promise<void> {
    pending.value = { envelope: envelope(incidentId, command, null), failed: false }
    keep(pending.value.envelope)
    return push()
  }
  addEventListener('online', () => void push())
  if (pending.value) void push()
  return { pending, send }
}
