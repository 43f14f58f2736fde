import './tokens.css'
import './base.css'
import { chooseLanguage, language } from '../i18n'
import { startClock } from './clock'
import { startLook } from './look'

/** What every page does first: the look, the language, the beating clock. */
export function startKit(): void {
  startLook()
  chooseLanguage(language.value)
  startClock()
}
