/**
 * What this phone says of itself, in one small message with its position: permissions, battery and
 * version. Only the newest counts, so what could not be sent is said anew when the network is back.
 */
import { correctedNow } from '../kit/clock'
import { post, Problem } from '../wire/api'
import { deviceId } from '../wire/session'
import type { Position } from '../wire/types'

type Grant = 'granted' | 'denied' | 'unknown'
interface Cell { level: number; charging: boolean }
interface PhoneReport {
  at: string
  deviceId: string
  permissions: { notification: Grant; location: Grant; camera: Grant }
  batteryPct: number | null
  charging: boolean
  version: string
  current: boolean | null
}

/** Without a change the same is said again so often. */
const EVERY_MS = 300_000
let told = ''
let toldAt = -Infinity

const granted = (state: string | undefined): Grant => (state === 'granted' || state === 'denied' ? state : 'unknown')
const asked = async (name: string): Promise<Grant> =>
  granted((await navigator.permissions?.query({ name: name as PermissionName }).catch(() => null))?.state)

/** The build of the page that runs now: the name of its own script. */
const version = (): string => /([\w-]+)\.js/.exec(document.querySelector<HTMLScriptElement>('script[type=module][src]')?.src ?? '')?.[1]?.slice(0, 40) ?? ''

async function phoneReport(): Promise<PhoneReport> {
  const cell = await (navigator as unknown as { getBattery?: () => Promise<Cell> }).getBattery?.().catch(() => undefined)
  const [location, camera] = await Promise.all([asked('geolocation'), asked('camera')])
  const worker = await navigator.serviceWorker?.getRegistration().catch(() => undefined)
  const notification: Grant = typeof Notification === 'undefined' ? 'unknown' : granted(Notification.permission)
  return {
    at: new Date(correctedNow()).toISOString(),
    deviceId: deviceId(),
    permissions: { notification, location, camera },
    batteryPct: cell ? Math.round(cell.level * 100) : null,
    charging: cell?.charging ?? false,
    version: version(),
    current: worker ? !worker.waiting : null,
  }
}

/** What is worth a message of its own: a step of the battery is, a per cent is not. */
const gist = ({ permissions, batteryPct, charging, current }: PhoneReport): string =>
  JSON.stringify([permissions, batteryPct === null ? null : Math.ceil(batteryPct / 10), charging, current])

/**
 * Say it with a position, or alone when something changed or it was long ago.
 *
 * @throws what the network throws: the position is then said again with the next fix.
 */
export async function beat(position: Position | null): Promise<void> {
  const phone = await phoneReport()
  const at = correctedNow()
  if (!position && gist(phone) === told && at - toldAt < EVERY_MS) return
  try {
    await post('/api/field/heartbeat', { phone, position: position && { ...position, batteryPct: phone.batteryPct } })
  } catch (error) {
    // off duty meanwhile, or a clock that runs far ahead: saying it again would not help
    if (!(error instanceof Problem)) throw error
  }
  told = gist(phone)
  toldAt = at
}

const WATCHED = ['notifications', 'geolocation', 'camera'] as const
const LOOK_EVERY_MS = 60_000
let beating: ReturnType<typeof setInterval> | undefined
let watched = false
/** What fails here is said again: at the next look, or when the network is back. */
const quietly = (): void => void (beating !== undefined && beat(null).catch(() => undefined))

/** On duty: also without a position, and at once when a permission is taken away or given. */
export function startBeating(): void {
  if (beating !== undefined) return
  beating = setInterval(quietly, LOOK_EVERY_MS)
  quietly()
  if (watched) return
  watched = true
  addEventListener('online', quietly)
  for (const name of WATCHED) void navigator.permissions?.query({ name: name as PermissionName }).then((status) => status.addEventListener('change', quietly)).catch(() => undefined)
}

export function stopBeating(): void {
  clearInterval(beating)
  beating = undefined
  told = ''
}
