import { expect, test } from 'vitest'
import { namedBy, story } from '../src/rulebook/story'
import type { TimelineEntry } from '../src/wire/types'

const entry = (version: number, type: string, name = ''): TimelineEntry => ({
  version, at: '2026-01-01T00:00:00Z', receivedAt: '2026-01-01T00:00:00Z', late: false, type, actor: { id: null, name, role: '' }, facts: {},
})
const said = (e: TimelineEntry): string => ({ Reminded: '提醒', Entered: '周建国 进入现场', PersonAccounted: '1 人：已撤离' })[e.type] ?? e.type

test('a reminder that came three times in a row is one line with a count', () => {
  const lines = story([entry(5, 'Reminded'), entry(4, 'Reminded'), entry(3, 'Reminded'), entry(2, 'Entered'), entry(1, 'Reminded')], said)
  expect(lines.map((l) => [l.entry.version, l.times])).toEqual([[5, 3], [2, 1], [1, 1]])
})

test('what a person did twice stays two lines', () => {
  expect(story([entry(2, 'PersonAccounted', '周建国'), entry(1, 'PersonAccounted', '周建国')], said)).toHaveLength(2)
})

test('an actor whom the words name already is not named again', () => {
  expect(namedBy('周建国 进入现场', '周建国')).toBe('')
  expect(namedBy('开始处置', '周建国')).toBe('周建国')
  expect(namedBy('开始处置', '')).toBe('')
})
