// Plays histories of the server's core (JSON lines, see tests/core/field_histories.py) through the
// phone's rules and compares every answer and every view. Its last line
// is {steps, differences, wrong: [the first few], commands: {name: {accepted, refused}}, undecided:
// [field commands the phone has no rule for], unseen: [facts no history had], codes: [refusals]}.
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { build } from 'vite'

const SHOWN = 5
const folder = mkdtempSync(join(tmpdir(), 'rules-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
await build({
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: folder,
    emptyOutDir: true,
    minify: false,
    lib: { entry: resolve(import.meta.dirname, '../src/rules/decide.ts'), formats: ['es'], fileName: () => 'rules.mjs' },
  },
})
const { decideField, evolveView, decided, applied } = await import(pathToFileURL(join(folder, 'rules.mjs')).href)

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/
/** Instants are compared as instants, objects without regard to order. */
function plain(value) {
  if (typeof value === 'string') return INSTANT.test(value) ? Date.parse(value) : value
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]))
}
const text = (value) => JSON.stringify(plain(value))
const differing = (a, b) => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => text(a[key] ?? null) !== text(b[key] ?? null))

const wrong = []
const commands = {}
const seen = new Set()
const codes = new Set()
let steps = 0
let book
let view

function play({ command, actor, facts, answer, view: after }) {
  steps += 1
  const counted = (commands[command.name] ??= { accepted: 0, refused: 0 })
  counted[answer.refusal ? 'refused' : 'accepted'] += 1
  for (const { type, why } of answer.facts ?? []) (seen.add(type), why && codes.add(why))
  if (answer.refusal) codes.add(answer.refusal.code)
  const moment = { book, actor, facts }
  const before = { ...view, timeline: [] }
  const said = decideField(before, command, moment)
  if (text(said) !== text(answer)) return { command, state: view.state, facts, core: answer, phone: said }
  if (!after) return null
  const moved = evolveView(before, said.facts, moment)
  const fields = differing(moved, after)
  view = fields.length ? after : moved // the phone's own view goes on, so that small errors add up
  if (fields.length === 0) return null
  return { command, state: before.state, fields: Object.fromEntries(fields.map((key) => [key, { core: after[key], phone: moved[key] }])) }
}

for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  const read = JSON.parse(line)
  if (read.rulebook) book = read.rulebook
  else if (read.view) view = read.view
  else {
    const difference = play(read.step)
    if (difference) wrong.push(difference)
  }
}
const known = Object.keys(book.commands).filter((name) => book.commands[name].roles.includes('field'))
const undecided = known.filter((name) => !decided.includes(name))
const unseen = applied.filter((type) => !seen.has(type))
console.log(JSON.stringify({ steps, differences: wrong.length, wrong: wrong.slice(0, SHOWN), commands, undecided, unseen, codes: [...codes].sort() }))
