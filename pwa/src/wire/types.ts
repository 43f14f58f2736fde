/**
 * What travels between the app and the service, in the words of the service (camelCase JSON).
 * Instants are RFC 3339 strings in UTC; coordinates are WGS-84; metres, minutes and seconds as named.
 */
import type { Said } from '../i18n'

export type Uuid = string
export type Iso = string
export type Role =
  | 'field' | 'desk' | 'desk_lead' | 'technician' | 'manager' | 'office'
  | 'system_admin' | 'security_admin' | 'audit_admin'
export type Kind = 'electric' | 'gas' | 'smoke' | 'structure' | 'hydrant' | 'water' | 'door'
export type Urgency = 'emergency' | 'notice' | 'info'
export type Handling = 'actual' | 'exercise' | 'test'
export type State =
  | 'raised' | 'desk_handling' | 'party_handled' | 'dispatching' | 'en_route' | 'on_scene' | 'handling'
  | 'rescue' | 'clearing' | 'monitored' | 'stood_down' | 'released' | 'archived'

export interface Me {
  accountId: Uuid
  name: string
  roles: Role[]
  staffId: Uuid | null
  officeId: Uuid | null
  exercise: boolean
}

/** RFC 9457: ``type`` is ``urn:jiean:problem:<slug>``; other members are facts. */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail?: string
  [fact: string]: unknown
}

export interface Position { lat: number; lon: number; accuracyM: number; at: Iso }
export interface Command { name: string; [arg: string]: unknown }

export interface Envelope {
  commandId: Uuid
  incidentId: Uuid
  /** by the phone's own clock; ``saidAt`` puts it right */
  occurredAt: Iso
  /** server minus phone clock as known at the tap; null where the phone never heard the server */
  skewMs?: number | null
  seenVersion: number | null
  deviceId: string | null
  seq: number | null
  elapsedMs: number | null
  position: Position | null
  command: Command
  /** by this phone's key over everything else */
  signature?: string
}

export interface Refusal extends Said { code: string; missing: string[]; doZh?: string; doEn?: string }

export interface Answer {
  commandId: Uuid
  outcome: 'accepted' | 'repeated' | 'late_statement' | 'refused'
  version: number | null
  refusal: Refusal | null
  repeated?: boolean
}

export interface Place {
  address: string
  street: string | null
  number: string | null
  court: string | null
  floor: string | number | null
  room: string | null
  entranceNote: string | null
  laneWidthM: number | null
  engineStop: string | null
  storeys?: number | null
  /** who is responsible for it (B.5: the hydrant's unit), and their telephone */
  unit?: string | null
  unitPhone?: string | null
  lat: number
  lon: number
  datum: 'WGS-84'
  householdId: Uuid | null
  buildingId: Uuid | null
}

export interface DetectorState {
  id: Uuid
  label: string
  kind: Kind
  quantity: string
  value: number | null
  unit: string
  measuredAt: Iso | null
  alarming: boolean
  limit: number | null
  normals: number
  normalsNeeded: number
  normalSince: Iso | null
  /** nothing is raised before this moment; past or null: not muted */
  mutedUntil?: Iso | null
}

export interface Responder {
  staffId: Uuid
  name: string
  badge: string
  metres: number | null
  minutes: number | null
  acceptedAt: Iso
  arrivedAt: Iso | null
}

export interface OfferRecord {
  id: Uuid
  staffId: Uuid
  name: string
  badge?: string
  metres: number | null
  minutes: number | null
  offeredAt: Iso
  expiresAt: Iso
  outcome: 'open' | 'accepted' | 'declined' | 'expired' | 'released'
  reason: string | null
  /** asked to come beside the lead */
  helper?: boolean
}

