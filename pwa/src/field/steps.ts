/** Which screen an incident asks for now. Pure: a function of the view and of who looks. */
import { dealtWith, outside, type RuleTable } from '../rules/table'
import type { CardItem, CardText, IncidentView, TimelineEntry } from '../wire/types'

export type Step =
  | 'way' | 'scene' | 'control' | 'gear' | 'card' | 'final' | 'board' | 'locks' | 'monitored' | 'stood_down' | 'after' | 'watch'

/** The latest entry of the timeline of that type, written in any case (``CheckedIn``, ``checked_in``). */
export function lastEvent(view: IncidentView, types: readonly string[], fits: (event: TimelineEntry) => boolean = () => true): TimelineEntry | null {
  const wanted = new Set(types.map(plain))
  return [...view.timeline].reverse().find((event) => wanted.has(plain(event.type)) && fits(event)) ?? null
}
const plain = (type: string): string => type.replace(/[^a-z]/gi, '').toLowerCase()

/** Done without entering a danger area: nobody asks whether a hydrant is under control. */
export const isOutside = (view: IncidentView, book: RuleTable | null): boolean => book !== null && outside(book, view)

export function mine(view: IncidentView, staffId: string | null): 'lead' | 'helper' | null {
  if (staffId && view.lead?.staffId === staffId) return 'lead'
  return staffId && view.helpers.some((helper) => helper.staffId === staffId) ? 'helper' : null
}

export function hasArrived(view: IncidentView, staffId: string | null): boolean {
  const who = [view.lead, ...view.helpers].find((each) => each?.staffId === staffId)
  return Boolean(who?.arrivedAt)
}

/** The items of the card that are done at the scene; those for afterwards come on their own screen. */
export function sceneItems(card: CardText | null): CardItem[] {
  return (card?.items ?? []).filter((item) => item.inScene ?? item.mandatory)
}

export function laterItems(card: CardText | null): CardItem[] {
  const now = new Set(sceneItems(card))
  return (card?.items ?? []).filter((item) => !now.has(item))
}

/** The next action: the first one without a result whose predecessors have one. */
export function nextItem(card: CardText | null, view: IncidentView): CardItem | null {
  const done = new Set(view.items.map((item) => item.item))
  const open = sceneItems(card).filter((item) => !dealtWith(view, item))
  return open.find((item) => item.after.every((code) => done.has(code))) ?? open[0] ?? null
}

export function stepOf(view: IncidentView, staffId: string | null, card: CardText | null, book: RuleTable | null): Step {
  switch (view.state) {
    case 'released':
    case 'archived':
      return 'after'
    case 'stood_down':
      return 'stood_down'
    case 'clearing':
      return 'locks'
    case 'monitored':
      return 'monitored'
    default:
  }
  const part = mine(view, staffId)
  if (!part) return 'watch'
  if (!hasArrived(view, staffId)) return 'way'
  if (view.state === 'rescue') return 'board'
  const protectedNow = staffId !== null && view.ppe[staffId]?.ok === true
  if (part === 'helper') return view.state === 'handling' && !protectedNow ? 'gear' : view.state === 'handling' ? 'card' : 'watch'
  if (view.state === 'on_scene') {
    if (view.real === null) return 'scene'
    if (isOutside(view, book)) return nextItem(card, view) ? 'card' : 'final'
    if (view.control !== 'controllable') return 'control'
    return 'gear'
  }
  if (view.state === 'handling') return nextItem(card, view) ? 'card' : 'final'
  return 'watch'
}

/** A gas value older than this says nothing any more, ms ▲. */
const GAS_OLD_MS = 300_000

/** Inside a home with gas in the air: no camera, no call, no switch. With ``at`` an old value counts as gas. */
export const noSparks = (view: IncidentView, at?: number): boolean =>
  (view.c1 === null || view.c1.how === 'normal') &&
  view.detectors.some(({ kind, alarming, normalSince, measuredAt }) => {
    const old = at !== undefined && (!measuredAt || at - Date.parse(measuredAt) > GAS_OLD_MS)
    return kind === 'gas' && (alarming || !normalSince || old)
  })

/** Still counted as alarming although its last value is back below the limit: it has to stay there. */
export const settling = (one: IncidentView['detectors'][number]): boolean =>
  one.alarming && one.value !== null && one.limit !== null && one.value < one.limit

/** The detector whose value leads the screen: alarming first, then the freshest. */
export function leading(view: IncidentView): IncidentView['detectors'][number] | null {
  return (
    [...view.detectors].sort(
      (a, b) => Number(b.alarming) - Number(a.alarming) || Date.parse(b.measuredAt ?? '1970') - Date.parse(a.measuredAt ?? '1970'),
    )[0] ?? null
  )
}

/** The incident to show first: where I work, then where I still wait, then the rest by age. */
export function current(views: readonly IncidentView[], staffId: string | null): IncidentView | null {
  const rank = (view: IncidentView): number =>
    view.alertActive && mine(view, staffId) === 'lead' ? 0 : view.alertActive && mine(view, staffId) ? 1 : view.state === 'stood_down' ? 2 : 9
  return [...views].filter((view) => rank(view) < 9).sort((a, b) => rank(a) - rank(b) || a.emittedAt.localeCompare(b.emittedAt))[0] ?? null
}
