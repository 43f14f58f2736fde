/**
 * The phone's one state: the last picture of the server, the outbox, the connection. Screens read
 * it and call ``tell``; nothing else talks to the service.
 */
import { computed, ref, shallowRef, watch } from 'vue'
import { Awake, subscribe, type PushState } from '../alarm/push'
import { Siren } from '../alarm/siren'
import { correctedNow, now, setServerNow } from '../kit/clock'
import { haveBooks, loadRulebook, recallRulebook, rulebook } from '../rulebook'
import { advance, known, verdict, type Pending, type Self, type Verdict } from '../rules/advance'
import { decides } from '../rules/table'
import { allEvidence, askForOriginals, connection, originalsAllowed } from '../sync/evidence'
import { accountClosed, agreedId, allItems, flush, heardTime, onChange, ownItems, say, sayAgain, setOwner, tidy, uploadAlone } from '../sync/outbox'
import { counts, pauseMs, unread, type Item } from '../sync/queue'
import { publicKey } from '../sync/sign'
import { saidAt } from '../sync/time'
import { keepHome, keptHome, merged, shown } from '../sync/snapshot'
import { NoStore, type Evidence } from '../sync/store'
import { get, post, Problem } from '../wire/api'
import { Live } from '../wire/live'
import { deviceId, me } from '../wire/session'
import type { Command, FieldHome, Frame, IncidentView, Message, Offer, ReceiptKind, Uuid } from '../wire/types'
import { fixOf, metresBetween, positionAllowed, startPosition, stopPosition } from './position'
import { screenAwake, tryVibration, watchPermissions } from './ready'
import { letUpdateIn } from './updates'

export const home = shallowRef<FieldHome | null>(null)
/** When the picture came, by this device's corrected clock; 0 = none yet. */
export const homeAt = ref(0)
export const live = ref(false)
/** The last time the service said anything at all. */
export const heardAt = ref(0)
export const signedOut = ref(false)
/** The account was closed by a manager; what was said before that has gone out. */
export const closed = ref(false)
export const items = shallowRef<Item[]>([])
export const photos = shallowRef<Evidence[]>([])
export const push = ref<PushState | 'unknown'>('unknown')
export const soundReady = ref(false)
export const storageKept = ref<boolean | null>(null)
export const battery = ref<number | null>(null)
/** The phone could not even write a tap down: the one failure that must never be quiet. */
export const notKept = ref(false)
/** The phone's store does not open at all: whatever is tapped now would be lost. */
export const noStore = ref(false)

export const siren = new Siren(() => (soundReady.value = siren.ready))
export const awake = new Awake((held) => (screenAwake.value = held))

/** What the rules said no to at the last tap; shown at once, until it is read. */
export const toldNo = shallowRef<(Verdict & { command: string }) | null>(null)

export const self = computed<Self>(() => {
  const who = home.value?.me
  return { id: who?.accountId ?? '', staffId: who?.staffId ?? null, name: who?.name ?? '', roles: who?.roles ?? ['field'], badge: '', onShift: onDuty.value }
})
export const tally = computed(() => counts(items.value, photos.value.filter((photo) => photo.role === 'clean')))
export const troubles = computed(() => unread(items.value))
export const onDuty = computed(() => home.value?.duty.on ?? false)
/** On duty with this phone: its sound was unlocked by a tap and its place is followed. */
export const dutyHere = computed(() => onDuty.value && [null, deviceId()].includes(home.value?.duty.deviceId ?? null))
/** Nothing heard for 12 s and no socket: the picture may be old. */
export const reachable = computed(() => live.value || now.value - heardAt.value < 12_000)

/**
 * What the server's picture of an incident does not show yet: the unsent, and what was accepted
 * after that picture was taken. Without these the screen would fall back a step for a moment.
 */
const pendingOf = (view: IncidentView): Pending[] =>
  items.value
    .filter((item) => item.incidentId === view.id && (item.state === 'saved' || (item.state === 'accepted' && (item.version ?? 0) > view.version)))
    .sort((a, b) => a.order - b.order)
    .map(({ envelope, state }) => ({ at: saidAt(envelope), command: envelope.command, answered: state === 'accepted' }))

/** The incidents as this phone knows them: the server's view, moved on by what is still unsent. */
export const incidents = computed<IncidentView[]>(() => {
  const book = rulebook.value
  const views = home.value?.incidents ?? []
  return decides(book) ? views.map((view) => advance(book, view, pendingOf(view), self.value)) : views
})