export interface Candidate {
  staffId: Uuid
  name: string
  metres: number | null
  minutes: number | null
  fixAgeS: number | null
  tier: number
  chosen: boolean
  passedOver: string | null
  badge?: string
  /** streets: along the lanes; straight-line: times a factor */
  basis?: '' | 'streets' | 'straight-line'
  /** other incidents helped at or held ready for; incidents of this shift */
  load?: number
  handled?: number
  /** since the last incident was raised that they were on; null: none */
  restedS?: number | null
  /** the incident that they lead or are being asked about */
  elsewhere?: string | null
}

export interface ItemDone {
  card: string
  item: string
  result: 'done' | 'not_possible'
  reason: string | null
  value: number | null
  photo: string | null
  cause?: string | null
  /** which building (B.4; empty: the alarming one) or which rung of the ladder (B.6) */
  about?: string
  by: string
  at: Iso
}

export type ReportStatus = 'queued' | 'sent' | 'delivered' | 'acknowledged' | 'failed'
export interface ReportLine {
  id: Uuid
  officeId: Uuid
  name: string
  kind: string
  status: ReportStatus
  sentAt: Iso | null
  deliveredAt: Iso | null
  acknowledgedAt: Iso | null
  reply: string | null
  dispatched?: boolean
  /** the place was not known to the room when it went out */
  locationGap: boolean
  /** nobody signed in time: the desk telephones */
  voiceAt: Iso | null
  /** 'people': nobody of ours is left to send */
  purpose?: 'rescue' | 'people'
}

export interface EvacuationMark { status: 'out' | 'with_fire' | 'nobody_home' | 'refused' | 'untick'; at: Iso; by: string; count: number }
export interface EvacuationView {
  state: 'none' | 'running' | 'closed'
  out: number
  withFire: number
  refused: number
  absent: number
  unaccounted: number
  handedTo: string | null
  /** ids of those to be found; names are in the roster */
  expected: string[]
  /** the newest word on each */
  marks: Record<string, EvacuationMark>
  /** people without a name: home → who counted → status → how many */
  heads: Record<string, Record<string, Partial<Record<EvacuationMark['status'], number>>>>
}

export interface Obligation { code: string; dueAt: Iso | null; doneAt: Iso | null; waivedAt: Iso | null }

export interface TimelineEntry {
  version: number
  at: Iso
  receivedAt: Iso
  late: boolean
  type: string
  actor: { id: Uuid | null; name: string; role: string }
  facts: Record<string, unknown>
}

/** A photograph of an incident. The file comes by itself, the small preview first. */
export interface PhotoLine {
  /** of the untouched original */
  sha256: string
  burntSha256?: string | null
  previewSha256?: string | null
  by: string
  takenAt: Iso
  caption: string
  stored: boolean
  previewStored?: boolean
  /** what the phone's signature was worth; null until the server has looked */
  proof?: 'sound' | 'forged' | 'unknown_phone' | 'unsigned' | null
}

