/** Facts of an event as a person reads them: codes become words, nested facts get dotted names. */
import { language, type Facts, type Pair, type Said } from '../i18n'
import type { Rulebook } from '../wire/types'

/** Codes that the rule book has no table for. */
const OWN: Record<string, Pair> = {
  no_answer: ['无人接听', 'no answer'],
  reached: ['已接通', 'reached'],
  wrong_person: ['不是本人', 'wrong person'],
  called: ['已拨打', 'called'],
  done: ['完成', 'done'],
  not_possible: ['做不到', 'not possible'],
  out: ['已撤离', 'out'],
  refused: ['不愿离开', 'refused'],
  nobody_home: ['不在家', 'nobody home'],
  kind_rule: ['此类预警立即派人', 'this kind sends at once'],
  desk: ['值班台要求', 'asked by the desk'],
  alarm_again: ['再次报警', 'alarm again'],
  undone: ['撤回接警', 'acceptance undone'],
  overruled: ['不采信误报', 'false alarm not accepted'],
  unreachable: ['联系不上', 'nobody reached'],
  cannot_handle: ['当事人处理不了', 'the resident cannot cope'],
  false_needs_visit: ['误报待核实', 'a false alarm to verify'],
  uncontrollable: ['情况不可控', 'out of control'],
  no_desk: ['没有值班台呈现', 'no desk showed it'],
  gateway_storm: ['网关大量报警，已并为一起', 'a gateway raises too many: one incident'],
  contact_limit: ['联系超时', 'contact took too long'],
  corroborated: ['两个探测器同时报警', 'two detectors alarm'],
  slow: ['出警超时', 'the way takes too long'],
  asked: ['现场要求', 'asked for'],
  desk_claim: ['还没有人接手', 'nobody has claimed it'],
  desk_claim_lead: ['仍没有人接手，已呼叫值班长', 'still nobody: the desk lead is called'],
  en_route: ['超时未到，再派一人', 'not there in time: one more is sent'],
  lone_worker_silent: ['呼叫不到入户人员，已报告救援', 'no answer from inside: reported for rescue'],
  call_119: ['求救后还没有记录 119', 'a cry for rescue and 119 not called'],
  stand_down_lead: ['误报久未解除', 'a false alarm still to release'],
  monitored: ['移交的隐患到期复查', 'time to look at what was handed over'],
  tell_authority: ['超过移交时的数值，请通知主管部门', 'worse than at the hand-over: tell the authority'],
  nobody_left: ['无人可派', 'nobody left to send'],
  lone_worker: ['入户满 5 分钟，请电话确认', '5 minutes inside: call them'],
  call_120: ['有人受伤，还没有拨打 120', 'somebody is hurt and 120 not called'],
  report_delivered: ['报告未确认送达', 'a report is not delivered'],
  report_voice: ['报告请打电话', 'phone the office'],
  stand_down_release: ['误报待解除', 'a false alarm to release'],
  archive: ['待归档', 'to be archived'],
  not_qualified: ['资质不符', 'not qualified'],
  off_shift: ['班次已结束', 'shift is over'],
  leads_elsewhere: ['正在别处处置', 'leads elsewhere'],
  asked_already: ['本轮已问过', 'asked in this round'],
  asked_elsewhere: ['另一起警情正在问', 'being asked about another incident'],
  phone_silent: ['手机联系不上', 'phone not reachable'],
  desk_chose: ['更靠前，值班台另选了人', 'came before; the desk chose somebody else'],
  led_before: ['更靠前，先问了刚在现场的人', 'came before; who had just been there was asked first'],
  false_alarm: ['误报', 'false alarm'],
}

/** Facts that hold a code, and the tables of the book to look it up in. */
const CODED: Record<string, readonly (keyof Rulebook)[]> = {
  result: [], status: [], about: ['obligations'], passedOver: [],
  reason: ['declineReasons'], code: ['obligations'], category: ['categories'], item: ['cards'], missing: ['ppe', 'missing'],
}

/** The words of a code that stands in the fact ``name``; the text itself when it is no code. */
export function codeWord(book: Rulebook | null, name: string, code: string): string {
  for (const table of CODED[name] ?? []) {
    const said = table === 'cards' ? itemOf(book, code) : table === 'ppe' ? ppeOf(book, code) : (book?.[table] as Record<string, Said> | undefined)?.[code]
    if (said) return said[language.value]
  }
  return OWN[code]?.[language.value === 'zh' ? 0 : 1] ?? code
}

export function plainFacts(book: Rulebook | null, facts: Readonly<Record<string, unknown>>): Facts {
  const plain: Record<string, string | number | boolean | null> = {}
  for (const [name, fact] of Object.entries(facts)) {
    if (Array.isArray(fact)) plain[name] = fact.filter((f) => typeof f === 'string').map((f) => codeWord(book, name, f as string)).join('、')
    else if (typeof fact === 'object' && fact !== null) {
      for (const [inner, value] of Object.entries(fact)) if (typeof value === 'string' || typeof value === 'number') plain[`${name}.${inner}`] = value
    } else if (typeof fact === 'string') plain[name] = name in CODED ? codeWord(book, name, fact) : fact
    else plain[name] = (fact ?? null) as number | boolean | null
  }
  return plain
}

const itemOf = (book: Rulebook | null, code: string): Said | undefined =>
  Object.values(book?.cards ?? {}).flatMap((card) => card.items).find((item) => item.code === code)
const ppeOf = (book: Rulebook | null, code: string): Said | undefined =>
  Object.values(book?.ppe ?? {}).flat().find((entry) => entry.code === code)
