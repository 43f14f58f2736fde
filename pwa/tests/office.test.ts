import { expect, it } from 'vitest'
import { arrange, oldestWaitS } from '@/office/inbox'
import type { ReportView } from '@/wire/types'

const report = (id: string, sentAt: string, acknowledgedAt: string | null = null): ReportView => ({ id, sentAt, acknowledgedAt }) as ReportView

it('keeps what nobody has acknowledged on top, the longest waiting first', () => {
  const list = [report('done', '2026-11-22T06:09:00Z', '2026-11-22T06:10:00Z'), report('young', '2026-11-22T06:08:00Z'), report('old', '2026-11-22T06:01:00Z')]
  expect(arrange(list).map((r) => r.id)).toEqual(['old', 'young', 'done'])
})
it('counts the age of the oldest open report, and none when all are answered', () => {
  const nowMs = Date.parse('2026-11-22T06:09:00Z')
  expect(oldestWaitS([report('a', '2026-11-22T06:08:30Z'), report('b', '2026-11-22T06:08:00Z')], nowMs)).toBe(60)
  expect(oldestWaitS([report('a', '2026-11-22T06:08:30Z', '2026-11-22T06:08:40Z')], nowMs)).toBeNull()
})
