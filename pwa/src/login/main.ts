import { createApp } from 'vue'
import { startKit } from '../kit'
import Login from './Login.vue'

startKit()
createApp(Login).mount('#app')
