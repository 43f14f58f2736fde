/** The order of an office's inbox. Pure. */
import type { ReportView } from '../wire/types'

/** Unacknowledged first, the longest waiting on top; then the answered ones, the youngest on top. */
export function arrange(reports: readonly ReportView[]): ReportView[] {
  const at = (iso: string | null): number => (iso ? Date.parse(iso) : 0)
  const open = reports.filter((r) => !r.acknowledgedAt).sort((a, b) => at(a.sentAt) - at(b.sentAt))
  const done = reports.filter((r) => r.acknowledgedAt).sort((a, b) => at(b.sentAt) - at(a.sentAt))
  return [...open, ...done]
}

/** Seconds that the oldest unacknowledged report has waited; null when all are answered. */
export function oldestWaitS(reports: readonly ReportView[], nowMs: number): number | null {
  const waits = reports.filter((r) => !r.acknowledgedAt && r.sentAt).map((r) => (nowMs - Date.parse(r.sentAt!)) / 1000)
  return waits.length ? Math.max(0, ...waits) : null
}

/** A numbered paper rather than a report for rescue. */
export const isPaper = (report: ReportView): boolean => report.purpose !== 'rescue'