export interface IncidentView {
  id: Uuid
  no: string
  version: number
  cursor: number
  kind: Kind
  /** all alert types in the incident, the first one first */
  kinds: Kind[]
  handling: Handling
  state: State
  alertActive: boolean
  urgency: Urgency
  emittedAt: Iso
  presentedAt: Iso | null
  presentedMs: number | null
  claimedBy: { id: Uuid; name: string } | null
  claimedAt: Iso | null
  place: Place
  /** the same place on a street map, [lat, lon] in degrees GCJ-02 */
  gcj02: [lat: number, lon: number]
  /** the wording of the cards that was in force when it was raised; 0 is the original */
  cardsVersion?: number
  /** what must be worn by kind, where the operator's list is another than the rule book's */
  equipment?: Partial<Record<Kind, string[]>>
  /** buildings around the place, for B.4 */
  surroundings?: string[]
  detectors: DetectorState[]
  contact: {
    phase: 'idle' | 'calling' | 'reached' | 'unreachable'
    outcome: string | null
    attempts: { contact: string; result: string; at: Iso }[]
  }
  verification: boolean
  lastAlarmAt: Iso | null
  /** the latest change that a late lowering command must not undo */
  /** by whom → their latest change that a lowering command must have seen */
  relevant: Record<string, { at: Iso; receivedAt: Iso; version: number }>
  /** version at which the present state was reached */
  stateSince: number
  dispatchOpen: boolean
  round: number
  lead: Responder | null
  helpers: Responder[]
  offers: OfferRecord[]
  candidates: Candidate[]
  control: 'unknown' | 'controllable' | 'uncontrollable'
  real: boolean | null
  withdrawn: boolean
  ppe: Record<Uuid, { ok: boolean; missing: string[]; kinds: Kind[] }>
  entered: Uuid[]
  enteredAt: Record<Uuid, Iso>
  people: { trapped: number; injured: number; handedOver: number; call120: 'not_needed' | 'needed' | 'called' | 'arrived' }
  calls: string[]
  items: ItemDone[]
  photos: PhotoLine[]
  reports: ReportLine[]
  reportGap: boolean
  roadOpen: boolean
  /** said after the first report, to those who have one */
  supplements: string[]
  guide: string
  meeting: { lat: number; lon: number } | null
  vehicles: { what: string; at: Iso }[]
  evacuation: EvacuationView
  cordon: { state: 'none' | 'set' | 'lifted'; shape: unknown; radiusM?: number | null; posts: number; postPlaces: [lon: number, lat: number][]; at: Iso | null }
  commandHeldBy: string | null
  c1: { how: string; at: Iso } | null
  c2: { by: Uuid; at: Iso; name: string } | null
  finalCheckedAt: Iso | null
  obligations: Obligation[]
  timeline: TimelineEntry[]
  lateStatements: { at: Iso; by: string; command: string; why?: string; arguments?: Record<string, unknown> }[]
  met: string[]
  falseBy: string | null
  structureHazard: boolean
  archive: { hash: string; previous: string; sealedAt: Iso } | null
  archiveRequestedAt?: Iso | null
  falseDeclaredAt: Iso | null
  releasedAt?: Iso | null
  category?: string | null
  nobodyLeft: boolean
  /** why somebody is looked for beside the lead; empty: nobody is */
  helperWanted?: string
  /** beside: what is one event with this one, from the journal */
  links: { follows: Uuid | null; beside?: { incidentId: Uuid; no: string; kind: Kind; reason: string; metres: number; at: Iso }[] }
  allowed: string[]
}

export interface Offer {
  id: Uuid
  incidentId: Uuid
  no: string
  kind: Kind
  urgency: Urgency
  handling: Handling
  place: Place
  metres: number | null
  minutes: number | null
  basis: string | null
  value: number | null
  unit: string | null
  known: Said[]
  others: { name: string; metres: number | null }[]
  ppe: string[]
  offeredAt: Iso
  expiresAt: Iso
}

/** An incident that is one event with the one named by ``of``; read only. */
export interface BesideIncident {
  of: Uuid
  incidentId: Uuid
  no: string
  kind: Kind
  urgency: Urgency
  state: State
  address: string
  lead: string | null
  reason: string
  metres: number
  /** done: those of the list that somebody has said something of */
  evacuation: { state: string; total: number; done: string[] }
}

export interface FieldHome {
  me: Me
  now: Iso
  cursor: number
  /** ``until``: end of the shift; ``over``: still on duty after it; ``extra``: why outside it. */
  duty: { on: boolean; since: Iso | null; deviceId?: string | null; until?: Iso | null; over?: boolean; extra?: string | null; nextAt?: Iso | null }
  reachability: { checkedAt: Iso | null; live: boolean; push: boolean; positionAgeS: number | null; lastReceiptAt: Iso | null }
  offers: Offer[]
  /** those that changed after the cursor asked for; all where none was named */
  incidents: IncidentView[]
  /** all of them by id, in their order */
  known?: Uuid[]
  owed: { incidentId: Uuid; no: string; code: string; dueAt: Iso | null }[]
  /** standing anywhere; a phone warns of them by itself */
  /** somebody else's, close to where I was last; whoever stands at the door may join */
  near: { incidentId: Uuid; no: string; kind: Kind; urgency: Urgency; handling: Handling; state: string; address: string; lat: number; lon: number }[]
  cordons: { incidentId: Uuid; kind: Kind; address: string; handling: Handling; shape: unknown; radiusM: number | null }[]
  /** what is one event with an incident of mine */
  beside?: BesideIncident[]
  /** where the desk lead sent me while an area is left empty */
  move?: Move | null
  rulebookVersion: string | number
  /** the desk's own number, where the service has one */
  deskPhone?: string | null
}

