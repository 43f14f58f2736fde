/**
 * The rule book as the phone's rules read it. Nothing here knows a rule: which command, by whom,
 * from which state, with which arguments, in which order — all of it is data of the server's
 * document.
 */
import type { CardItem, Command, IncidentView, Kind, OfflineClass, Rulebook } from '../wire/types'

/** The part of the rule book that decides; words are for screens. */
export type RuleTable = Pick<Rulebook, 'alerting' | 'kinds' | 'commands' | 'cards' | 'ppe' | 'timers'>

/** True for a book that says enough to decide by; one kept by an older app may not. */
export const decides = (book: RuleTable | null): book is RuleTable => Boolean(book?.alerting && book.commands.arrived?.arguments)

/** What a command does to severity when it comes late; null: it may not wait for the network. */
export function offlineClass(book: RuleTable, command: Command): OfflineClass {
  const rule = book.commands[command.name]
  if (!rule) return null
  return rule.offlineBy ? (rule.offlineBy.classes[String(command[rule.offlineBy.argument])] ?? null) : rule.offline
}

/** The command's known arguments, with the defaults of those left out; no others. */
export function argumentsOf(book: RuleTable, command: Command): Record<string, unknown> {
  const known = Object.entries(book.commands[command.name]?.arguments ?? {})
  return Object.fromEntries(known.map(([name, { default: usual }]) => [name, command[name] === undefined ? usual : command[name]]))
}

/** Commands that somebody with these roles may try in this state, in the table's order. */
export function allowed(book: RuleTable, state: string, roles: readonly string[]): string[] {
  return Object.entries(book.commands)
    .filter(([, rule]) => rule.from?.includes(state) && rule.roles.some((role) => roles.includes(role)))
    .map(([name]) => name)
}

const once = <T>(values: T[]): T[] => [...new Set(values)]

/** The actions of all kinds in an incident: each card once, in order of appearance. */
export function itemsOf(book: RuleTable, kinds: readonly Kind[]): CardItem[] {
  const cards = new Map(kinds.flatMap((kind) => (book.cards[kind] ? [[book.cards[kind].card, book.cards[kind]]] : [])))
  return [...cards.values()].flatMap((card) => card.items)
}

/** Codes of the equipment without which nobody enters, over all kinds. */
export const requiredPpe = (book: RuleTable, { kinds, equipment }: Pick<IncidentView, 'kinds' | 'equipment'>): string[] =>
  once(kinds.flatMap((kind) => equipment?.[kind] ?? (book.ppe[kind] ?? []).filter((piece) => piece.required).map((piece) => piece.code)))

type Looked = Pick<IncidentView, 'items' | 'surroundings'>

/** What B.4 checks: the alarming building (empty text), those around it, those added on the spot. */
export const buildingsOf = (view: Looked): string[] =>
  once(['', ...(view.surroundings ?? []), ...view.items.flatMap(({ item, about }) => (item.startsWith('B.4-2') ? [about ?? ''] : []))])

/** Done or declared impossible; a sign of B.4 once it was looked for at every building. */
export function dealtWith(view: Looked, item: CardItem): boolean {
  const seen = new Set(view.items.filter((each) => each.item === item.code).map((each) => each.about ?? ''))
  return item.eachBuilding ? buildingsOf(view).every((building) => seen.has(building)) : seen.size > 0
}

export const owedWhenReal = (book: RuleTable, kinds: readonly Kind[]): string[] => once(kinds.flatMap((kind) => book.kinds[kind]?.owedWhenReal ?? []))

/** Is every card of the incident done without entering a danger area? */
export const outside = (book: RuleTable, view: Pick<IncidentView, 'kinds'>): boolean => view.kinds.every((kind) => book.kinds[kind]?.outside === true)
