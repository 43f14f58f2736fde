import { reactive } from 'vue'
import { get } from '../wire/api'
import type { IncidentView, Readings, Uuid } from '../wire/types'

/** The last values of each detector, oldest first, as far as this phone saw or could fetch them. */
export const trend = reactive<Record<Uuid, number[]>>({})
export const limits = reactive<Record<Uuid, number | null>>({})
const seenAt: Record<Uuid, string> = {}
const fetchedAt: Record<Uuid, number> = {}
const KEEP = 40

/** Add what a new picture says. */
export function note(views: readonly IncidentView[]): void {
  for (const view of views)
    for (const { id, value, measuredAt } of view.detectors) {
      if (value === null || !measuredAt || seenAt[id] === measuredAt) continue
      seenAt[id] = measuredAt
      trend[id] = [...(trend[id] ?? []), value].slice(-KEEP)
    }
}

/** Fetch the curve once a quarter of a minute; without a network the own memory serves. */
export async function fetchTrend(incidentId: Uuid): Promise<void> {
  const at = Date.now()
  if (at - (fetchedAt[incidentId] ?? 0) < 15_000) return
  fetchedAt[incidentId] = at
  try {
    const { series } = await get<Readings>(`/api/incidents/${incidentId}/readings`)
    for (const one of series) {
      const last = one.points.at(-1)
      if (last) seenAt[one.detectorId] = last[0]
      trend[one.detectorId] = one.points.slice(-KEEP).map(([, value]) => value)
      limits[incidentId] = one.limit
      trend[incidentId] = trend[one.detectorId] as number[]
    }
  } catch {
    // no curve; the value itself is on the screen
  }
}
