import type { Frame, ReceiptKind, Uuid } from './types'

/**
 * The live socket. It says only that there is something new; the caller pulls the rest, so a lost
 * frame is harmless. The server speaks every 5 s; after 12 s of silence the connection counts as
 * dead, whatever the browser believes, and is made again with a growing pause.
 */
export interface LiveEvents {
  frame: (frame: Frame) => void
  /** true once the server spoke; false as soon as it is silent, closed or refused */
  connected: (on: boolean) => void
}

const SILENCE_MS = 12_000
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000]

export class Live {
  private socket: WebSocket | null = null
  private silence: ReturnType<typeof setTimeout> | undefined
  private retry: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private on = false
  private wanted = false

  constructor(private readonly path: string, private readonly events: LiveEvents) {}

  start(): void {
    if (this.wanted) return
    this.wanted = true
    addEventListener('online', this.again)
    document.addEventListener('visibilitychange', this.again)
    this.connect()
  }

  stop(): void {
    this.wanted = false
    removeEventListener('online', this.again)
    document.removeEventListener('visibilitychange', this.again)
    this.drop()
    clearTimeout(this.retry)
  }

  /** Tell the server what became of a message. False when the socket is not open: post it instead. */
  receipt(messageId: Uuid, kind: ReceiptKind, at: string): boolean {
    return this.send({ t: 'receipt', messageId, kind, at })
  }

  send(frame: object): boolean {
    if (!this.on || this.socket?.readyState !== WebSocket.OPEN) return false
    this.socket.send(JSON.stringify(frame))
    return true
  }

  private readonly again = (): void => {
    if (!this.wanted || this.on || document.visibilityState === 'hidden') return
    this.failures = 0
    this.connect()
  }

  private connect(): void {
    this.drop()
    clearTimeout(this.retry)
    const url = new URL(this.path, location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url)
    this.socket = socket
    this.listenForSilence()
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (socket !== this.socket) return
      this.listenForSilence()
      this.failures = 0
      this.say(true)
      let frame: Frame
      try {
        frame = JSON.parse(data) as Frame
      } catch {
        return // not ours to understand; the next pull brings the truth
      }
      if (frame.t === 'ping') this.send({ t: 'pong' })
      this.events.frame(frame)
    }
    socket.onclose = () => {
      if (socket === this.socket) this.lost()
    }
  }

  private listenForSilence(): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => this.lost(), SILENCE_MS)
  }

  private lost(): void {
    this.drop()
    if (!this.wanted) return
    const pause = PAUSES_MS[Math.min(this.failures++, PAUSES_MS.length - 1)] ?? 15_000
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), pause * (0.8 + Math.random() * 0.4))
  }

  private drop(): void {
    clearTimeout(this.silence)
    const socket = this.socket
    this.socket = null
    if (socket) {
      socket.onmessage = socket.onclose = null
      socket.close()
    }
    this.say(false)
  }

  private say(on: boolean): void {
    if (this.on === on) return
    this.on = on
    this.events.connected(on)
  }
}
