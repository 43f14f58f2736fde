/** Cordons in my way: computed on the phone from its own position, so that it warns with no network. */
import { computed, watch } from 'vue'
import { kindWord, timer } from '../rulebook'
import { home, incidents, self } from './phone'
import { fix } from './position'
import { cornersOf, edgeMetres, inside } from './shape'
import { hasArrived } from './steps'

export interface Warning { id: string; kind: string; within: boolean; metres: number }

/** Those standing, as this phone knows them: my own taps included, those I work inside left out. */
const standing = computed(() => {
  const own = new Map(incidents.value.map((view) => [view.id, view]))
  const others = (home.value?.cordons ?? []).filter(({ incidentId }) => !own.has(incidentId))
  const mine = incidents.value.filter((view) => view.cordon.state === 'set' && !hasArrived(view, self.value.staffId))
  return [
    ...others.map(({ incidentId, kind, shape, radiusM }) => ({ id: incidentId, kind, ring: cornersOf(shape, radiusM) })),
    ...mine.map(({ id, kind, cordon }) => ({ id, kind, ring: cornersOf(cordon.shape, cordon.radiusM) })),
  ].filter(({ ring }) => ring.length > 2)
})

/** The nearest cordon that I am in or about to walk into. */
export const warning = computed<Warning | null>(() => {
  const here = fix.value
  if (!here) return null
  const found = standing.value
    .map(({ id, kind, ring }) => ({ id, kind: kindWord(kind), within: inside(ring, here), metres: edgeMetres(ring, here) }))
    .filter(({ within, metres }) => within || metres <= timer('cordon_near_m', 60))
  return found.sort((a, b) => Number(b.within) - Number(a.within) || a.metres - b.metres)[0] ?? null
})

/** The hand feels it when a cordon comes near, and again when it is entered. */
export function feelCordons(): void {
  watch(
    () => warning.value && `${warning.value.id} ${warning.value.within}`,
    (now) => now && navigator.vibrate?.(warning.value?.within ? [300, 120, 300, 120, 600] : [200, 100, 200]),
  )
}
