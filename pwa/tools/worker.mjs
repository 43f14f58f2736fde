// Builds src/sw.ts to dist/sw.js with the list of files the phone keeps, each with its own hash:
// a page whose bytes did not change is not fetched again.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}

// The desk's and the wall's own code is for machines that are always connected.
const skip = /(^|\/)(sw\.js|robots\.txt|(desk|wall|office|report)[^/]*\.(html|js|css|webmanifest))$|\.map$/
const shell = files(dist)
  .map((path) => '/' + relative(dist, path).split('\\').join('/'))
  .filter((path) => !skip.test(path))
  .sort()
  .map((path) => [path, createHash('sha256').update(readFileSync(join(dist, path))).digest('hex').slice(0, 16)])

const version = createHash('sha256').update(JSON.stringify(shell)).digest('hex').slice(0, 12)
await build({
  root,
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  define: { __SHELL__: JSON.stringify(shell), __VERSION__: JSON.stringify(version) },
  build: {
    outDir: dist,
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: join(root, 'src/sw.ts'), formats: ['iife'], name: 'worker', fileName: () => 'sw.js' },
  },
})
console.log(`sw.js ${version}: ${shell.length} files kept on the phone`)
