/** A picture kept by an older app, made whole: the app may be updated in the middle of an incident. */
import type { FieldHome, IncidentView } from '../wire/types'

const EVACUATION: IncidentView['evacuation'] = { state: 'none', out: 0, withFire: 0, refused: 0, absent: 0, unaccounted: 0, handedTo: null, expected: [], marks: {}, heads: {} }

export function whole(home: FieldHome): FieldHome {
  return { ...home, cordons: home.cordons ?? [], near: home.near ?? [], incidents: home.incidents.map(wholeView) }
}

function wholeView(view: IncidentView): IncidentView {
  const came = (view.vehicles ?? []) as (string | IncidentView['vehicles'][number])[]
  return {
    ...view,
    supplements: view.supplements ?? [],
    meeting: view.meeting ?? null,
    vehicles: came.map((one) => (typeof one === 'string' ? { what: one, at: view.emittedAt } : one)),
    evacuation: { ...EVACUATION, ...view.evacuation },
    cordon: { ...view.cordon, postPlaces: view.cordon?.postPlaces ?? [], at: view.cordon?.at ?? null },
  }
}
