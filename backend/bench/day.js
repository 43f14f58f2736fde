// Puts a day's commands and photographs into the phone's store, as the app itself would have.
async ({ commands, photos, owner }) => {
  const opened = (name) => new Promise((done, failed) => {
    const asked = indexedDB.open(name)
    asked.onsuccess = () => done(asked.result)
    asked.onerror = () => failed(asked.error)
  })
  const db = await opened('jiean-phone')
  const over = (change) => new Promise((done, failed) => {
    change.oncomplete = done
    change.onerror = change.onabort = () => failed(change.error)
  })
  // pictures as the app's camera makes them: 1600 x 1200, quality 0.85, a wall with some grain
  const canvas = new OffscreenCanvas(1600, 1200)
  const brush = canvas.getContext('2d')
  const hashes = []
  let next = 0
  let bytes = 0
  for (const [n, photo] of photos.entries()) {
    const wall = brush.createLinearGradient(0, 0, 1600, 1200)
    wall.addColorStop(0, `hsl(${n * 7} 30% 70%)`)
    wall.addColorStop(1, `hsl(${n * 7 + 40} 40% 30%)`)
    brush.fillStyle = wall
    brush.fillRect(0, 0, 1600, 1200)
    for (let grain = 0; grain < 9000; grain++) {
      brush.fillStyle = `hsl(${Math.random() * 360} 30% ${Math.random() * 100}% / .35)`
      brush.fillRect(Math.random() * 1600, Math.random() * 1200, 2 + Math.random() * 14, 2 + Math.random() * 14)
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 })
    const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
    const sha256 = Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
    hashes.push(sha256)
    bytes += blob.size
    const change = db.transaction('evidence', 'readwrite')
    change.objectStore('evidence').put({
      ...photo, sha256, role: 'clean', bytes: blob, size: blob.size, mime: 'image/jpeg', caption: '', state: 'saved', problem: null,
    })
    await over(change)
  }
  // signed as at the tap: RFC 8785, then ECDSA by the phone's own key
  const canonical = (value) => Array.isArray(value) ? `[${value.map(canonical).join(',')}]`
    : value === null || typeof value !== 'object' ? JSON.stringify(value)
    : `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
  const key = await new Promise((done) => {
    const asked = db.transaction('kept').objectStore('kept').get('signing-key')
    asked.onsuccess = () => done(asked.result.privateKey)
  })
  for (const envelope of commands) {
    if (envelope.command.name === 'photo') envelope.command.sha256 = hashes[next++]
    const text = new TextEncoder().encode(canonical(envelope))
    const made = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, text))
    envelope.signature = btoa(String.fromCharCode(...made)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  }
  const change = db.transaction(['outbox', 'kept'], 'readwrite')
  for (const envelope of commands) {
    change.objectStore('outbox').add({
      commandId: envelope.commandId, incidentId: envelope.incidentId, by: owner, envelope, state: 'saved',
      savedAt: Date.parse(envelope.occurredAt), tries: 0, answeredAt: null, version: null, refusal: null, problem: null, seen: false,
    })
  }
  change.objectStore('kept').put(commands.length, 'seq')
  await over(change)
  db.close()
  return { hashes, bytes }
}
