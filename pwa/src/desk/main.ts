import { createApp } from 'vue'
import { startKit } from '../kit'
import Desk from './Desk.vue'

startKit()
createApp(Desk).mount('#app')
