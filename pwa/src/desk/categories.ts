/** What an incident may have turned out to be (事件类别 of 6.3.7.1), by kind of alert. Our own choice. */
import { word } from '../rulebook'
import type { Kind } from '../wire/types'

const BY_KIND: Record<Kind, readonly string[]> = {
  smoke: ['real_fire', 'smoulder', 'kitchen_fire', 'battery_fire'],
  gas: ['gas_leak', 'gas_hose', 'gas_flame_out', 'gas_cylinder'],
  electric: ['overload', 'short_circuit', 'leakage', 'arc'],
  structure: ['tilt', 'crack', 'falling'],
  hydrant: ['low_pressure', 'hydrant_leak'],
  water: ['illness', 'away', 'water_leak'],
  door: ['illness', 'fall', 'away'],
}
const ANY_KIND = ['hidden_danger', 'device_fault', 'other'] as const

export const categories = (kind: Kind): { code: string; word: string }[] =>
  [...BY_KIND[kind], ...ANY_KIND].map((code) => ({ code, word: categoryWord(code) }))

/** The words of a category; a code of another version stays as it is. */
export const categoryWord = (code: string): string => word('categories', code)
