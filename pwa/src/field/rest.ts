/**
 * What follows the first screen, as one file: each further one costs a trip to the store at every
 * start.
 */
export { recoverPictures, startPictures } from './picture'
export { default as MoveCard } from './parts/MoveCard.vue'
export { default as OutboxSheet } from './parts/OutboxSheet.vue'
export { default as ShiftOver } from './parts/ShiftOver.vue'
export { default as Incident } from './screens/Incident.vue'
