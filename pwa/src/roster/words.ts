import { words } from '../i18n'

export const t = words({
  desk: ['内勤', 'Desk'],
  desk_lead: ['值班长', 'Desk lead'],
  field: ['现场', 'Field'],
  technician: ['技术', 'Technician'],

  s_asked: ['等对方答复', 'waits for the colleague'],
  s_accepted: ['对方同意，等批准', 'agreed, waits for approval'],
  s_done: ['已换', 'done'],
  s_declined: ['对方不换', 'declined'],
  s_refused: ['没有批准', 'not approved'],
  s_withdrawn: ['已撤回', 'withdrawn'],
  s_expired: ['已过期', 'expired'],
})
