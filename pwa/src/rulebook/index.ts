import { shallowReactive, shallowRef } from 'vue'
import { fill, language, say, type Facts, type Said } from '../i18n'
import { get } from '../wire/api'
import type { CardText, Refusal, Rulebook } from '../wire/types'
import { codeWord, plainFacts } from './facts'
import { keepBook, keepOlder, kept, keptOlder } from './keep'

/** The published rules with their words. Null until the first load; the last one kept offline. */
export const rulebook = shallowRef<Rulebook | null>(null)

/** Take up the kept book, if there is one. Never throws. */
export async function recallRulebook(): Promise<void> {
  rulebook.value ??= (await kept()) ?? null
}

/**
 * Show the kept book at once, then the server's when it differs. Never throws. Pages that come
 * by a link name the link's own path.
 */
export async function loadRulebook(path = '/api/rulebook'): Promise<void> {
  await recallRulebook()
  try {
    const fresh = await get<Rulebook>(path)
    rulebook.value = fresh
    await keepBook(fresh)
  } catch {
    // offline: the kept one serves
  }
}

/** Books in an older wording of the cards, for incidents that were raised under it. */
const older = shallowReactive(new Map<number, Rulebook>())

/** The book that an incident is handled by: the cards of its own version, else the newest here. */
export function bookOf(incident: { cardsVersion?: number } | null): Rulebook | null {
  const wanted = incident?.cardsVersion ?? 0
  return wanted === (rulebook.value?.cardsVersion ?? 0) ? rulebook.value : (older.get(wanted) ?? rulebook.value)
}

/** Have the books of these versions at hand, also without a network later. Never throws. */
export async function haveBooks(versions: readonly number[]): Promise<void> {
  for (const version of new Set(versions)) {
    if (version === (rulebook.value?.cardsVersion ?? 0) || older.has(version)) continue
    const known = await keptOlder(version)
    try {
      const book = known ?? (await get<Rulebook>(`/api/rulebook?version=${version}`))
      older.set(version, book)
      if (!known) await keepOlder(version, book)
    } catch {
      // offline: the newest wording serves until the next picture
    }
  }
}

type Section = 'states' | 'kinds' | 'commands' | 'events' | 'obligations' | 'declineReasons' | 'categories'

/** The words of a code; the code itself when this device has no word for it. */
export function word(section: Section, code: string, facts?: Facts): string {
  const entry: Said | undefined = rulebook.value?.[section]?.[code]
  return entry ? fill(entry[language.value], facts) : code
}

export const stateWord = (code: string): string => word('states', code)
export const kindWord = (code: string): string => word('kinds', code)
export const commandWord = (code: string): string => word('commands', code)
export const obligationWord = (code: string): string => word('obligations', code)

/** Icons belong to the app's one family, so a kind has one even before the rule book came. */
const KIND_ICONS: Record<string, string> = {
  electric: 'bolt', gas: 'gas', smoke: 'smoke', structure: 'wall', hydrant: 'hydrant', water: 'water', door: 'door',
}
export const kindIcon = (code: string): string => KIND_ICONS[code] ?? rulebook.value?.kinds[code]?.icon ?? 'flag'

/** What an event says, with its facts in place. */
export const eventWord = (type: string, facts: Record<string, unknown>): string => word('events', type, plainFacts(rulebook.value, facts))

/** A code that stands alone: a decline reason, why somebody was passed over. */
export const reasonWord = (code: string): string => codeWord(rulebook.value, 'reason', code)

/** A refusal in words, and what to do about it ('' when the book has no advice). */
export function refusalWords(refusal: Refusal): { what: string; todo: string } {
  const todo = language.value === 'zh' ? refusal.doZh : refusal.doEn
  return { what: say(refusal), todo: todo || say(rulebook.value?.refusals[refusal.code]?.do) }
}

/** The same for a refusal that the phone gave itself: a code of the book. */
export function refusalOf(code: string): { what: string; todo: string } {
  const found = rulebook.value?.refusals[code]
  return { what: found ? say(found) : code, todo: say(found?.do) }
}

/** A thing that a refusal names as missing: a condition, a card's action, a debt or equipment. */
export function missingWord(kind: string, code: string): string {
  const book = rulebook.value
  const item = Object.values(book?.cards ?? {}).flatMap((card) => card.items).find((each) => each.code === code)
  const known = book?.missing?.[code] ?? item ?? book?.obligations[code] ?? book?.states[code]
  return known ? say(known) : ppeWord(kind, code)
}

/** The name of a piece of equipment. */
export function ppeWord(kind: string, code: string): string {
  const found = rulebook.value?.ppe[kind]?.find((entry) => entry.code === code)
  return found ? say(found) : code
}

/** One walk for all alert types of an incident: each card once, gas before everything else. */
export function cardFor(incident: { kind: string; kinds?: readonly string[]; cardsVersion?: number }): CardText | null {
  const book = bookOf(incident)
  const kinds = [...(incident.kinds?.length ? incident.kinds : [incident.kind])].sort((a, b) => Number(b === 'gas') - Number(a === 'gas'))
  const cards = [...new Map(kinds.flatMap((kind) => (book?.cards[kind] ? [[book.cards[kind].card, book.cards[kind]] as const] : []))).values()]
  const joined = (of: (card: CardText) => string): string => cards.map(of).join(' · ')
  if (cards.length < 2) return cards[0] ?? null
  return { card: joined((one) => one.card), zh: joined((one) => one.zh), en: joined((one) => one.en), ordered: true, items: cards.flatMap((one) => one.items) }
}

/** What must be worn, over all alert types of an incident. */
export function gearOf(incident: { kind: string; kinds?: readonly string[]; cardsVersion?: number }): Rulebook['ppe'][string] {
  const all = (incident.kinds?.length ? incident.kinds : [incident.kind]).flatMap((kind) => bookOf(incident)?.ppe[kind] ?? [])
  return [...new Map(all.map((one) => [one.code, one])).values()]
}

export const cardOf = (kind: string): CardText | null => rulebook.value?.cards[kind] ?? null
export const timer = (name: string, fallback: number): number => rulebook.value?.timers[name] ?? fallback
