import { expect, it } from 'vitest'
import { fill } from '@/i18n'
import { codeWord, plainFacts } from '@/rulebook/facts'
import type { Rulebook } from '@/wire/types'

const book = {
  declineReasons: { busy: { zh: '正在处理别的事', en: 'Busy' } },
  ppe: { smoke: [{ code: 'helmet', zh: '头盔', en: 'Helmet', required: true }] },
  cards: { smoke: { card: 'B.3', zh: '', en: '', ordered: false, items: [{ code: 'B.3-2', zh: '断电', en: 'Power off' }] } },
  obligations: {}, categories: {},
} as unknown as Rulebook

it('says codes in words, wherever the book keeps them', () => {
  expect(fill('{staffName} 去不了：{reason}', plainFacts(book, { staffName: '李明', reason: 'busy' }))).toBe('李明 去不了：正在处理别的事')
  expect(fill('{item} {result}', plainFacts(book, { item: 'B.3-2', result: 'done' }))).toBe('断电 完成')
  expect(fill('缺 {missing}', plainFacts(book, { missing: ['helmet'] }))).toBe('缺 头盔')
})
it('reaches into a nested fact by its dotted name', () => expect(fill('报告 {office.name}', plainFacts(book, { office: { name: '平江街道' } }))).toBe('报告 平江街道'))
it('leaves what a person wrote as they wrote it', () => expect(codeWord(book, 'reason', '老人摔倒')).toBe('老人摔倒'))
it('does not take a name for a code', () => expect(plainFacts(book, { name: 'done' })['name']).toBe('done'))
