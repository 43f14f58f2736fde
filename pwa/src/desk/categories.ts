/** What an incident turned out to be (事件类别 of 6.3.7.1), by kind of alert. Our own list. */
import { words } from '@/i18n'
import type { Kind } from '../wire/types'

const t = words({
  fire: ['起火', 'Fire'],
  smoulder: ['阴燃、烧焦', 'Smouldering or burnt'],
  cooking_fire: ['厨房油锅起火', 'Cooking fire'],
  battery_fire: ['电动车、电池起火', 'Battery fire'],
  gas_leak: ['管道或阀门泄漏', 'Pipe or valve leak'],
  gas_hose: ['软管脱落、老化', 'Hose off or worn'],
  gas_flame_out: ['熄火未关', 'Flame out, left open'],
  gas_cylinder: ['液化气瓶泄漏', 'Cylinder leak'],
  overload: ['用电过载', 'Overload'],
  short_circuit: ['短路', 'Short circuit'],
  leakage: ['漏电', 'Earth leakage'],
  arc: ['电弧、接触不良', 'Arc or bad contact'],
  tilt: ['倾斜变形', 'Tilt'],
  crack: ['裂缝发展', 'Growing crack'],
  falling: ['构件脱落', 'Falling part'],
  low_pressure: ['水压不足', 'Low pressure'],
  hydrant_leak: ['消火栓漏水、损坏', 'Hydrant leaks or is broken'],
  illness: ['身体不适', 'Unwell'],
  away: ['外出', 'Away from home'],
  fall: ['跌倒', 'Fall'],
  water_leak: ['漏水', 'Water leak'],
  false_alarm: ['误报', 'False alarm'],
  other: ['其他', 'Other'],
})
type Code = Parameters<typeof t>[0]

const BY_KIND: Record<Kind, readonly Code[]> = {
  smoke: ['fire', 'smoulder', 'cooking_fire', 'battery_fire'],
  gas: ['gas_leak', 'gas_hose', 'gas_flame_out', 'gas_cylinder'],
  electric: ['overload', 'short_circuit', 'leakage', 'arc'],
  structure: ['tilt', 'crack', 'falling'],
  hydrant: ['low_pressure', 'hydrant_leak'],
  water: ['illness', 'away', 'water_leak'],
  door: ['illness', 'fall', 'away'],
}

export function categories(kind: Kind): { code: string; word: string }[] {
  return [...BY_KIND[kind], 'other' as const].map((code) => ({ code, word: t(code) }))
}

/** The words of a category in a record; a code of another version stays as it is. */
export function categoryWord(code: string): string {
  const known = Object.values(BY_KIND).flat().find((c) => c === code) ?? (['other', 'false_alarm'] as const).find((c) => c === code)
  return known ? t(known) : code
}
