/** What the sheets for merging, waiving, a substitute for normal readings and addenda say and reckon. */
import { words } from '../i18n'
import { metresBetween } from '../kit/map/scale'
import type { BoardRow, IncidentView, TimelineEntry, Uuid } from '../wire/types'

/** Further away nobody merges by mistake. */
const MERGE_M = 200

export interface Beside { row: BoardRow; metres: number; linked: boolean }

/** Other open incidents near this one, nearest first; ``linked``: the journal says that they are one event. Pure. */
export function beside(of: IncidentView, rows: Iterable<BoardRow>): Beside[] {
  const found: Beside[] = []
  const linked = new Set(of.links.beside?.map((link) => link.incidentId))
  for (const row of rows) {
    if (row.id === of.id || ['released', 'archived'].includes(row.state) || row.handling !== of.handling) continue
    const metres = metresBetween(of.place, row)
    if (metres > MERGE_M) continue
    found.push({ row, metres, linked: linked.has(row.id) })
  }
  return found.sort((a, b) => Number(b.linked) - Number(a.linked) || a.metres - b.metres)
}

/** Debts that nobody can waive; the service refuses them as well. */
export const NEVER_WAIVED = new Set(['false_report', 'community_report', 'unit_contacted', 'authority_report', 'cordon_lifted', 'evacuation'])

/** Field records that came after the seal and that no addendum has answered. Pure. */
export function unanswered(timeline: readonly TimelineEntry[]): TimelineEntry[] {
  const answered = new Set(timeline.map((entry) => (entry.type === 'AddendumAppended' ? entry.facts['answers'] : null)))
  return timeline.filter((entry) => entry.type === 'AddendumProposed' && !answered.has(entry.version))
}

/** For how many minutes a device may be muted: smoke and gas no longer than 2 h, others no longer than a day. */
export function muteChoices(kind: string): number[] {
  return kind === 'smoke' || kind === 'gas' ? [15, 30, 60, 120] : [30, 120, 480, 1440]
}

export interface Colleague { id: Uuid; name: string; roles: string[] }

export const t = words({
  beside: ['旁边的警情', 'Beside it'],
  linked: ['同一事件', 'one event'],
  open_it: ['查看', 'Open'],
  merge: ['并入它', 'Merge into it'],
  merge_title: ['并入另一起警情', 'Merge into another incident'],
  merge_note: ['这一起会以"已并入"结束，探测器和记录归到 {no}；派出的人会收到停止出动。', 'This one ends as merged; its detectors count in {no}, and whoever was sent is told to stop.'],
  reason: ['原因', 'Reason'],
  waive: ['免除', 'Waive'],
  waive_title: ['免除：{what}', 'Waive: {what}'],
  waive_note: ['免除要写原因，记入档案。', 'A reason is needed; it stands in the record.'],
  substitute: ['监测无法恢复正常', 'Readings cannot return to normal'],
  substitute_do: ['用手持仪器复测代替', 'Measure by hand instead'],
  substitute_title: ['复测代替监测恢复（6.3.6.1）', 'A hand measurement instead (6.3.6.1)'],
  substitute_note: ['探测器坏了或被更换时，由两个人共同确认现场已经正常。更换和重新基准由技术人员提交。', 'Where a detector is broken or gone, two persons confirm that the place is normal. Replacement and a new baseline are the technician’s.'],
  evidence: ['测了什么、结果、用什么仪器', 'What was measured, the result, the instrument'],
  second: ['第二人', 'The second person'],
  choose: ['请选择', 'Choose'],
  confirm: ['确认正常', 'Confirm normal'],
  late: ['封存后送到的现场记录', 'Field records that came after the seal'],
  late_card: ['封存后有新记录', 'a record came after the seal'],
  late_note: ['原档不变；写成补充，或说明为什么不采用，都由另一人核准。', 'The sealed record never changes; add it, or say why not. Another person approves either.'],
  adopt: ['写成补充', 'Add it'],
  leave: ['不采用', 'Leave it'],
  adopt_title: ['补充到档案', 'Add to the record'],
  leave_title: ['不采用这条记录', 'Leave this record out'],
  text: ['补充内容', 'What is added'],
  left: ['不采用', 'not adopted'],
  approved_by: ['核准人', 'Approved by'],
  addendum: ['补充档案', 'Add to the record'],
  send: ['提交', 'Submit'],
  mute: ['静音', 'Mute'],
  mute_change: ['改静音', 'Change mute'],
  mute_end: ['现在取消静音', 'End the mute now'],
  mute_title: ['静音：{label}', 'Mute: {label}'],
  mute_note: ['静音期间照常记录读数，但不报警；到时自动恢复，仍超限会立即报警。', 'Readings are kept, but nothing is raised. It ends by itself, and what is still over the limit is raised then.'],
  mute_for: ['静音多久', 'For how long'],
  mute_min: ['{n} 分钟', '{n} min'],
  mute_h: ['{n} 小时', '{n} h'],
  muted_until: ['静音至 {at}', 'muted until {at}'],
  close: ['关闭', 'Close'],
})
