/** Links that open a place in somebody's map, in that map's datum and order: what geo/links.py makes,
 * from the GCJ-02 pair that the server sends (outside the mainland that is WGS-84). */

export type Pair = readonly [lat: number, lon: number]
export const MAPS = ['amap', 'tencent', 'apple', 'google'] as const
export type MapName = (typeof MAPS)[number]

/** @param name what the pin is called; it leaves for the map's provider: never a person's name */
export function mapLinks([north, east]: Pair, name: string): Record<MapName, string> {
  const lat = north.toFixed(6)
  const lon = east.toFixed(6)
  // semicolons and colons separate the parts of Tencent's marker
  const title = quote(name.replaceAll(';', ' ').replaceAll(':', ' '))
  return {
    amap: `https://uri.amap.com/marker?position=${lon},${lat}&name=${quote(name)}&coordinate=gaode`,
    tencent: `https://apis.map.qq.com/uri/v1/marker?marker=coord:${lat},${lon};title:${title};addr:${title}&referer=jiean`,
    apple: `https://maps.apple.com/?ll=${lat},${lon}&q=${quote(name)}`,
    google: `https://www.google.com/maps/search/?api=1&query=${lat},${lon}`,
  }
}

/** On foot with the phone's own map: Apple's streets are GCJ-02 on the mainland, a geo: address is
 * WGS-84 by RFC 5870. */
export function walkingLink(place: { lat: number; lon: number; address: string }, [north, east]: Pair, agent: string): string {
  if (/iP(hone|ad)/.test(agent)) return `maps://?daddr=${north.toFixed(6)},${east.toFixed(6)}&dirflg=w`
  return `geo:${place.lat},${place.lon}?q=${place.lat},${place.lon}(${encodeURIComponent(place.address)})`
}

const quote = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
