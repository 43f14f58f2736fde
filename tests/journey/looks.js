// What looks.py asks of a page: an object of functions, each returning a list of sentences.
({
  axe: async () => {
    const found = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return found.violations.flatMap(({id, nodes}) =>
      nodes.map(({target, any, all}) => `${id}: ${target.join(' ')} ${[...any, ...all][0]?.message ?? ''}`))
  },

  spills: () => {
    const wrong = []
    const name = each => `${each.tagName.toLowerCase()}.${[...each.classList].join('.')}` +
      ` "${(each.textContent ?? '').trim().slice(0, 24)}"`
    const wide = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth > wide + 1) wrong.push(`the page is wider: ${document.documentElement.scrollWidth}`)
    const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
    for (const each of top.querySelectorAll('*')) {
      if (each.closest('.leaflet-container, svg, .unseen, [aria-hidden=true], [hidden], video, canvas')) continue
      const box = each.getBoundingClientRect()
      if (!box.width || !box.height || !each.checkVisibility({checkVisibilityCSS: true})) continue
      const style = getComputedStyle(each)
      const scrolls = value => value === 'auto' || value === 'scroll'
      if (each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0 && style.overflowX !== 'visible' && !each.matches('input, textarea, select'))
        if (!each.matches('[data-sideways]')) wrong.push(`${scrolls(style.overflowX) ? 'scrolls sideways' : 'cut off'}: ${name(each)}`)
      if (style.overflowY === 'hidden' && each.scrollHeight > each.clientHeight + 2 && each.clientHeight > 0 && !each.matches('html, body')) wrong.push(`cut off below: ${name(each)}`)
      const text = [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
      if (text && (box.right > wide + 1 || box.left < -1) && !each.closest('[data-sideways]')) wrong.push(`outside the screen: ${name(each)}`)
      if (text && ['inline', 'contents'].includes(style.display) === false && each.scrollWidth > Math.ceil(box.width) + 1) wrong.push(`text wider than its box: ${name(each)}`)
    }
    return [...new Set(wrong)]
  },

  reach: () => {
    const wrong = []
    for (const each of document.querySelectorAll('.phone > .actions .button.primary, .phone > .actions .button.huge')) {
      const box = each.getBoundingClientRect()
      const size = parseFloat(getComputedStyle(each).fontSize)
      const said = each.textContent.trim()
      if (box.height < 56) wrong.push(`lower than 56 px: ${said}`)
      if (size < 18) wrong.push(`text below 18 px: ${said}`)
      if ((box.top + box.bottom) / 2 < innerHeight / 2 || box.bottom > innerHeight + 1) wrong.push(`not under the thumb: ${said}`)
    }
    return wrong
  },
})
