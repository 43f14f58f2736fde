import { createApp } from 'vue'
import { startKit } from '../kit'
import '../report/page.css'
import Office from './Office.vue'

startKit()
createApp(Office).mount('#app')
