/** The lead's page of rounds as the service gives it. */
import type { Repair, Round } from '../../field/inspection/types'
import type { Iso, Uuid } from '../../wire/types'

export interface RepairsPage { now: Iso; repairs: Repair[] }
export interface Plan { id: Uuid; name: string; cycle: string; kinds: string[]; models: string[]; streets: string[]; active: boolean; firstOn: string }
export interface Overview {
  now: Iso
  today: string
  plans: Plan[]
  rounds: Round[]
  people: { id: Uuid; name: string }[]
  names: Record<Uuid, string>
  kinds: string[]
  models: string[]
  streets: string[]
}
export interface Month { month: number; total: number; done: number; inTime: number; bad: number }
export interface YearFigures {
  year: number; rounds: number; total: number; done: number; inTime: number; left: number; bad: number; handed: number
  months: Month[]
  items: Record<string, number>
  repairs: { opened: number; done: number; inTime: number; breached: number; medianH: number | null }
}
