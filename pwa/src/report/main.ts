import { createApp } from 'vue'
import { startKit } from '../kit'
import './page.css'
import Report from './Report.vue'

startKit()
createApp(Report).mount('#app')
