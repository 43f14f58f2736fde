/**
 * A UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits, so that ids made on one
 * phone sort by the moment they were made.
 */
export function uuid7(nowMs: number, random: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  const bytes = random(new Uint8Array(16))
  let left = Math.max(0, Math.floor(nowMs))
  for (let at = 5; at >= 0; at--) {
    bytes[at] = left % 256
    left = Math.floor(left / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
