// The world map: Leaflet for dragging, zooming, touch and keys; canvases of this page for what it shows. The
// projection is plate carrée (EPSG:4326): the poles are on the map, a box is a rectangle, and a point costs two
// multiplications.

import { onTheme, variable } from "./palette.js";

const MIN_ZOOM = -2;  // 64 pixels for 180 degrees: a phone shows the whole world
const MAX_ZOOM = 18;  // about 0.3 m for a pixel at the equator

/**
 * @typedef {Object} View the present part of the map: a point is at (x = longitude * scale + left,
 *   y = top - latitude * scale) in pixels
 * @property {number} scale pixels for a degree
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 */

export class MapView {
  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
    this.map = L.map(container, {
      crs: L.CRS.EPSG4326,
      center: [15, 5],
      zoom: 1,
      zoomSnap: 0.25,
      zoomDelta: 1,
      minZoom: MIN_ZOOM,
      maxZoom: MAX_ZOOM,
      maxBounds: [[-100, -200], [100, 200]],
      attributionControl: false,
      zoomControl: false,    // built of texts in index.html
      zoomAnimation: false,  // the canvases are drawn for each position, not scaled
      fadeAnimation: false,
      boxZoom: false,
      doubleClickZoom: false,
    });
    this.map.fitWorld();
    this.land = this.addCanvas("map-land");
    this.world = null;
    this.map.on("move zoom resize", () => this.drawLand());
    onTheme(() => this.drawLand());
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(container);
  }

  /** Adds a canvas above the others. It takes no pointer events. */
  addCanvas(name) {
    const canvas = document.createElement("canvas");
    canvas.className = `map-canvas ${name}`;
    this.container.append(canvas);
    return canvas;
  }

  /** Loads land and borders from the node. */
  async loadWorld() {
    const response = await fetch("/page/vendor/world.json");
    if (!response.ok) throw new Error(`the map of the world cannot be read: status ${response.status}`);
    this.world = await response.json();
    this.drawLand();
  }

  /** @returns {View} */
  view() {
    const size = this.map.getSize();
    const origin = this.map.latLngToContainerPoint([0, 0]);
    const east = this.map.latLngToContainerPoint([0, 90]);
    return { scale: (east.x - origin.x) / 90, left: origin.x, top: origin.y, width: size.x, height: size.y };
  }

  /** The shown part of the globe, with `margin` times its size on each side. Degrees. */
  box(margin = 0) {
    const bounds = this.map.getBounds().pad(margin);
    return {
      south: Math.max(-90, bounds.getSouth()),
      west: Math.max(-180, bounds.getWest()),
      north: Math.min(90, bounds.getNorth()),
      east: Math.min(180, bounds.getEast()),
    };
  }

  drawLand() {
    const view = this.view();
    const { context } = prepared(this.land, view);
    context.fillStyle = variable("--sea");
    context.fillRect(0, 0, view.width, view.height);
    if (this.world === null) return;
    context.beginPath();
    for (const ring of this.world.land) {
      trace(context, view, ring);
      context.closePath();
    }
    context.fillStyle = variable("--land");
    context.fill("evenodd");
    context.beginPath();
    for (const line of this.world.borders) trace(context, view, line);
    context.strokeStyle = variable("--border");
    context.lineWidth = 0.7;
    context.stroke();
  }
}

/**
 * Sizes a canvas for the view and clears it. One unit of the returned context is one pixel of CSS.
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 */
export function prepared(canvas, view) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(view.width * ratio);
  const height = Math.round(view.height * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  return { context };
}

// Adds a line of [longitude, latitude, longitude, ...] to the path.
function trace(context, view, numbers) {
  for (let i = 0; i < numbers.length; i += 2) {
    const x = numbers[i] * view.scale + view.left;
    const y = view.top - numbers[i + 1] * view.scale;
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
}
