/** A search for somebody in words: how far, how sure, how busy, why passed over. Pure but for the language. */
import { distance, lasting, onTheWay } from '../kit/format'
import { reasonWord } from '../rulebook'
import type { Candidate, Iso, Uuid } from '../wire/types'
import { t } from './words'

export interface Asked {
  offerId: Uuid
  staffId: Uuid
  name: string
  badge: string
  at: Iso
  expiresAt: Iso
  helper: boolean
  deskChose: boolean
  metres: number | null
  minutes: number | null
  basis: string
  outcome: 'open' | 'accepted' | 'declined' | 'expired' | 'released'
  reason: string | null
  answeredAt: Iso | null
  candidates: Candidate[]
}

export interface Search {
  round: number | null
  reason: string
  by: string
  at: Iso
  preferred: Uuid | null
  asked: Asked[]
  nobody: { at: Iso; candidates: Candidate[] }[]
  joined: { at: Iso; staffId: Uuid; name: string; metres: number | null; lead: boolean }[]
}

/** ``120 米 · 路上约 2 分钟 · 沿街巷``: how far, how long, and by which measure. */
export function way({ metres, minutes, basis }: Pick<Candidate, 'metres' | 'minutes' | 'basis'>): string {
  if (metres === null) return t('fix_none')
  const measure = basis === 'streets' ? t('by_streets') : t('by_line')
  return [distance(metres), minutes === null ? '' : onTheWay(minutes), measure].filter(Boolean).join(' · ')
}

/** How well their place is known. */
export function fix({ tier, fixAgeS, metres }: Candidate): string {
  if (tier === 0 && fixAgeS !== null) return t('fix_ago', { t: lasting(fixAgeS) })
  return t(tier === 1 && metres !== null ? 'fix_post' : 'fix_none')
}

/** What they carry already. */
export function burden({ load = 0, handled = 0, restedS = null }: Candidate): string {
  const said = [load ? t('helps', { n: load }) : '', handled ? t('handled', { n: handled }) : '', restedS === null ? '' : t('rested', { t: lasting(restedS) })]
  return said.filter(Boolean).join(' · ') || t('fresh_shift')
}

/** Why this person was not asked, or that they come next. */
export function passed({ passedOver, elsewhere }: Candidate): string {
  if (!passedOver) return t('comes_next')
  const why = reasonWord(passedOver)
  return elsewhere ? t('elsewhere', { why, no: elsewhere.split('-').pop() ?? elsewhere }) : why
}

/** What came of an offer. */
export function outcome(one: Asked): string {
  const s = one.answeredAt ? Math.max(0, Math.round((Date.parse(one.answeredAt) - Date.parse(one.at)) / 1000)) : 0
  switch (one.outcome) {
    case 'declined':
      return t('out_declined', { s, why: one.reason ? reasonWord(one.reason) : '—' })
    case 'released':
      return t('out_released', { why: one.reason === 'taken' ? t('rel_taken') : one.reason === 'reassigned' ? t('rel_reassigned') : reasonWord(one.reason ?? '') })
    default:
      return t(`out_${one.outcome}`, { s })
  }
}
