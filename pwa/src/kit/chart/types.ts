/** A chart as the service sends it; instants in lists are epoch milliseconds. See DetectorSeries. */
import type { Iso, Uuid } from '../../wire/types'

export type Length = 'hour' | 'day' | 'month'
export type Spot = [ms: number, value: number]
export type Odd = [ms: number, value: number, word: 'test' | 'fault']
/** One stretch of a summary, ``stepS`` wide from ``ms`` on. */
export type Bar = [ms: number, low: number, high: number, mean: number, n: number, overS: number]

export interface Limit {
  rule: string
  form: 'above' | 'below' | 'beyond'
  stage: 'note' | 'alarm'
  /** a change from the detector's own baseline, which the line cannot show */
  change: boolean
  raiseAt: number
  clearAt: number
  ours: boolean
  source: string
}

export interface Stretch { since: Iso; until: Iso | null; word: string; kind: 'alarm' | 'muted' | 'maintenance' | 'test' }

export interface Picture {
  detectorId: Uuid
  label: string
  quantity: string
  quantities: string[]
  kind: string
  /** water and doors: nobody sees the curve */
  private: boolean
  unit: string | null
  /** on or off, no number */
  switch: boolean
  since: Iso
  until: Iso
  at: Iso
  intervalS: number
  grain: 'raw' | 'hour' | 'day'
  stepS: number
  runs: Spot[][]
  bars: Bar[][]
  late: Spot[]
  odd: Odd[]
  gaps: [from: number, to: number][]
  last: Spot | null
  limits: Limit[]
  stretches: Stretch[]
}

/** Where a device keeps what it last fetched; the phone's is the one that survives a restart. */
export interface Kept {
  read(key: string): Promise<Picture | undefined>
  write(key: string, picture: Picture): Promise<void>
}

/** Water and doors, as far as the desk may see them: hours with and without use. */
export interface Living { detectorId: Uuid; since: Iso; hours: (boolean | null)[]; unusedH: number; atLeast: boolean }
