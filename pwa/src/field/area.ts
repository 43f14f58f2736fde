/** The area's base map, fetched once and kept in memory; the HTTP cache and the worker keep it offline. */
import { shallowRef } from 'vue'
import type { Base } from '../kit/map/types'
import { keep, keptOf } from '../sync/store'
import { get } from '../wire/api'

export const area = shallowRef<Base | null>(null)

/** Fetch it when there is a network, else take the one kept from before. */
export async function loadArea(): Promise<Base | null> {
  if (area.value) return area.value
  try {
    area.value = await get<Base>('/api/map')
    void keep('area', area.value)
  } catch {
    area.value = (await keptOf<Base>('area')) ?? null
  }
  return area.value
}
