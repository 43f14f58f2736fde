import { createApp } from 'vue'
import { startKit } from '../kit'
import { drawn } from '../kit/drawn'
import App from './App.vue'
import './field.css'
import { restore, startPhone } from './phone'
import { startRosters } from './roster'
import { loadIncident } from './screens/incident'
import { followWork, workedLast, working } from './working'
import { watchUpdates } from './updates'

/** The kept picture is there in a moment; a store that hangs must not keep the screen blank. */
const PATIENCE_MS = 1_500

async function open(): Promise<void> {
  // its screens come while the picture is read; an alarm is drawn before they are fetched at all
  if (workedLast()) void loadIncident()
  const kept = restore().then(() => (working() ? loadIncident() : undefined))
  startKit()
  await Promise.race([kept, new Promise((done) => setTimeout(done, PATIENCE_MS))])
  createApp(App).mount('#app')
  await drawn()
  startPhone()
  followWork()
  void startRosters()
  void loadIncident()
  void watchUpdates()
  void import('./rest').then(({ startPictures }) => startPictures())
}
void open()
