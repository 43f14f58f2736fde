/** Mapping templates, as the service says them (a template's own fields keep their stored names). */
import type { Iso } from '../../wire/types'

export type Scalar = boolean | number | string
export interface Condition { value: string; equals: Scalar[] }
export interface Mapping {
  quantity: string
  value: string
  unit: string
  factor: number
  offset: number
  true_when: Scalar[]
  false_when: Scalar[]
  ignore: Scalar[]
  alarm: Condition | null
}
export interface Template {
  name: string
  title: string
  topic: string
  device: string
  items: string
  time: string
  time_as: 'auto' | 'seconds' | 'local'
  hours_east: number
  battery: string
  test: Condition | null
  fault: Condition | null
  skip: Condition | null
  readings: Mapping[]
}
export type State = 'draft' | 'in_force' | 'ended'
export interface Summary {
  name: string
  title: string
  topic: string
  state: State
  version: number
  draft: number | null
  quantities: string[]
  changedName: string
  changedAt: Iso
  read: number
  refused: number
  readings: number
  lastAt: Iso | null
}
export interface Family { family: string; outcome: string; detail: string; count: number; lastAt: Iso }
export interface Quantity { kind: string; unit: string | null; boolean: boolean; units: string[] }
export interface MappingPage {
  templates: Summary[]
  unread: Family[]
  listening: { topic: string; until: Iso; byName: string }[]
  quantities: Record<string, Quantity>
  functions: string[]
}
export interface Version {
  name: string
  version: number
  state: State
  body: Template
  note: string
  copiedFrom: number | null
  madeName: string
  madeAt: Iso
  begunName: string | null
  begunAt: Iso | null
  begunWhy: string | null
  endedName: string | null
  endedAt: Iso | null
  endedWhy: string | null
}
export interface Raw { id: number; topic: string; text: string; hex: boolean; wholeBytes: number; outcome: string; detail: string; receivedAt: Iso }
export interface Fault { field: string; code: string; at: number | null; what: string }
export interface Said {
  reading?: { device: string; quantity: string; value: number | boolean; unit: string | null; measured_at: Iso; flags: string[] }
  event?: { name: string; device: string | null; [fact: string]: unknown }
  rejected?: { reason: string; detail: string; device: string | null }
}
export interface Tried { id: number; said: Said[]; readings: number; refused: number; missing: string[] }
export interface Preview { faults: Fault[]; tried: Tried[] }

export const emptyMapping = (): Mapping => ({ quantity: '', value: '', unit: '', factor: 1, offset: 0, true_when: [], false_when: [], ignore: [], alarm: null })
export const emptyTemplate = (topic = ''): Template => ({
  name: nameFor(topic), title: '', topic, device: deviceFor(topic), items: '', time: '', time_as: 'auto', hours_east: 8, battery: '', test: null, fault: null, skip: null, readings: [emptyMapping()],
})
/** The first level of a topic as a name, and the first wildcard as the device: right more often than not. */
function nameFor(topic: string): string {
  const levels = topic.split('/')
  const from = levels[0] === 'push' && levels[1] ? levels[1] : levels[0]
  return (from ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, 40)
}
function deviceFor(topic: string): string {
  const at = topic.split('/').indexOf('+')
  return at < 0 ? '' : `topic:${at}`
}
