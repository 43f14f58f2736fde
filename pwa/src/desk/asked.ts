/** "Why this person": everyone considered, nearest first, each with what became of them. Pure. */
import type { IncidentView } from '../wire/types'

export type Asked = Readonly<{
  staffId: string
  name: string
  metres: number | null
  fixAgeS: number | null
  tone: 'good' | 'notice' | 'info' | undefined
  word: 'accepted' | 'arrived' | 'asked' | 'declined' | 'expired' | 'chosen' | 'standby' | 'declinedPlain' | 'passed'
  facts: Readonly<Record<string, string | number>>
}>

/** ``words`` turns a code (decline reason, passed-over reason) into words; unknown ones stay. */
export function asked(i: IncidentView, nowMs: number, words: (code: string) => string = (c) => c): Asked[] {
  const crew = new Map([i.lead, ...i.helpers].filter((r) => r !== null).map((r) => [r.staffId, r]))
  const last = new Map(i.offers.map((o) => [o.staffId, o]))
  const all = new Map<string, { name: string; metres: number | null; fixAgeS: number | null; passedOver: string | null; chosen: boolean }>()
  for (const c of i.candidates) all.set(c.staffId, c)
  for (const o of i.offers) if (!all.has(o.staffId)) all.set(o.staffId, { name: o.name, metres: o.metres, fixAgeS: null, passedOver: null, chosen: false })
  for (const [id, r] of crew) if (!all.has(id)) all.set(id, { name: r.name, metres: r.metres, fixAgeS: null, passedOver: null, chosen: true })

  const rows = [...all].map(([staffId, c]): Asked => {
    const base = { staffId, name: c.name, metres: c.metres, fixAgeS: c.fixAgeS }
    const member = crew.get(staffId)
    if (member) return { ...base, tone: 'good', word: member.arrivedAt ? 'arrived' : 'accepted', facts: {} }
    const offer = last.get(staffId)
    switch (offer?.outcome) {
      case 'open':
        return { ...base, tone: 'info', word: 'asked', facts: { s: Math.max(0, Math.ceil((Date.parse(offer.expiresAt) - nowMs) / 1000)) } }
      case 'declined':
        return { ...base, tone: 'notice', word: offer.reason ? 'declined' : 'declinedPlain', facts: { why: words(offer.reason ?? '') } }
      case 'expired':
        return { ...base, tone: 'notice', word: 'expired', facts: {} }
    }
    if (c.passedOver) return { ...base, tone: undefined, word: 'passed', facts: { why: words(c.passedOver) } }
    return { ...base, tone: undefined, word: c.chosen ? 'chosen' : 'standby', facts: {} }
  })
  const rank = (a: Asked): number => (a.tone === 'good' ? 0 : a.word === 'asked' ? 1 : 2)
  return rows.sort((a, b) => rank(a) - rank(b) || (a.metres ?? Infinity) - (b.metres ?? Infinity) || a.staffId.localeCompare(b.staffId))
}
