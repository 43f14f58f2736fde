import { createApp } from 'vue'
import { startKit } from '../kit'
import App from './App.vue'
import './field.css'
import { startPhone } from './phone'
import { watchUpdates } from './updates'

startKit()
createApp(App).mount('#app')
void startPhone()
void watchUpdates()
void import('./picture').then(({ startPictures }) => startPictures())
