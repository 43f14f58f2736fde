/** What a map may show. All positions WGS-84, degrees. The map knows no domain word. */
export type LatLon = Readonly<{ lat: number; lon: number }>

export type Marker = LatLon &
  Readonly<{
    id: string
    kind: 'target' | 'person' | 'spot'
    tone?: 'urgent' | 'notice' | 'info' | 'good' | 'canal'
    label?: string
    /** Radius of the position's uncertainty in metres, drawn to scale. */
    accuracyM?: number | null
    /** A position too old to steer by is drawn hollow. */
    stale?: boolean
  }>

export type Base = Readonly<{ type: 'FeatureCollection'; features: readonly BaseFeature[] }>
export type BaseFeature = Readonly<{
  type: 'Feature'
  geometry: GeoJSON.Geometry
  properties: Readonly<{
    layer?: string
    name?: string
    /** Real width of a line, metres. */
    widthM?: number
    /** Where its name reads well, [lon, lat], and how steeply (degrees from east, clockwise). */
    labelAt?: readonly [number, number]
    labelTurn?: number
  }> | null
}>
