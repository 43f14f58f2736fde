import { describe, expect, it } from 'vitest'
import { noticeOf, readPush } from '../src/alarm/notice'

const pushed = (data: Record<string, unknown>) => readPush({ id: 'm', title: '通信测试', body: '', urgency: 'high', handling: 'actual', actions: [], url: '/field', data, sentAt: '' })!

describe('a communication test', () => {
  it('is shown without a sound or a tremble, and wakes nobody when it comes again', () => {
    const { options } = noticeOf(pushed({ kind: 'test', quiet: true }))
    expect(options.silent).toBe(true)
    expect(options.vibrate).toBeUndefined()
    expect(options.renotify).toBe(false)
  })
  it('is heard by who chose to hear it', () => {
    const { options } = noticeOf(pushed({ kind: 'test', quiet: false }))
    expect(options.silent).toBe(false)
    expect(options.vibrate).toBeDefined()
  })
  it('never makes an alarm quiet', () => {
    expect(noticeOf(pushed({ kind: 'offer', incidentId: 'i', offerId: 'o' })).options.silent).toBe(false)
  })
})
