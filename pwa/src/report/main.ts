import { startKit } from '../kit'

startKit()
