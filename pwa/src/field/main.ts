import { createApp } from 'vue'
import { startKit } from '../kit'
import App from './App.vue'
import './field.css'
import { current } from './steps'
import { incidents, restore, self, startPhone } from './phone'
import { loadIncident } from './screens/incident'
import { watchUpdates } from './updates'

/** The kept picture is there in a moment; a store that hangs must not keep the screen blank. */
const PATIENCE_MS = 1_500

/** The first frame is on the screen and takes taps; a page opened in the background draws none. */
const drawn = (): Promise<void> =>
  new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))
    setTimeout(done, 300)
  })

async function open(): Promise<void> {
  // files kept on the phone cost no line: they come while the picture is read
  if (navigator.serviceWorker?.controller) void loadIncident()
  const kept = restore().then(() => (current(incidents.value, self.value.staffId) ? loadIncident() : undefined))
  startKit()
  await Promise.race([kept, new Promise((done) => setTimeout(done, PATIENCE_MS))])
  createApp(App).mount('#app')
  await drawn()
  startPhone()
  void loadIncident()
  void watchUpdates()
  void import('./picture').then(({ startPictures }) => startPictures())
}
void open()
