import type { ProblemBody } from './types'

/** The service answered, and the answer is a problem. ``slug`` is the stable part of its type. */
export class Problem extends Error {
  readonly slug: string
  constructor(readonly status: number, readonly body: ProblemBody) {
    super(body.detail ?? body.title)
    this.slug = body.type.split(':').pop() ?? 'unknown'
  }
}

/** The service could not be reached at all, or did not answer in time. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 12_000
/** A whole batch on a line of a few kilobytes per second. */
const PACKED_TIMEOUT_MS = 30_000

async function problemOf(response: Response): Promise<Problem> {
  let body: ProblemBody = { type: 'urn:jiean:problem:unknown', title: response.statusText, status: response.status }
  try {
    const read: unknown = await response.json()
    if (typeof read === 'object' && read !== null && 'type' in read) body = { ...body, ...(read as object) }
  } catch {
    // a proxy's page instead of a problem document; the status still says enough
  }
  return new Problem(response.status, body)
}

/**
 * One request to the service.
 *
 * @throws Problem for any answer that is not 2xx or 304; Unreachable without an answer.
 */
export async function request(path: string, init: RequestInit & { timeoutMs?: number } = {}): Promise<Response> {
  const { timeoutMs = TIMEOUT_MS, ...rest } = init
  const headers = new Headers(rest.headers)
  if ((rest.method ?? 'GET') !== 'GET') headers.set('X-Jiean', '1')
  let response: Response
  try {
    response = await fetch(path, { credentials: 'same-origin', ...rest, headers, signal: rest.signal ?? AbortSignal.timeout(timeoutMs) })
  } catch (cause) {
    throw new Unreachable('no answer', { cause })
  }
  if (!response.ok && response.status !== 304) throw await problemOf(response)
  return response
}

export async function get<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T
}

/** From this size on packing saves more than it costs: one network packet. */
const PACKED_FROM = 1400

/** The text gzipped; null where it is too short or the browser cannot. */
async function packed(text: string): Promise<Blob | null> {
  if (text.length < PACKED_FROM || typeof CompressionStream === 'undefined') return null
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).blob()
}

/** Send JSON, gzipped where that pays; the answer's JSON, or null for an empty answer. */
export async function post<T = null>(path: string, body: unknown, method: 'POST' | 'PUT' | 'DELETE' = 'POST', more: Record<string, string> = {}): Promise<T> {
  const plain = JSON.stringify(body)
  const small = await packed(plain)
  const headers = { 'Content-Type': 'application/json', ...(small && { 'Content-Encoding': 'gzip' }), ...more }
  const response = await request(path, { method, body: small ?? plain, headers, timeoutMs: small ? PACKED_TIMEOUT_MS : undefined })
  const text = await response.text()
  return (text ? JSON.parse(text) : null) as T
}
