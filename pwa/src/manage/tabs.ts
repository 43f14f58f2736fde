/** The pages of the lead, the manager and the technician: one list, in the order they are shown. */
import { defineAsyncComponent, type Component } from 'vue'
import type { Me } from '../wire/types'

export type Tab = 'inspection' | 'devices' | 'roster' | 'drills' | 'cards' | 'statistics' | 'reach' | 'delivery' | 'faults' | 'rules' | 'mapping'

interface Page {
  id: Tab
  roles: readonly string[]
  /** Needs the whole width of a screen. */
  wide?: boolean
  /** Takes `me`; pages that need more are set up where they are shown. */
  view: Component
}

const LEADS = ['manager', 'desk_lead'] as const
const KEEPERS = ['manager', 'desk_lead', 'technician'] as const

export const PAGES: readonly Page[] = [
  { id: 'roster', roles: LEADS, wide: true, view: defineAsyncComponent(() => import('./Roster.vue')) },
  { id: 'drills', roles: LEADS, view: defineAsyncComponent(() => import('./Drills.vue')) },
  { id: 'cards', roles: LEADS, view: defineAsyncComponent(() => import('./CardEditor.vue')) },
  { id: 'statistics', roles: LEADS, view: defineAsyncComponent(() => import('./Statistics.vue')) },
  { id: 'faults', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./faults/Faults.vue')) },
  { id: 'devices', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./devices/Devices.vue')) },
  { id: 'inspection', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./inspection/Inspection.vue')) },
  { id: 'rules', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./rules/Rules.vue')) },
  { id: 'mapping', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./mapping/Mapping.vue')) },
  { id: 'reach', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./Reach.vue')) },
  { id: 'delivery', roles: KEEPERS, wide: true, view: defineAsyncComponent(() => import('./Delivery.vue')) },
]

export function has(me: Me, ...roles: readonly string[]): boolean {
  return me.roles.some((role) => roles.includes(role))
}

export function pagesOf(me: Me): Page[] {
  return PAGES.filter((page) => has(me, ...page.roles))
}
