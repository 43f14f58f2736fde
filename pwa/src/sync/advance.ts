/**
 * What the phone may believe while the server is silent: the last view, moved on by the phone's
 * own unanswered commands. Pure. It chooses the next screen and nothing else: the server decides,
 * and its next view replaces this one. Accepting, releasing and other people's deeds are never
 * guessed here.
 */
import type { Command, IncidentView, ItemDone } from '../wire/types'

export interface Self { staffId: string | null; name: string }
export interface Pending { at: string; command: Command }

/** Commands that may be said again after any of ours; the rest follow from the state. */
const ALWAYS = ['tick', 'photo', 'note', 'report_trapped', 'report_injured', 'log_emergency_call', 'start_evacuation', 'person_out', 'set_cordon']

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** ``view`` after one command of mine. */
export function step(view: IncidentView, { at, command }: Pending, self: Self): IncidentView {
  const rescue: Partial<IncidentView> = { state: 'rescue', control: 'uncontrollable' }
  switch (command.name) {
    case 'arrived': {
      const mine = <T extends { staffId: string; arrivedAt: string | null }>(who: T): T =>
        who.staffId === self.staffId && !who.arrivedAt ? { ...who, arrivedAt: at } : who
      const leads = view.lead?.staffId === self.staffId
      return {
        ...view,
        lead: view.lead && mine(view.lead),
        helpers: view.helpers.map(mine),
        state: leads && view.state === 'en_route' ? 'on_scene' : view.state,
      }
    }
    case 'field_declares_false':
      return { ...view, real: false, state: 'stood_down', alertActive: false }
    case 'confirm_real':
      return { ...view, real: true }
    case 'assess_controllable':
      return command.controllable === true
        ? { ...view, control: 'controllable', state: view.state === 'rescue' ? 'on_scene' : view.state }
        : { ...view, ...rescue }
    case 'confirm_ppe': {
      const items = Array.isArray(command.items) ? (command.items as { code: string; has: boolean }[]) : []
      const missing = items.filter((item) => !item.has).map((item) => item.code)
      return self.staffId ? { ...view, ppe: { ...view.ppe, [self.staffId]: { ok: missing.length === 0, missing } } } : view
    }
    case 'start_handling':
      return { ...view, state: 'handling', entered: self.staffId ? [...new Set([...view.entered, self.staffId])] : view.entered }
    case 'tick': {
      const item: ItemDone = {
        card: String(command.card), item: String(command.item), result: command.result === 'not_possible' ? 'not_possible' : 'done',
        reason: text(command.reason), value: typeof command.value === 'number' ? command.value : null, photo: text(command.photo), by: self.name, at,
      }
      return { ...view, items: [...view.items.filter((old) => old.item !== item.item), item] }
    }
    case 'withdraw':
      return { ...view, ...rescue, entered: view.entered.filter((id) => id !== self.staffId) }
    case 'leave_scene':
      return { ...view, entered: view.entered.filter((id) => id !== self.staffId) }
    case 'report_trapped': {
      const trapped = number(command.count)
      return { ...view, ...(trapped > 0 ? rescue : {}), people: { ...view.people, trapped } }
    }
    case 'report_injured': {
      const injured = number(command.count)
      return {
        ...view,
        people: {
          ...view.people, injured, handedOver: number(command.handedOver),
          call120: injured > 0 && view.people.call120 === 'not_needed' ? 'needed' : view.people.call120,
        },
      }
    }
    case 'log_emergency_call':
      return command.number === '120' ? { ...view, people: { ...view.people, call120: 'called' } } : view
    case 'start_evacuation':
      return { ...view, evacuation: { ...view.evacuation, state: 'running' } }
    case 'person_out': {
      const count = number(command.count)
      const key = command.status === 'refused' ? 'refused' : command.status === 'nobody_home' ? 'absent' : 'out'
      return {
        ...view,
        evacuation: { ...view.evacuation, [key]: view.evacuation[key] + count, unaccounted: Math.max(0, view.evacuation.unaccounted - count) },
      }
    }
    case 'close_evacuation':
      return { ...view, evacuation: { ...view.evacuation, state: 'closed' } }
    case 'set_cordon':
      return { ...view, cordon: { state: 'set', shape: command.shape ?? null, posts: number(command.posts) } }
    case 'lift_cordon':
      return { ...view, cordon: { ...view.cordon, state: 'lifted' } }
    case 'final_check':
      return { ...view, finalCheckedAt: at }
    case 'field_confirm_eliminated':
      return { ...view, state: 'clearing', c2: { by: self.staffId ?? '', at, name: self.name } }
    default:
      return view
  }
}

/** ``view`` after all of my unanswered commands, oldest first, with what may be said next. */
export function advance(view: IncidentView, pending: readonly Pending[], self: Self): IncidentView {
  if (pending.length === 0) return view
  const moved = pending.reduce((now, said) => step(now, said, self), view)
  return { ...moved, allowed: [...new Set([...view.allowed, ...nextAllowed(moved), ...ALWAYS])] }
}

/** The lead's own way through the incident, by state: the buttons that must work with no network. */
function nextAllowed(view: IncidentView): string[] {
  switch (view.state) {
    case 'en_route':
      return ['arrived', 'confirm_ppe', 'assess_controllable']
    case 'on_scene':
      return view.real === null
        ? ['field_declares_false', 'confirm_real', 'confirm_ppe', 'assess_controllable']
        : ['assess_controllable', 'confirm_ppe', 'start_handling']
    case 'handling':
      return ['assess_controllable', 'withdraw', 'leave_scene', 'check_in', 'final_check', 'field_confirm_eliminated']
    case 'rescue':
      return ['road_cleared', 'guide_posted', 'vehicle_arrived', 'close_evacuation', 'final_check', 'withdraw', 'report_to', 'assess_controllable', 'field_confirm_eliminated']
    case 'stood_down':
    case 'released':
      return ['party_advised', 'submit_false_report', 'cause_found', 'community_report']
    default:
      return []
  }
}
