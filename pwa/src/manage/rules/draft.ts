/** A draft of changes: pure functions over the program's own rules and what differs from them. */
import { NUMBERS, type Change, type NumberName, type Rule, type RuleSet } from './types'

/** Where a change holds: everywhere, in a rule group, or for one detector. */
export interface Scope {
  group?: string
  detector?: string
}

export const sameScope = (one: Scope, other: Scope): boolean => (one.group ?? null) === (other.group ?? null) && (one.detector ?? null) === (other.detector ?? null)

/** The rule as it holds in a scope: the program's own, its group's, then ours from wide to narrow. */
export function held(rule: Rule, given: readonly Change[], changes: readonly Change[], scope: Scope): Rule {
  const here = [
    ...given.filter((one) => one.group === scope.group && scope.group !== undefined),
    ...changes.filter((one) => sameScope(one, {})),
    ...changes.filter((one) => scope.group !== undefined && sameScope(one, { group: scope.group })),
    ...changes.filter((one) => scope.detector !== undefined && sameScope(one, { detector: scope.detector })),
  ].filter((one) => one.code === rule.code)
  const found = { ...rule }
  for (const change of here) {
    for (const name of NUMBERS) if (change[name] !== undefined) found[name] = change[name] as never
    if (change.off !== undefined) found.off = change.off
  }
  return found
}

/** Which numbers of a rule mean anything, in the order they are read. */
export function numbersOf(rule: Rule): NumberName[] {
  const hours = rule.of === 'unused' || rule.of === 'running' || rule.of === 'still'
  const found: NumberName[] = rule.form === 'flag' ? [] : ['raiseAt']
  if (rule.form !== 'flag' && !hours) found.push('clearAt')
  if (!hours) found.push('onDelayS')
  if (rule.nightOnDelayS !== null) found.push('nightOnDelayS')
  if (rule.of === 'rate') found.push('times')
  if (rule.windowS) found.push('windowS')
  if (rule.of === 'unused') found.push('least')
  if (rule.learnS) found.push('learnS')
  found.push('normals', 'offDelayS')
  return found
}

/** The draft with one value set; what equals the value around it is no change. */
export function set(draft: readonly Change[], rule: Rule, scope: Scope, name: NumberName | 'off', value: number | boolean, around: Rule): Change[] {
  const others = draft.filter((one) => one.code !== rule.code || !sameScope(one, scope))
  const mine: Change = { ...(draft.find((one) => one.code === rule.code && sameScope(one, scope)) ?? { code: rule.code, ...scope }) }
  if (around[name] === value) delete mine[name]
  else mine[name] = value as never
  const says = NUMBERS.some((each) => mine[each] !== undefined) || mine.off !== undefined
  return says ? [...others, mine] : others
}

export interface Move {
  code: string
  scope: Scope
  name: NumberName | 'off'
  before: number | boolean
  after: number | boolean
}

/** Every number that differs between two sets of changes. */
export function moves(rules: readonly Rule[], given: readonly Change[], before: readonly Change[], after: readonly Change[]): Move[] {
  const found: Move[] = []
  const scopes: Scope[] = []
  for (const { group, detector } of [...before, ...after]) {
    const scope: Scope = { ...(group && { group }), ...(detector && { detector }) }
    if (!scopes.some((one) => sameScope(one, scope))) scopes.push(scope)
  }
  for (const scope of scopes) {
    const codes = new Set([...before, ...after].filter((one) => sameScope(one, scope)).map((one) => one.code))
    for (const rule of rules.filter((one) => codes.has(one.code))) {
      const was = held(rule, given, before, scope)
      const is = held(rule, given, after, scope)
      for (const name of [...NUMBERS, 'off'] as const) {
        const own = (list: readonly Change[]): unknown => list.find((one) => one.code === rule.code && sameScope(one, scope))?.[name]
        if (was[name] !== is[name] && (own(before) !== own(after))) found.push({ code: rule.code, scope, name, before: was[name] as number, after: is[name] as number })
      }
    }
  }
  return found
}

export const isOpen = (one: RuleSet): boolean => one.approvedAt === null && one.declinedAt === null
