import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** One page per role, so that a phone never loads the desk's code. */
const roles = ['index', 'login', 'field', 'desk', 'office', 'resident', 'report', 'wall']
const pages = Object.fromEntries(
  roles.map((role) => [role, here(`./${role}.html`)] as const).filter(([, file]) => existsSync(file)),
)
/** Beside the pages: what the phone's page runs before everything else. */
const input = { ...pages, early: here('./src/field/early.ts') }

/** What every role needs is one file: on a weak line each further file costs a round trip. */
const common = /plugin-vue:export-helper|vite\/preload-helper|[\\/]node_modules[\\/](@vue|vue|idb)[\\/]|[\\/]src[\\/](kit[\\/](?!map|chart)|wire|i18n|rulebook|sync[\\/]uuid7|alarm[\\/]siren)/

/** Text is written in px and served in rem, so that it grows with the size a person has set in the browser. */
const inRem = {
  postcssPlugin: 'text-in-rem',
  Declaration(each: { prop: string; value: string }): void {
    if (each.prop !== 'font-size' && !each.prop.startsWith('--text')) return
    each.value = each.value.replace(/(?<![\w.])(\d+(?:\.\d+)?)px/g, (_, px: string) => `${Number(px) / 16}rem`)
  },
}

export default defineConfig({
  css: { postcss: { plugins: [inRem] } },
  plugins: [
    vue(),
    {
      // The server maps /field to field.html; the development server does the same.
      name: 'role-pages',
      configureServer(server) {
        server.middlewares.use((request, _response, next) => {
          const path = (request.url ?? '').split(/[?#]/)[0]?.split('/')[1] ?? ''
          if (path in pages && path !== 'index') request.url = `/${path}.html`
          next()
        })
      },
    },
    {
      // the kept picture is read while the app's code is on its way; see src/field/early.ts
      name: 'early',
      transformIndexHtml: {
        order: 'post',
        handler(_html, { path, bundle }) {
          if (path !== '/field.html') return
          const chunks = Object.values(bundle ?? {}).filter((each) => each.type === 'chunk')
          const named = (name: string) => chunks.find((chunk) => chunk.name === name)
          const rest = named('rest')
          const files = [rest?.fileName, ...(rest?.viteMetadata?.importedCss ?? [])].map((file) => String(file).replace('assets/', ''))
          const src = bundle ? `/${named('early')?.fileName}` : '/src/field/early.ts'
          return [{ tag: 'script', attrs: { type: 'module', async: true, crossorigin: true, src, 'data-rest': bundle ? files.join(' ') : '' }, injectTo: 'head-prepend' }]
        },
      },
    },
  ],
  resolve: { alias: { '@': here('./src') } },
  build: {
    target: 'es2022',
    // an inline polyfill would break the content security policy
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input,
      output: {
        codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'common', test: common, minShareCount: 2 }] },
      },
    },
  },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:8317',
      '/ws': { target: 'ws://127.0.0.1:8317', ws: true },
    },
  },
})
