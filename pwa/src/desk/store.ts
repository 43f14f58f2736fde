/** What the desk knows, and the only place where the desk talks to the service. */
import { computed, nextTick, reactive, shallowRef } from 'vue'
import { now, correctedNow, setServerNow } from '@/kit/clock'
import { loadRulebook } from '../rulebook'
import { get, Problem, Unreachable } from '../wire/api'
import { envelope, sendCommands } from '../wire/commands'
import { Live } from '../wire/live'
import { signOut as endSession, whoAmI } from '../wire/session'
import type { Board, BoardRow, Command, Contacts, Frame, IncidentView, Me, Readings, Refusal, Role, Uuid } from '../wire/types'
import { ring } from './bell'
import { coalesce } from './pull'
import { divide, merge, unclaimed } from './queue'
import { t } from './words'

/** Older than this, nothing on the board may look calm. Seconds. */
export const STALE_S = 12
const PULL_EVERY_MS = 5_000
const READINGS_EVERY_MS = 5_000

type Told = Readonly<{ refusal: Refusal | null; text: string }>

export const desk = reactive({
  me: null as Me | null,
  loaded: false,
  error: '',
  /** Server-corrected instant (ms) of the last board that arrived whole. */
  heardAt: 0,
  connected: false,
  selected: null as Uuid | null,
  sending: false,
  told: null as Told | null,
  rows: new Map() as ReadonlyMap<Uuid, BoardRow>,
  staff: [] as Board['staff'],
  today: null as Board['today'] | null,
  ratio: null as Board['ratio'] | null,
  layers: [] as Board['layers'],
  moves: [] as Board['moves'],
})
export const view = shallowRef<IncidentView | null>(null)
export const viewError = shallowRef('')
export const contacts = shallowRef<Contacts | null>(null)
export const contactsError = shallowRef('')
export const readings = shallowRef<Readings['series']>([])

export const queue = computed(() => divide(desk.rows.values()))
export const dataAgeS = computed(() => (desk.heardAt ? Math.max(0, (now.value - desk.heardAt) / 1000) : 0))
export const stale = computed(() => desk.heardAt > 0 && dataAgeS.value > STALE_S)
export const can = (name: string): boolean => view.value?.allowed.includes(name) ?? false

let cursor = 0
let live: Live | null = null
/** Incidents whose card this browser has already reported as shown, on this connection. */
const presented = new Set<Uuid>()

/** Who may see the board; see the guards of ``/api/desk``. */
export const seated = (roles: readonly Role[]): boolean => roles.some((role) => ['desk', 'desk_lead', 'manager'].includes(role))