export interface BoardRow {
  id: Uuid
  no: string
  version: number
  cursor: number
  kind: Kind
  urgency: Urgency
  state: State
  handling: Handling
  address: string
  lat: number
  lon: number
  emittedAt: Iso
  presentedMs: number | null
  claimedBy: string | null
  claimedName?: string
  claimedAt: Iso | null
  leadName: string | null
  leadMinutes: number | null
  value: number | null
  unit: string | null
  detectors: number
  alertActive: boolean
  /** records that came after the seal and wait for the desk */
  afterSeal?: number
}

export interface Board {
  cursor: number
  now: Iso
  full: boolean
  incidents: BoardRow[]
  staff: { staffId: Uuid; name: string; lat: number; lon: number; at: Iso; onDuty: boolean; busyWith: string | null }[]
  today: { alerts: number; presented2sPct: number | null; claimMedianS: number | null }
  ratio: { staff: number; households: number }
  layers: { name: string; ok: boolean; detail: string }[]
  moves: Move[]
}

/** Somebody proposed for an area that an incident left empty. */
export interface Move {
  id: Uuid
  area: string
  areaName: string
  lat: number
  lon: number
  /** GCJ-02: the datum of street maps */
  gcj02: [number, number]
  staffId: Uuid
  staffName: string
  metres: number | null
  minutes: number | null
  because: { staffId: Uuid; name: string; no: string }[]
  state: 'proposed' | 'accepted' | 'declined'
  proposedAt: Iso
  answeredAt: Iso | null
  answeredName: string
  reason: string
}

export interface Contacts {
  contacts: { id: string; name: string; relation: string; phone: string; masked: boolean; needsHelp: string | null }[]
  script: { phrase: string; zh: string; en: string; [more: string]: unknown }
  community: { officeId: Uuid; name: string; phone: string } | null
  /** the further homes in the incident */
  others: { householdId: Uuid; address: string }[]
}

export interface Readings {
  series: { detectorId: Uuid; label: string; quantity: string; unit: string; limit: number | null; points: [Iso, number][] }[]
}

export interface ReportView {
  id: Uuid
  incidentId: Uuid
  no: string
  kind: Kind
  urgency: Urgency
  state: State
  handling: Handling
  office: { id: Uuid; name: string; kind: string }
  situation: string
  place: Place
  coordinates: { wgs84: [lat: number, lon: number]; gcj02: [lat: number, lon: number] }
  people: { trapped: number; injured: number; unaccounted: number; out: number }
  measures: { at: Iso; type: string; facts: Record<string, unknown> }[]
  contact: { name: string } | null
  scene: {
    evacuation: 'none' | 'running' | 'closed'; withFire: number; absent: number; refused: number; roadOpen: boolean; guide: string
    meeting: [lat: number, lon: number] | null; vehicles: { what: string; at: Iso }[]; cordon: unknown; cordonRadiusM: number | null
    posts: number; command: string | null; more: string[]
  }
  status: ReportStatus
  sentAt: Iso | null
  deliveredAt: Iso | null
  acknowledgedAt: Iso | null
  reply: string | null
  mapLinks: Record<string, string>
  /** ``rescue``, or the kind of a numbered paper: then its number and title follow */
  purpose: string
  paper: string
  paperTitle: string
}

