/** The timeline as lines to read: who is named once, a reminder that came again is counted. */
import type { TimelineEntry } from '../wire/types'

export interface Line { entry: TimelineEntry; words: string; by: string; times: number }

/**
 * One line for each entry, in the order given. Reminders with the same words right after each
 * other become one with a count (the first of them stands for all); anything a person did stays.
 */
export function story(entries: readonly TimelineEntry[], said: (entry: TimelineEntry) => string): Line[] {
  const lines: Line[] = []
  for (const entry of entries) {
    const words = said(entry)
    const last = lines.at(-1)
    if (last && entry.type === 'Reminded' && last.entry.type === 'Reminded' && last.words === words) last.times += 1
    else lines.push({ entry, words, by: namedBy(words, entry.actor.name), times: 1 })
  }
  return lines
}

/** The name to set behind the words: '' when they name the actor already. */
export const namedBy = (words: string, name: string | null | undefined): string => (name && !words.includes(name) ? name : '')
