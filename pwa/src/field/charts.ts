/** The curves last fetched, kept on the phone: the newest few, each with the time it was fetched at. */
import type { Kept, Picture } from '../kit/chart/types'
import { keep, keptOf } from '../sync/store'

const KEY = 'charts'
const AT_MOST = 6

export const keptCharts: Kept = {
  async read(key) {
    return (await keptOf<[string, Picture][]>(KEY))?.find(([name]) => name === key)?.[1]
  },
  async write(key, picture) {
    const others = ((await keptOf<[string, Picture][]>(KEY)) ?? []).filter(([name]) => name !== key)
    // plain data: what a screen watches cannot be stored
    await keep(KEY, [[key, JSON.parse(JSON.stringify(picture)) as Picture], ...others].slice(0, AT_MOST))
  },
}
