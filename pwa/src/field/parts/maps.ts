/** A way to a place in the phone's own maps. Both forms say that the coordinates are WGS-84: RFC 5870 by
 * definition, and Apple takes it outside China too. */
export function mapLink({ lat, lon }: { lat: number; lon: number }, label: string): string {
  return /iP(hone|ad)/.test(navigator.userAgent) ? `maps://?daddr=${lat},${lon}&dirflg=w` : `geo:${lat},${lon}?q=${lat},${lon}(${encodeURIComponent(label)})`
}
