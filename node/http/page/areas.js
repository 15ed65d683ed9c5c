// Draws a circle or a box on the map with the mouse, a pen or a finger, and shows the area that is watched.

import { circleOutline, distanceKm } from "./geo.js";
import { prepared } from "./map_view.js";
import { onTheme, variable } from "./palette.js";

/**
 * @typedef {Object} Area degrees and km
 * @property {string} kind "circle": has lat, lng and km; "box": has the other four
 * @property {number} [lat]
 * @property {number} [lng]
 * @property {number} [km]
 * @property {number} [south]
 * @property {number} [west]
 * @property {number} [north]
 * @property {number} [east]
 */

export class Areas {
  /**
   * @param {import("./map_view.js").MapView} mapView
   * @param {(area: Area) => void} onDrawn
   */
  constructor(mapView, onDrawn) {
    this.mapView = mapView;
    this.onDrawn = onDrawn;
    this.area = null;      // shown
    this.kind = null;      // being drawn, or null
    this.start = null;     // where the pointer went down
    this.isDrawn = false;  // the browser will report the end of a drawing as a click
    this.canvas = mapView.addCanvas("map-areas");
    mapView.map.on("move zoom resize", () => this.draw());
    onTheme(() => this.draw());
    const container = mapView.container;
    container.addEventListener("pointerdown", (event) => this.down(event), { capture: true });
    container.addEventListener("pointermove", (event) => this.move(event), { capture: true });
    container.addEventListener("pointerup", (event) => this.up(event), { capture: true });
    container.addEventListener("click", (event) => this.click(event), { capture: true });
  }

  /** The next drag on the map draws an area of this kind; null: it moves the map again. */
  begin(kind) {
    this.kind = kind;
    this.start = null;
    this.mapView.container.classList.toggle("is-drawing", kind !== null);
    if (kind === null) this.mapView.map.dragging.enable();
    else this.mapView.map.dragging.disable();
  }

  /** @param {Area|null} area */
  show(area) {
    this.area = area;
    this.draw();
  }

  down(event) {
    this.isDrawn = false;
    if (this.kind === null || event.button !== 0) return;
    this.start = this.mapView.map.mouseEventToLatLng(event);
    this.mapView.container.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  move(event) {
    if (this.start !== null) this.show(this.areaTo(this.mapView.map.mouseEventToLatLng(event)));
  }

  up(event) {
    if (this.start === null) return;
    const area = this.areaTo(this.mapView.map.mouseEventToLatLng(event));
    this.begin(null);
    this.isDrawn = true;
    const isPoint = area.kind === "circle" ? area.km === 0 : area.south === area.north || area.west === area.east;
    if (isPoint) return;
    this.show(area);
    this.onDrawn(area);
  }

  // The map must not take the end of a drawing as a click on a client.
  click(event) {
    if (this.isDrawn) event.stopPropagation();
    this.isDrawn = false;
  }

  areaTo(end) {
    const { start } = this;
    const clamped = (value, limit) => Math.max(-limit, Math.min(limit, value));
    if (this.kind === "circle") {
      return { kind: "circle", lat: clamped(start.lat, 90), lng: clamped(start.lng, 180), km: distanceKm(start, end) };
    }
    return {
      kind: "box",
      south: clamped(Math.min(start.lat, end.lat), 90),
      west: clamped(Math.min(start.lng, end.lng), 180),
      north: clamped(Math.max(start.lat, end.lat), 90),
      east: clamped(Math.max(start.lng, end.lng), 180),
    };
  }

  draw() {
    const view = this.mapView.view();
    const { context } = prepared(this.canvas, view);
    if (this.area === null) return;
    const outline = outlineOf(this.area);
    context.beginPath();
    let before = null;
    for (const [longitude, latitude] of outline) {
      const x = longitude * view.scale + view.left;
      const y = view.top - latitude * view.scale;
      const jumps = before === null || Math.abs(longitude - before) > 180;  // over the antimeridian
      if (jumps) context.moveTo(x, y);
      else context.lineTo(x, y);
      before = longitude;
    }
    context.strokeStyle = variable("--area");
    context.lineWidth = 2;
    context.stroke();
  }
}

function outlineOf(area) {
  if (area.kind === "circle") return circleOutline(area, area.km);
  const { south, west, north, east } = area;
  const edges = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  return west <= east ? edges : boxOverAntimeridian(area);
}

// Two open halves; the jump between them is not drawn.
function boxOverAntimeridian({ south, west, north, east }) {
  return [[180, south], [west, south], [west, north], [180, north], [-180, north], [east, north], [east, south],
    [-180, south]];
}
