/** Metres and pixels on the Web Mercator map. Pure. */
const EQUATOR_M = 40_075_016.686

/** Metres that one CSS pixel covers at a latitude (degrees) and zoom level. */
export function metresPerPixel(lat: number, zoom: number): number {
  return (EQUATOR_M * Math.cos((lat * Math.PI) / 180)) / (256 * 2 ** zoom)
}

/** A line as wide as the real thing, but never so thin that it is lost. */
export function strokePx(widthM: number, lat: number, zoom: number, leastPx: number): number {
  return Math.max(leastPx, Math.round((widthM / metresPerPixel(lat, zoom)) * 10) / 10)
}

/** Straight-line metres between two positions; good below some kilometres. */
export function metresBetween(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  const k = Math.PI / 180
  const x = (b.lon - a.lon) * k * Math.cos(((a.lat + b.lat) / 2) * k)
  const y = (b.lat - a.lat) * k
  return Math.hypot(x, y) * 6_371_008.8
}