/** Offers still open by the clock and not answered on this phone. */
export const offers = computed<Offer[]>(() => {
  const answered = new Set(
    items.value
      .filter((item) => ['accept', 'decline'].includes(item.envelope.command.name) && item.state !== 'parked')
      .map((item) => item.envelope.command.offerId),
  )
  return (home.value?.offers ?? []).filter((offer) => Date.parse(offer.expiresAt) > now.value && !answered.has(offer.id))
})

/* ---- saying ---- */

/** What the rules say to this tap, on the newest picture this phone has; null where they cannot say. */
function judged(incidentId: Uuid, command: Command): Verdict | null {
  const book = rulebook.value
  const view = incidents.value.find((each) => each.id === incidentId)
  if (!view || !decides(book)) return null
  const me = self.value
  const here = fixOf()
  const at = new Date(correctedNow()).toISOString()
  const leadsElsewhere = incidents.value.some((each) => each.id !== incidentId && each.alertActive && each.lead?.staffId === me.staffId)
  try {
    return verdict(book, view, command, me, known(me, at, { leadsElsewhere, metres: here && metresBetween(here, view.place) }))
  } catch {
    return null // a fault of ours never costs a tap: it is kept, and the server decides
  }
}

/**
 * Write a command down and send it when possible. Resolves once it is safe on the phone; with null
 * when the rules say no and it is neither a fact nor raises severity: then nothing was written.
 */
export async function tell(incidentId: Uuid, command: Command, commandId?: string): Promise<Item | null> {
  const view = home.value?.incidents.find((each) => each.id === incidentId)
  navigator.vibrate?.(30)
  const said = judged(incidentId, command)
  if (said?.refusal) toldNo.value = { ...said, command: command.name }
  if (said && !said.queued) return null
  let item: Item
  try {
    item = await say({ incidentId, command, seenVersion: view?.version ?? null, deviceId: deviceId(), position: fixOf(), commandId })
    notKept.value = false
  } catch (error) {
    notKept.value = true
    throw error
  }
  await rereadItems()
  void sendAll()
  return item
}

/** Accept or decline an offer under the id the notification would use too. */
export async function answerOffer(offer: Offer, command: Command): Promise<Item | null> {
  siren.stop()
  return tell(offer.incidentId, command, await agreedId(`${command.name}:${offer.id}`))
}

/** The item as it stands now. */
export const itemOf = (commandId: string): Item | undefined => items.value.find((item) => item.commandId === commandId)

async function rereadItems(): Promise<void> {
  items.value = await allItems()
}
/** Photographs as well: fifty of them are not read again for every tap. */
async function reread(): Promise<void> {
  await rereadItems()
  photos.value = await allEvidence()
  heldBack.value = !(await originalsAllowed())
}
export const refreshPhotos = reread

/** Originals wait for a better network; their previews go. */
export const heldBack = ref(false)

export async function sendOriginals(): Promise<void> {
  await askForOriginals()
  await sendAll()
}
connection()?.addEventListener?.('change', () => sendAnew())

/* ---- sending ---- */

/** The longest pause between attempts as long as the live socket speaks. */
const HEARD_PAUSE_MS = 4000
/** Some browsers never say that the network is back. */
const NO_NETWORK_PAUSE_MS = 2000
let failures = 0
let again: ReturnType<typeof setTimeout> | undefined
let introduced: Promise<void> = Promise.resolve()

export async function sendAll(): Promise<void> {
  clearTimeout(again)
  await introduced
  const waited = tally.value.saved - tally.value.sent
  let ended = await flush()
  const left = await rereadItems().then(() => tally.value.saved - tally.value.sent)
  if (ended === 'done') {
    void pull() // what was said is heard: its picture does not wait for the photographs
    ended = await uploadAlone(() => void reread())
    await reread()
  }
  if (ended === 'signin') signedOut.value = true
  closed.value = await accountClosed()
  if (ended === 'retry') {
    // a line that tears but carries something is worth another try at once; attempts with no
    // network at all cost nothing and say nothing about the line that comes
    const cut = navigator.onLine === false
    failures = cut ? 0 : left < waited ? 1 : failures + 1
    // taps made with no network raise the count; while the service is heard the way is open
    const pause = cut ? NO_NETWORK_PAUSE_MS : Math.min(pauseMs(failures), live.value ? HEARD_PAUSE_MS : Infinity)
    again = setTimeout(() => void sendAll(), pause)
    void registerSync()
  } else failures = 0
}

