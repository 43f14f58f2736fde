/** Reading aloud with the phone's own voice. */
import { ref } from 'vue'

export const canSpeak = typeof speechSynthesis !== 'undefined' && typeof SpeechSynthesisUtterance !== 'undefined'
export const speaking = ref(false)

export function speak(text: string, lang: string): void {
  speechSynthesis.cancel()
  const voice = new SpeechSynthesisUtterance(text)
  voice.lang = lang
  // A little slower than normal: it is listened to in a fright.
  voice.rate = 0.9
  voice.onend = voice.onerror = () => (speaking.value = false)
  speaking.value = true
  speechSynthesis.speak(voice)
}

export function hush(): void {
  speechSynthesis.cancel()
  speaking.value = false
}