export interface LinkHousehold {
  purpose: 'household'
  exercise: boolean
  household: { label: string }
  incidents: {
    id: Uuid; no: string; kind: Kind; state: State; alertActive: boolean; emittedAt: Iso
    place: string; label?: string; advice: unknown[]
    coming: { name: string; badge: string; minutes: number | null; arrived?: boolean } | null
    answered: string | null
  }[]
  /** the kind of a danger nearby whose cordon holds this home */
  cordon: Kind | null
  service: { phone: string }
}
export interface LinkReport { purpose: 'report'; report: ReportView; incident: Partial<IncidentView> }
export type LinkPage = LinkHousehold | LinkReport

export interface CardItem extends Said {
  code: string
  hint: Said | null
  mandatory: boolean
  /** false: done when arriving or after release, not on the walk through the card */
  inScene?: boolean
  photo: boolean
  value: { unit: string } | null
  causes: (Said & { code: string })[] | null
  icon: string
  after: string[]
  /** the obligation that doing this settles */
  meets?: string | null
  /** false: naming one of the causes is a help, not a must */
  causeNeeded?: boolean
  afterRelease?: boolean
  /** finding nothing is a result too */
  eitherWay?: boolean
  /** wanted of every building around */
  eachBuilding?: boolean
  /** what to try when nobody answers, in this order */
  rungs?: (Said & { code: string; icon: string })[]
}
export interface CardText extends Said { card: string; ordered: boolean; items: CardItem[] }

/** What a command does to severity when it reaches the service late; null: it may not wait. */
export type OfflineClass = 'fact' | 'raises' | 'lowers' | null

export interface KindRules {
  icon: string
  /** its card is done without entering a danger area */
  outside: boolean
  /** people are led out and the place is closed off for this kind */
  evacuates: boolean
  owedWhenReal: string[]
}

export interface CommandRules {
  roles: string[]
  from: string[] | null
  offline: OfflineClass
  /** the argument that decides the class, where one does */
  offlineBy: { argument: string; classes: Record<string, OfflineClass> } | null
  /** may still be written down after the shift */
  offShiftToo: boolean
  arguments: Record<string, { default?: unknown }>
  clause: string | null
}

export interface Rulebook {
  version: string | number
  /** the wording of the cards in it; absent or 0 is the original */
  cardsVersion?: number
  states: Record<string, Said>
  /** states in which the alert is active */
  alerting: string[]
  kinds: Record<string, Said & KindRules & { detector: Said }>
  commands: Record<string, Said & CommandRules>
  refusals: Record<string, Said & { do: Said }>
  events: Record<string, Said>
  obligations: Record<string, Said & { clause: string | null }>
  cards: Record<string, CardText>
  ppe: Record<string, (Said & { code: string; required: boolean })[]>
  advice: Record<string, { resident: (Said & { icon: string })[]; prevention: Said[] }>
  phrases: Record<string, unknown>
  declineReasons: Record<string, Said>
  /** what a refusal may name as missing, beside card items, debts and equipment */
  missing?: Record<string, Said>
  /** what an incident turned out to be (事件类别) */
  categories?: Record<string, Said>
  timers: Record<string, number>
}

/** A message pushed to one person; the same object comes by socket and by web push. */
export interface Message {
  id: Uuid
  title: string
  body: string
  lockTitle?: string
  lockBody?: string
  urgency: Urgency
  handling: Handling
  actions: { id: string; label: string }[]
  url: string
  data: { kind: string; incidentId?: Uuid; offerId?: Uuid; [fact: string]: unknown }
  sentAt: Iso
}

export type Frame =
  | { t: 'hello'; cursor: number; now: Iso }
  | { t: 'news'; cursor: number }
  | { t: 'message'; message: Message }
  | { t: 'ping'; now: Iso }

export type ReceiptKind = 'delivered' | 'seen' | 'acted'
