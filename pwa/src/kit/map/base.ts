/** The area's own vector map, drawn in the look's colours on one canvas: no tile from anywhere. */
import L from 'leaflet'
import { names } from './names'
import { strokePx } from './scale'
import type { Base, BaseFeature } from './types'

/** Bottom to top. A layer that is not named here is not drawn. */
const LAYERS = ['land', 'canal', 'court', 'lane', 'street', 'bridge', 'building', 'hydrant'] as const
type Layer = (typeof LAYERS)[number]

/** Each layer's colour by its token; the edge only where shapes must be told apart. */
const INK: Record<Layer, readonly [fill: string, edge: string | null]> = {
  land: ['land', null], canal: ['water', null], court: ['court', null], lane: ['lane', null], street: ['lane', null],
  bridge: ['lane', 'building-edge'], building: ['building', 'building-edge'], hydrant: ['info', 'lane'],
}

/** Widths of lines that carry none, metres; and the least width on the screen, px. */
const WIDTH: Record<Layer, readonly [metres: number, px: number]> = {
  land: [0, 0], canal: [9, 3], court: [0, 0], lane: [2.6, 1.2], street: [9, 2.4], bridge: [5, 3], building: [0, 0], hydrant: [0, 0],
}

type Line = Readonly<{ path: L.Polyline; metres: number; px: number }>

export class BaseMap {
  readonly #group = L.layerGroup()
  readonly #drawn: Array<readonly [Layer, L.Path]> = []
  readonly #lines: Line[] = []
  readonly #names = L.layerGroup()
  readonly #renderer: L.Canvas

  constructor(
    private readonly map: L.Map,
    base: Base,
  ) {
    this.#renderer = L.canvas({ padding: 0.4, pane: 'tilePane' })
    for (const layer of LAYERS) {
      for (const f of base.features) if (f.properties?.layer === layer) this.#add(layer, f)
    }
    this.#group.addTo(map)
    this.#names.addTo(map)
    this.#label(base)
    this.restyle()
    this.rescale()
    map.on('zoomend', this.rescale, this)
  }

  /** The whole area. */
  get bounds(): L.LatLngBounds | null {
    const land = this.#drawn.filter(([layer]) => layer === 'land').map(([, path]) => (path as L.Polygon).getBounds())
    return land.reduce<L.LatLngBounds | null>((all, one) => (all ? all.extend(one) : L.latLngBounds(one.getSouthWest(), one.getNorthEast())), null)
  }

  /** After the look changed: the same shapes in the other colours. */
  restyle(): void {
    const look = getComputedStyle(this.map.getContainer())
    const colour = (token: string): string => look.getPropertyValue(`--${token}`).trim()
    for (const [layer, path] of this.#drawn) {
      const [fill, edge] = INK[layer]
      if (isLine(path)) path.setStyle({ color: colour(fill), fill: false })
      else path.setStyle({ stroke: edge !== null, color: colour(edge ?? fill), weight: 1, fillColor: colour(fill), fillOpacity: 1 })
    }
  }

  rescale(): void {
    const lat = this.map.getCenter().lat
    const zoom = this.map.getZoom()
    for (const { path, metres, px } of this.#lines) path.setStyle({ weight: strokePx(metres, lat, zoom, px) })
    for (const [layer, path] of this.#drawn) if (layer === 'hydrant') (path as L.CircleMarker).setRadius(zoom >= 16.5 ? 3 : 1.5)
    this.map.getContainer().dataset['zoom'] = zoom >= 16.5 ? 'near' : 'far'
  }

  #add(layer: Layer, feature: BaseFeature): void {
    const options: L.PathOptions = { renderer: this.#renderer, interactive: false, lineCap: 'round', lineJoin: 'round' }
    const shape = L.geoJSON(feature as GeoJSON.Feature, {
      style: () => options,
      pointToLayer: (_f, at) => L.circleMarker(at, { ...options, radius: 3 }),
    })
    shape.eachLayer((path) => {
      if (!(path instanceof L.Path)) return
      this.#drawn.push([layer, path])
      if (isLine(path)) {
        const [metres, px] = WIDTH[layer]
        const own = feature.properties?.widthM
        this.#lines.push({ path, metres: own ?? metres, px })
      }
      this.#group.addLayer(path)
    })
  }

  /** Each street and canal says its name once, along its longest stretch. */
  #label(base: Base): void {
    for (const { name, layer, at, turn } of names(base)) {
      const text = document.createElement('span')
      text.textContent = name
      // Steep names stand upright, one character below the other, as on the street signs.
      const steep = Math.abs(turn) > 50
      text.className = steep ? 'steep' : ''
      text.style.setProperty('--turn', `${steep ? turn - Math.sign(turn) * 90 : turn}deg`)
      this.#names.addLayer(
        L.marker([at[1], at[0]], { pane: 'shadowPane', interactive: false, keyboard: false, icon: L.divIcon({ className: `map-name map-name-${layer}`, html: text, iconSize: [0, 0] }) }),
      )
    }
  }
}

function isLine(path: L.Path): path is L.Polyline {
  return path instanceof L.Polyline && !(path instanceof L.Polygon)
}