/** The network changed: what failed on the old one says nothing about this one. */
function sendAnew(): void {
  failures = 0
  void sendAll()
}

/** Where the browser has it, the worker may send after the app is closed. */
async function registerSync(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker?.getRegistration()
    await (registration as unknown as { sync?: { register: (tag: string) => Promise<void> } })?.sync?.register('outbox')
  } catch {
    // not there: the app sends when it is opened again, and shows what waits
  }
}

/* ---- seeing ---- */

let pulling: Promise<void> | null = null
let pullAgain = false

/** Fetch the picture. Calls that come while one is running share one more run after it. */
export function pull(): Promise<void> {
  if (pulling) {
    pullAgain = true
    return pulling
  }
  pulling = pullOnce().finally(() => {
    pulling = null
    if (pullAgain) {
      pullAgain = false
      void pull()
    }
  })
  return pulling
}

/** What changed is enough for a minute; what has no cursor, such as live values, comes with the whole. */
const WHOLE_EVERY_MS = 60_000
let wholeAt = -Infinity

async function picture(): Promise<FieldHome> {
  const before = home.value
  if (before && performance.now() - wholeAt < WHOLE_EVERY_MS) {
    const fresh = merged(before, await get<FieldHome>(`/api/field/home?since=${before.cursor}`))
    // another person, a server that was put back, a gap: the whole tells
    if (fresh && fresh.me.accountId === before.me.accountId && fresh.cursor >= before.cursor) return fresh
  }
  const whole = await get<FieldHome>('/api/field/home')
  wholeAt = performance.now()
  return whole
}

async function pullOnce(): Promise<void> {
  try {
    const fresh = await picture()
    signedOut.value = false
    // whose phone it is comes first; and a phone that cannot keep anything still shows the picture
    await storing(async () => {
      await heard(fresh.now)
      await setOwner(fresh.me.accountId)
      await keepHome(fresh, correctedNow())
    })
    const before = home.value
    me.value = fresh.me
    home.value = fresh
    homeAt.value = correctedNow()
    if (before?.rulebookVersion !== fresh.rulebookVersion) void loadRulebook()
    void haveBooks(fresh.incidents.map((view) => view.cardsVersion ?? 0))
    await rereadItems()
    void letUpdateIn()
  } catch (error) {
    if (error instanceof Problem && error.status === 401) signedOut.value = true
  }
}

/** Keep something; where the store does not open, say so as long as it stays shut. */
async function storing(work: () => Promise<void>): Promise<void> {
  try {
    await work()
    noStore.value = false
  } catch (error) {
    noStore.value = error instanceof NoStore
  }
}

async function heard(iso: string): Promise<void> {
  setServerNow(iso)
  heardAt.value = correctedNow()
  await heardTime(iso)
}

function onFrame(frame: Frame): void {
  if (frame.t === 'hello' || frame.t === 'ping') void heard(frame.now).catch(() => undefined)
  else heardAt.value = correctedNow()
  if (frame.t === 'hello') {
    failures = 0
    void pull()
    void sendAll()
  }
  if (frame.t === 'news' && frame.cursor > (home.value?.cursor ?? -1)) void pull()
  if (frame.t === 'message') onMessage(frame.message)
}

function onMessage(message: Message): void {
  receipt(message.id, 'delivered')
  void pull()
}

const socket = new Live('/ws', { frame: onFrame, connected: (on) => (live.value = on) })

export function receipt(messageId: Uuid, kind: ReceiptKind): void {
  const at = new Date(correctedNow()).toISOString()
  if (!socket.receipt(messageId, kind, at)) post('/api/receipts', { receipts: [{ messageId, kind, at }] }).catch(() => undefined)
}

/* ---- duty ---- */

/** Tell the server with which key this phone signs; the same again changes nothing there. */
async function registerPhone(): Promise<void> {
  const publicKeyJwk = await publicKey().catch(() => null)
  if (publicKeyJwk) await post('/api/field/device', { deviceId: deviceId(), publicKeyJwk })
}

/** Go on duty, inside a tap: sound, screen, notifications, storage, position; then tell the server.
 *  ``reason`` says why outside one's shift. */
