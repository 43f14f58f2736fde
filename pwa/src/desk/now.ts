/** What the desk should do now, as a code and its blanks; the words are in the dictionary. Pure. */
import type { IncidentView } from '../wire/types'

export type Step = Readonly<{ code: NowCode; facts: Readonly<Record<string, string | number>>; tone: 'calm' | 'act' | 'urgent' }>
export type NowCode =
  | 'call120' | 'call_inside' | 'chase_report' | 'claim' | 'call_party' | 'call_family' | 'await_outcome' | 'verify_visit'
  | 'wait_offer' | 'nobody' | 'en_route' | 'on_scene' | 'handling' | 'rescue' | 'wait_normal' | 'wait_field'
  | 'wait_both' | 'release' | 'monitored' | 'release_false' | 'owed' | 'seal' | 'sealed'

/** `nowMs` is the server's clock as the desk knows it; `aloneS` how long somebody inside may be silent. */
export function nowStep(i: IncidentView, nowMs: number, aloneS = 300): Step {
  const step = (code: NowCode, tone: Step['tone'] = 'act', facts: Step['facts'] = {}): Step => ({ code, tone, facts })
  const can = (name: string): boolean => i.allowed.includes(name)
  if (i.state === 'archived') return step('sealed', 'calm')
  if (i.state === 'released') {
    const owed = i.obligations.filter((o) => !o.doneAt && !o.waivedAt).length
    return owed > 0 ? step('owed', 'act', { count: owed }) : step('seal', 'act')
  }
  if (i.people.injured > 0 && i.people.call120 === 'needed') return step('call120', 'urgent', { count: i.people.injured })
  const unheard = [i.lead, ...i.helpers].filter((who) => who && olderThan(i.enteredAt[who.staffId] ?? null, nowMs, aloneS))
  if (i.alertActive && unheard.length) return step('call_inside', 'urgent', { name: unheard.map((who) => who?.name).join('、') })
  const silent = i.reports.filter((r) => r.status === 'failed' || (r.status !== 'acknowledged' && olderThan(r.sentAt, nowMs, 60)))
  if (i.state === 'rescue' && silent.length) return step('chase_report', 'urgent', { name: silent.map((r) => r.name).join('、') })
  if (i.state === 'stood_down') return step('release_false', 'act')
  if (!i.claimedBy && i.alertActive) return step('claim', 'urgent')
  switch (i.state) {
    case 'raised':
    case 'desk_handling':
      if (i.contact.phase === 'reached') return step('await_outcome')
      return i.contact.attempts.some((a) => a.result === 'no_answer') ? step('call_family') : step('call_party')
    case 'party_handled':
      return step('verify_visit')
    case 'dispatching': {
      const open = i.offers.filter((o) => o.outcome === 'open')
      const first = open[0]
      if (!first) return step('nobody', 'urgent')
      const left = Math.max(0, Math.ceil((Date.parse(first.expiresAt) - nowMs) / 1000))
      return step('wait_offer', 'calm', { name: first.name, s: left })
    }
    case 'en_route':
      return step('en_route', 'calm', { name: i.lead?.name ?? '', minutes: i.lead?.minutes == null ? '—' : Math.max(1, Math.round(i.lead.minutes)) })
    case 'on_scene':
      return step('on_scene', 'calm', { name: i.lead?.name ?? '' })
    case 'handling':
      return step('handling', 'calm', { name: i.lead?.name ?? '' })
    case 'rescue':
      return step('rescue', 'act')
    case 'monitored':
      return step('monitored', 'calm')
    case 'clearing':
      if (can('desk_release_real') && i.c1 && i.c2) return step('release', 'act')
      if (!i.c1 && !i.c2) return step('wait_both', 'calm')
      return i.c1 ? step('wait_field', 'calm', { name: i.lead?.name ?? '' }) : step('wait_normal', 'calm')
    default:
      return step('await_outcome')
  }
}

function olderThan(iso: string | null, nowMs: number, seconds: number): boolean {
  return iso !== null && nowMs - Date.parse(iso) > seconds * 1000
}
