/** From a click on a value in a message to the expression that finds it, and lists of values as text. Pure. */
import type { Scalar, Template } from './types'

export type Step = string | number
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const NAMING = ['id', 'code', 'key', 'name', 'type', 'sid', 'identifier', 'param', 'tag', 'point']

const isObject = (value: Json | undefined): value is { [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value)
const quoted = (key: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? key : JSON.stringify(key))

export function at(body: Json, path: readonly Step[]): Json | undefined {
  let here: Json | undefined = body
  for (const step of path) {
    if (Array.isArray(here) && typeof step === 'number') here = here[step]
    else if (isObject(here) && typeof step === 'string') here = here[step]
    else return undefined
  }
  return here
}

/** A plain path; an element that its own name picks out is found by that name, not by its place. */
export function expression(body: Json, path: readonly Step[]): string {
  let text = ''
  let filtered = false
  path.forEach((step, place) => {
    if (typeof step === 'string') {
      text += text ? `.${quoted(step)}` : quoted(step)
      return
    }
    const list = at(body, path.slice(0, place))
    const element = Array.isArray(list) ? list[step] : undefined
    const name = place + 1 < path.length && !filtered && isObject(element) ? namedBy(list as Json[], element, path[place + 1]!) : null
    if (name === null) text += `[${step}]`
    else {
      filtered = true
      text += `[?${quoted(name)}==${literal(element![name as keyof typeof element] as Scalar)}]`
    }
  })
  return filtered ? `${text} | [0]` : text || '@'
}

/** The key that names one element among its like: a text or number that no other element has. */
function namedBy(list: readonly Json[], element: { [key: string]: Json }, wanted: Step): string | null {
  const keys = NAMING.filter((key) => key !== wanted && (typeof element[key] === 'string' || typeof element[key] === 'number'))
  return keys.find((key) => list.filter((other) => isObject(other) && other[key] === element[key]).length === 1 && list.length > 1) ?? null
}

function literal(value: Scalar): string {
  return typeof value === 'string' && !/['\\]/.test(value) ? `'${value}'` : `\`${JSON.stringify(value)}\``
}

/** What is written into a field when a value is clicked; with an array of items, as seen from one item. */
export function picked(body: Json, path: readonly Step[], template: Pick<Template, 'items'>, field: string): string {
  if (field === 'items') {
    const last = path.map((step) => typeof step).lastIndexOf('number')
    const whole = Array.isArray(at(body, path)) ? path : path.slice(0, Math.max(last, 0))
    return expression(body, whole)
  }
  if (!template.items) return expression(body, path)
  for (let length = path.length - 1; length >= 0; length -= 1) {
    if (typeof path[length] === 'number' && expression(body, path.slice(0, length)) === template.items) {
      return expression(at(body, path.slice(0, length + 1)) ?? null, path.slice(length + 1))
    }
  }
  return `$.${expression(body, path)}`
}

/** ``1, 02, ALARM, "3"`` as values: what JSON reads as a number or true/false is one, the rest is text. */
export function scalars(text: string): Scalar[] {
  return (text.match(/"(?:[^"\\]|\\.)*"|[^,，\s]+/g) ?? []).map((word) => {
    try {
      const value: unknown = JSON.parse(word)
      if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
    } catch {
      // a bare word is a text
    }
    return word
  })
}

export function written(values: readonly Scalar[]): string {
  return values.map((value) => (typeof value !== 'string' ? String(value) : /[\s,，"]/.test(value) || !same(scalars(value), value) ? JSON.stringify(value) : value)).join(', ')
}
const same = (found: Scalar[], value: string): boolean => found.length === 1 && found[0] === value

/** What differs between two versions: each field by its place, before and after. */
export function changes(before: Template | null, after: Template): { field: string; before: string; after: string }[] {
  const old = before ? flat(before) : new Map<string, string>()
  const now = flat(after)
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => old.get(field) !== now.get(field))
    .map((field) => ({ field, before: old.get(field) ?? '', after: now.get(field) ?? '' }))
}
function flat(value: unknown, field = '', into = new Map<string, string>()): Map<string, string> {
  const list = Array.isArray(value) && value.some((one) => typeof one === 'object')
  if (typeof value === 'object' && value !== null && (!Array.isArray(value) || list)) {
    for (const [key, inner] of Object.entries(value)) flat(inner, field ? `${field}.${key}` : key, into)
  } else if (value !== null && value !== '' && !(Array.isArray(value) && !value.length)) {
    into.set(field, Array.isArray(value) ? written(value as Scalar[]) : String(value))
  }
  return into
}