export async function goOnDuty(reason = ''): Promise<void> {
  tryVibration()
  await siren.unlock()
  void awake.hold()
  void navigator.storage?.persist?.().then((kept) => (storageKept.value = kept))
  startPosition()
  // not waited for: a worker that is slow to come, or never comes, must not keep anybody off duty
  void subscribe(deviceId()).then((state) => (push.value = state))
  await registerPhone()
  await post('/api/field/duty', { on: true, deviceId: deviceId(), position: fixOf(), reason })
  await pull()
}

export async function goOffDuty(): Promise<void> {
  await post('/api/field/duty', { on: false, deviceId: deviceId(), position: null })
  siren.stop()
  awake.release()
  stopPosition()
  await pull()
}

/** After a reload in the middle of a shift: take up again what needs no tap. */
function resumeDuty(): void {
  startPosition()
  void awake.hold()
  if (typeof Notification !== 'undefined' && Notification.permission === 'granted') void subscribe(deviceId()).then((state) => (push.value = state))
}

/** Back in front, after a telephone call, or with a permission changed: is all of it still there? */
function recheck(): void {
  if (!dutyHere.value) return
  void siren.recover()
  void awake.hold()
  void positionAllowed()
  if (typeof Notification === 'undefined') return
  if (Notification.permission === 'granted') void subscribe(deviceId()).then((state) => (push.value = state))
  else push.value = Notification.permission === 'denied' ? 'denied' : 'not-asked'
}

/* ---- start ---- */

const EARLY_MS = 800
/**
 * What this phone kept, before the first screen: a picture without its unsent taps or without the
 * rules would step back for a moment. Photographs come after it. Never throws.
 */
export async function restore(): Promise<void> {
  try {
    // true for this moment only: what comes late may be older than a tap made meanwhile
    const early = await Promise.race([globalThis.early, new Promise<null>((none) => setTimeout(none, EARLY_MS, null))])
    globalThis.early = undefined
    if (early) {
      rulebook.value ??= early.book ?? null
      items.value = ownItems(early.items, early.owner)
    }
    const [kept] = early ? [early.home && shown(early.home)] : await Promise.all([keptHome(), recallRulebook(), rereadItems()])
    if (!kept || home.value) return
    home.value = kept.home
    homeAt.value = kept.at
    me.value = kept.home.me
  } catch {
    // a store that cannot be opened costs the old picture; the first tap will say that it is not kept
  }
}

/** Everything that lasts as long as the app is open. The network is waited for by nothing here. */
export function startPhone(): void {
  onChange(() => void rereadItems())
  void tidy(Date.now()).then(reread).catch(() => undefined)
  // the words do not hold back the picture: on a weak line each may take its whole patience
  void loadRulebook()
  watch(dutyHere, (here) => (here ? resumeDuty() : stopPosition()), { immediate: true })
  startSiren()
  setInterval(() => {
    if (!live.value || now.value - homeAt.value > 30_000) void pull()
  }, 10_000)
  addEventListener('online', sendAnew)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return
    void pull()
    recheck()
  })
  void watchPermissions(recheck)
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<{ t: string; url?: string }>) => {
    if (data.t === 'show' && data.url) location.hash = new URL(data.url, location.href).hash
    if (data.t === 'push' || data.t === 'show' || data.t === 'outbox') void pull()
  })
  void navigator.storage?.persisted?.().then((yes) => (storageKept.value = yes))
  void watchBattery()
  introduced = sayAgain(import.meta.url).catch(() => undefined).then(introduce)
  void introduced.then(() => {
    socket.start()
    void sendAll()
  })
}

/** A phone that was cleared has a new key, and says so before it says anything else. */
async function introduce(): Promise<void> {
  await pull()
  if (me.value && !signedOut.value) await registerPhone().catch(() => undefined)
}

async function watchBattery(): Promise<void> {
  const cell = await (navigator as unknown as { getBattery?: () => Promise<{ level: number; addEventListener: (type: string, listener: () => void) => void }> }).getBattery?.().catch(() => undefined)
  if (!cell) return
  const read = (): void => void (battery.value = Math.round(cell.level * 100))
  read()
  cell.addEventListener('levelchange', read)
}

/** An offer sounds as long as it is open and unanswered; an old one, seen again, does not exist. */
function startSiren(): void {
  watch(
    () => offers.value[0]?.id,
    (id) => {
      siren.stop()
      if (id && offers.value[0]) siren.start(offers.value[0].urgency)
    },
    { immediate: true },
  )
}
