/** What is sent for the outcome of a call. Pure. */
import type { Command } from '../wire/types'

export type Outcome = 'false' | 'handled' | 'cannot' | 'rescue' | 'no_answer'
type Speaker = Readonly<{ id: string; name: string; relation: string }>

/**
 * The commands for an outcome, in order: first the call itself, then what it brought. A call whose
 * person is not on file is recorded by what it brought alone.
 */
export function outcomeCommands(
  outcome: Outcome,
  who: Speaker | null,
  phrase: string | null,
  more: Readonly<{ onSpot?: boolean; note?: string }> = {},
): Command[] {
  const speaker = who?.name ?? ''
  const call = (result: 'reached' | 'no_answer'): Command[] => (who ? [{ name: 'log_call', contact: who.id, result, phrase }] : [])
  switch (outcome) {
    case 'no_answer':
      return who ? call('no_answer') : [{ name: 'party_unreachable' }]
    case 'false':
      return [...call('reached'), { name: 'party_reports_false', speaker, relation: who?.relation ?? '', onSpot: more.onSpot ?? false }]
    case 'handled':
      return [...call('reached'), { name: 'party_handled', speaker, note: more.note ?? '' }]
    case 'cannot':
      return [...call('reached'), { name: 'party_cannot_handle', speaker }]
    case 'rescue':
      // Help first: the record of the call follows it.
      return [{ name: 'party_needs_rescue', speaker, note: more.note ?? '' }, ...call('reached')]
  }
}