export async function startDesk(): Promise<void> {
  void loadRulebook()
  for (;;) {
    try {
      desk.me = await whoAmI()
      break
    } catch (error) {
      desk.error = why(error)
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
  if (!desk.me) {
    location.assign('/login?next=/desk')
    return
  }
  if (!seated(desk.me.roles)) return
  live = new Live('/ws', {
    frame: heard,
    connected: (on) => {
      desk.connected = on
      presented.clear()
      if (on) void pullNow()
    },
  })
  live.start()
  setInterval(() => void pullNow(), PULL_EVERY_MS)
  setInterval(() => void pullReadings(), READINGS_EVERY_MS)
  await pullNow()
}

export async function signOut(): Promise<void> {
  await endSession().catch(() => undefined)
  location.assign('/login')
}

function heard(frame: Frame): void {
  if (frame.t === 'hello' || frame.t === 'ping') setServerNow(frame.now)
  if (frame.t === 'hello' || (frame.t === 'news' && frame.cursor > cursor)) void pullNow()
}

export const pullNow = coalesce(async () => {
  try {
    const board = await get<Board>(`/api/desk/board?since=${cursor}`)
    take(board)
  } catch (error) {
    if (error instanceof Problem && error.status === 401) location.assign('/login?next=/desk')
    desk.error = why(error)
  }
})

function take(board: Board): void {
  setServerNow(board.now)
  desk.rows = merge(desk.rows, board.incidents, board.full)
  desk.staff = board.staff
  desk.today = board.today
  desk.ratio = board.ratio
  desk.layers = board.layers
  desk.moves = board.moves
  cursor = board.cursor
  desk.heardAt = correctedNow()
  desk.loaded = true
  desk.error = ''
  ring(unclaimed(desk.rows.values()))
  if (!desk.selected) {
    const first = unclaimed(desk.rows.values())[0] ?? queue.value.open[0]
    if (first) select(first.id)
  }
  const row = desk.selected ? desk.rows.get(desk.selected) : undefined
  const shown = view.value
  // A sealed incident leaves the board; the one being looked at is read once more then.
  // the bytes of a photograph come after its event, and are no event of their own
  const coming = shown?.photos.some((photo) => !photo.stored) ?? false
  // what comes after the seal stands on no board any more, but in its own record
  const later = board.incidents.some((one) => one.id === shown?.id && one.version > shown.version)
  if (shown && (coming || later || (row ? shown.version < row.version : shown.state !== 'archived'))) void pullView()
  void report(board.incidents)
}

/** Tell the server which new cards are really on this screen; its clock stamps the two seconds. */
async function report(rows: readonly BoardRow[]): Promise<void> {
  const fresh = rows.filter((r) => r.presentedMs === null && r.alertActive && !presented.has(r.id))
  if (!fresh.length) return
  await nextTick()
  await painted()
  for (const row of fresh) {
    if (live?.send({ t: 'presented', incidentId: row.id, version: row.version })) presented.add(row.id)
  }
}

/** After the next frame; a tab in the background draws none, so a timer stands in. */
export function painted(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 50)
    requestAnimationFrame(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

export function select(id: Uuid): void {
  if (desk.selected === id && view.value) return
  desk.selected = id
  view.value = null
  viewError.value = ''
  contacts.value = null
  contactsError.value = ''
  readings.value = []
  desk.told = null
  void pullView()
  void pullContacts()
  void pullReadings()
}

export const pullView = coalesce(async () => {
  const id = desk.selected
  if (!id) return
  try {
    const got = await get<IncidentView>(`/api/incidents/${id}`)
    if (desk.selected !== id) return
    // The script follows the state: who is to be called changes after every attempt.
    const moved = view.value !== null && view.value.contact.attempts.length !== got.contact.attempts.length
    view.value = got
    viewError.value = ''
    if (moved) void pullContacts()
  } catch (error) {
    if (desk.selected === id) viewError.value = why(error)
  }
})

export const pullContacts = coalesce(async () => {
  const id = desk.selected
  if (!id) return
  try {
    const got = await get<Contacts>(`/api/incidents/${id}/contacts`)
    if (desk.selected !== id) return
    contacts.value = got
    contactsError.value = ''
  } catch (error) {
    if (desk.selected === id) contactsError.value = why(error)
  }
})

const pullReadings = coalesce(async () => {
  const id = desk.selected
  if (!id) return
  try {
    const got = await get<Readings>(`/api/incidents/${id}/readings`)
    if (desk.selected === id) readings.value = got.series
  } catch {
    // the last readings stay on the screen with their age
  }
})

/**
 * Send commands about the selected incident, in order; stops at the first refusal. What was
 * refused or not sent is said in words. True when all were taken.
 */
export async function act(...commands: Command[]): Promise<boolean> {
  const incident = view.value
  if (!incident) return false
  const mine = line.then(() => sent(incident, commands))
  line = mine
  return mine
}
/** What is tapped while another command is on its way waits for that one; no tap is dropped. */
let line: Promise<boolean> = Promise.resolve(true)

async function sent(incident: IncidentView, commands: readonly Command[]): Promise<boolean> {
  desk.sending = true
  desk.told = null
  const envelopes = commands.map((c) => envelope(incident.id, c, incident.version))
  try {
    const answers = await retried(() => sendCommands(envelopes))
    const refused = answers.find((a) => a.outcome === 'refused')
    if (refused?.refusal) desk.told = { refusal: refused.refusal, text: '' }
    await Promise.all([pullNow(), pullView()])
    return !refused
  } catch (error) {
    desk.told = { refusal: null, text: t('sendFailed', { why: why(error) }) }
    return false
  } finally {
    desk.sending = false
  }
}

/** Once more when no answer came; safe, because the same ids count once. */
async function retried<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    return await send()
  }
}

export function why(error: unknown): string {
  if (error instanceof Problem) return error.message
  if (error instanceof Unreachable) return t('unreachable')
  return String(error)
}
