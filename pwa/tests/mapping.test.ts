import { describe, expect, it } from 'vitest'
import { changes, expression, picked, scalars, written, type Json } from '../src/manage/mapping/paths'
import { emptyMapping, emptyTemplate } from '../src/manage/mapping/types'

const LIST: Json = { head: { 'my ts': 1 }, data: [{ id: 'p', v: 140 }, { id: 's', v: 1 }], plain: [1, 2] }

describe('a tap on a value of a message', () => {
  it('writes a plain path, quoting what is no name', () => {
    expect(expression(LIST, ['head', 'my ts'])).toBe('head."my ts"')
    expect(expression(LIST, ['plain', 1])).toBe('plain[1]')
    expect(expression(LIST, [])).toBe('@')
  })
  it('finds an element by the name it carries, wherever it stands next time', () => {
    expect(expression(LIST, ['data', 1, 'v'])).toBe("data[?id=='s'].v | [0]")
    expect(expression([{ id: 'a', v: 1 }, { id: 'a', v: 2 }], [1, 'v'])).toBe('[1].v')
    expect(expression({ d: [{ code: 7, v: 1 }, { code: 8, v: 2 }] }, ['d', 0, 'v'])).toBe('d[?code==`7`].v | [0]')
  })
  it('is seen from one item where an array of items is named, and from the top outside it', () => {
    const body: Json = { mode: 'run', list: [{ sn: 'A1', s: { il: 3 } }, { sn: 'A2', s: { il: 4 } }] }
    const form = { items: 'list' }
    expect(picked(body, ['list', 1, 's', 'il'], form, 'readings.0.value')).toBe('s.il')
    expect(picked(body, ['mode'], form, 'test')).toBe('$.mode')
    expect(picked(body, ['list', 1, 's'], form, 'items')).toBe('list')
  })
})

describe('lists of values as text', () => {
  it('come back as they were, numbers as numbers and texts as texts', () => {
    for (const values of [[1, 0], ['ALARM', 'a b', '1', 'true', ''], [true, false], [-1.5, '01']]) expect(scalars(written(values))).toEqual(values)
    expect(scalars('1，2 ALARM')).toEqual([1, 2, 'ALARM'])
  })
})

it('the changes between two versions name each field once, before and after', () => {
  const before = { ...emptyTemplate('acme/+/up'), readings: [{ ...emptyMapping(), quantity: 'smoke', false_when: ['N'] }] }
  const after = { ...before, time: 'ts', readings: [{ ...before.readings[0]!, false_when: ['B'] }] }
  expect(changes(before, after)).toEqual([
    { field: 'readings.0.false_when', before: 'N', after: 'B' },
    { field: 'time', before: '', after: 'ts' },
  ])
})
