import { createApp } from 'vue'
import { startKit } from '../kit'
import Resident from './Resident.vue'

startKit()
createApp(Resident).mount('#app')
