import { ref } from 'vue'

/**
 * The two languages of the app. Every screen keeps its own table next to it, with both languages
 * in one row, so that a text cannot exist in one of them only:
 *
 *     const t = words({ accept: ['接警', 'Accept'], away: ['{m} 米', '{m} m'] })
 *     t('accept')   t('away', { m: 320 })
 */
export type Language = 'zh' | 'en'
export type Pair = readonly [zh: string, en: string]
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>
export interface Said { zh: string; en: string }

const KEY = 'jiean.language'

function remembered(): Language {
  try {
    const kept = localStorage.getItem(KEY)
    if (kept === 'zh' || kept === 'en') return kept
  } catch {
    // nothing kept: Chinese first
  }
  return 'zh'
}

export const language = ref<Language>(remembered())

export function chooseLanguage(next: Language): void {
  language.value = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // chosen until the page is closed
  }
}

/** Put facts into ``{names}``; a fact that is missing shows as a dash, never as a brace. */
export function fill(text: string, facts: Facts = {}): string {
  return text.replace(/\{([\w.]+)\}/g, (_, name: string) => {
    const fact = facts[name]
    return fact === null || fact === undefined ? '—' : String(fact)
  })
}

/** Every table made, for the test that compares the languages. */
export const tables: Record<string, Pair>[] = []

export function words<T extends Record<string, Pair>>(table: T): (key: keyof T & string, facts?: Facts) => string {
  tables.push(table)
  return (key, facts) => {
    const pair = table[key] as Pair
    return fill(pair[language.value === 'zh' ? 0 : 1], facts)
  }
}

/** Several things in one line, joined as the language joins them. */
export const listed = (things: readonly string[]): string => things.join(language.value === 'zh' ? '、' : ', ')

/** A text that came from the server in both languages. */
export function say(said: Said | null | undefined, facts?: Facts): string {
  return said ? fill(said[language.value], facts) : ''
}
