/** The words burnt into a photograph. Pure. */
import { kindWord } from '../rulebook'
import type { Clock } from '../sync/shot'
import type { IncidentView, Position } from '../wire/types'

let zone: Intl.DateTimeFormat | undefined
/** Made at the first photograph: it is slow to make, and the app opens without one. */
const stamped = (atMs: number): string =>
  (zone ??= new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', dateStyle: 'short', timeStyle: 'medium' })).format(atMs)

/** What a photograph is of: an incident, or a device on a round. */
export type Pictured = Pick<IncidentView, 'id' | 'no' | 'kind' | 'handling'> & { place: { address: string }; as?: { name: string; about: string } }

/** What is burnt in. A time that no server ever told is marked: it is only the phone's. */
export function lines(view: Pictured, name: string, caption: string, { atMs, clock }: Pick<Clock, 'atMs' | 'clock'>, at: Position | null): string[] {
  const where = at ? `${at.lat.toFixed(5)}, ${at.lon.toFixed(5)} ±${Math.round(at.accuracyM)} m` : '无定位'
  return [
    `${stamped(atMs)} 北京时间${clock === 'phone' ? '（手机时间，未校时）' : ''} · ${view.no}`,
    `${view.place.address} · ${where}`,
    [name, kindWord(view.kind), caption, view.handling === 'actual' ? '' : '演练'].filter(Boolean).join(' · '),
  ]
}
