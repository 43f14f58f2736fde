import { describe, expect, it } from 'vitest'
import { fill, tables } from '../src/i18n'

// (the switch of the language names the other one in its own script)
// every table of the app registers itself when it is loaded
const modules = import.meta.glob(['../src/**/words.ts', '../src/kit/format.ts'])
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string).sort()

describe('the two languages', () => {
  it('are both there for every text, with the same facts in them', async () => {
    await Promise.all(Object.values(modules).map((load) => load()))
    expect(tables.length).toBeGreaterThan(2)
    const wrong: string[] = []
    for (const table of tables)
      for (const [key, [zh, en]] of Object.entries(table)) {
        if (!zh.trim() || !en.trim()) wrong.push(`${key}: empty`)
        if (names(zh).join() !== names(en).join()) wrong.push(`${key}: ${names(zh).join()} / ${names(en).join()}`)
        if (/[\u4e00-\u9fff]/.test(en) && zh !== en && !['other', 'language'].includes(key)) wrong.push(`${key}: Chinese in English`)
      }
    expect(wrong).toEqual([])
  })

  it('show a missing fact as a dash, never as a brace', () => {
    expect(fill('剩 {n} 秒，{who}', { n: 3 })).toBe('剩 3 秒，—')
  })
})
