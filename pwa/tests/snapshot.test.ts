import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { merged } from '../src/sync/snapshot'
import type { FieldHome, IncidentView } from '../src/wire/types'

const view = (id: string, version: number): IncidentView => ({ id, version }) as unknown as IncidentView
const home = (cursor: number, known: string[], incidents: IncidentView[]): FieldHome => ({ cursor, known, incidents }) as unknown as FieldHome

describe('the picture put together from what changed', () => {
  it('is the same as the whole one, whatever changed and whenever one looked', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), gone: fc.boolean(), look: fc.boolean() }), { maxLength: 40 }), (steps) => {
        const server = new Map<string, { view: IncidentView; cursor: number }>()
        let phone: FieldHome | null = null
        steps.forEach(({ id, gone, look }, at) => {
          const cursor = at + 1
          if (gone) server.delete(id)
          else server.set(id, { view: view(id, (server.get(id)?.view.version ?? 0) + 1), cursor })
          if (!look) return
          const since = phone?.cursor ?? -1
          const told = [...server.values()].filter((each) => each.cursor > since).map((each) => each.view)
          phone = merged(phone, home(cursor, [...server.keys()], told))
          expect(phone?.incidents).toEqual([...server.values()].map((each) => each.view))
        })
      }),
    )
  })

  it('shows a gap: something is known that neither had', () => {
    expect(merged(home(1, ['a'], [view('a', 1)]), home(2, ['a', 'b'], []))).toBeNull()
  })

  it('of an older server is taken as it is', () => {
    const { known: _, ...old } = home(3, [], [view('a', 1)])
    expect(merged(null, old as FieldHome)).toEqual(old)
  })
})
