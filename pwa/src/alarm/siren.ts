/**
 * The sound of an offer. A browser lets a page sound only after a tap: the duty button unlocks it
 * and the context is held for the whole shift. ``ready`` tells the truth about it.
 */
export class Siren {
  private context: AudioContext | null = null
  private gain: GainNode | null = null
  private timer: ReturnType<typeof setInterval> | undefined
  private tones: OscillatorNode[] = []

  constructor(private readonly changed: () => void = () => undefined) {}

  /** True when a sound asked for now would be heard (as far as a browser knows). */
  get ready(): boolean {
    return this.context?.state === 'running'
  }

  get sounding(): boolean {
    return this.timer !== undefined
  }

  /** Call from inside a tap. */
  async unlock(): Promise<boolean> {
    try {
      this.context ??= new AudioContext()
      this.context.onstatechange = this.changed
      if (this.context.state !== 'running') await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 800))])
    } catch {
      return false
    }
    this.changed()
    return this.ready
  }

  /** After the phone took the sound away (a call, the background): have it back where that needs no tap. */
  async recover(): Promise<void> {
    if (this.context && !this.ready) await Promise.race([this.context.resume().catch(() => undefined), new Promise((done) => setTimeout(done, 800))])
    this.changed()
  }

  start(urgency: 'emergency' | 'notice' | 'info'): void {
    if (this.sounding) return
    const beat = (): void => {
      this.chirp(urgency)
      navigator.vibrate?.(urgency === 'emergency' ? [400, 150, 400, 150, 700] : [300, 200, 300])
    }
    beat()
    this.timer = setInterval(beat, urgency === 'emergency' ? 2200 : 3500)
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    for (const tone of this.tones) tone.stop()
    this.tones = []
    navigator.vibrate?.(0)
  }

  /** Two rising pairs for an emergency, one soft pair else: told apart without looking. */
  private chirp(urgency: string): void {
    if (!this.context || !this.ready) return
    if (!this.gain) {
      this.gain = this.context.createGain()
      this.gain.gain.value = 0.9
      this.gain.connect(this.context.destination)
    }
    const pitches = urgency === 'emergency' ? [880, 1320, 880, 1320, 1760] : [660, 880]
    this.tones = pitches.map((pitch, at) => {
      const tone = (this.context as AudioContext).createOscillator()
      tone.type = 'square'
      tone.frequency.value = pitch
      tone.connect(this.gain as GainNode)
      const from = (this.context as AudioContext).currentTime + at * 0.28
      tone.start(from)
      tone.stop(from + 0.24)
      return tone
    })
  }
}
