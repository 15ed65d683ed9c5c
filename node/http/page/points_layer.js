// Draws the clients, or cells with their counts. Writes pixels into an image: 100,000 rectangles through the canvas
// would take 84 ms a frame, the pixels take about 5 ms (docs/decisions/0041). Runs once a frame while something moves.

import { colourOf, componentsOf, onTheme, variable } from "./palette.js";

const AGE_LEVELS = 8;
const FAINTEST = 70;           // opacity of the oldest, of 255
const FIRST_LEVEL_MS = 10_000; // a client of this age begins to fade; each further level is twice as old
const NUMBERED_FRAMES = 600;   // frame times that are kept for frames()

export class PointsLayer {
  /**
   * @param {import("./map_view.js").MapView} mapView
   * @param {import("./clients.js").Clients} clients
   */
  constructor(mapView, clients) {
    this.mapView = mapView;
    this.clients = clients;
    this.canvas = mapView.addCanvas("map-points");
    this.image = null;
    this.paintedAt = -1;  // Clients.changedAt of the colours
    this.colours = new Uint32Array(0);
    this.isStale = true;
    this.times = [];
    mapView.map.on("move zoom resize", () => { this.isStale = true; });
    onTheme(() => { this.paintedAt = -1; });
    requestAnimationFrame((now) => this.frame(now));
  }

  /** For tests: [time between two frames, time of the drawing] in ms of the latest frames that drew. */
  frames() {
    return this.times;
  }

  frame(now) {
    requestAnimationFrame((next) => this.frame(next));
    const { clients } = this;
    const isRepainted = this.paintedAt !== clients.changedAt;
    const isMoving = clients.isMoving(now);
    if (!isRepainted && !isMoving && !this.isStale) {
      this.previous = 0;
      return;
    }
    const began = performance.now();
    if (isRepainted) this.paint(now);
    this.draw(now);
    this.isStale = isMoving;  // the end of the move is drawn, too
    if (this.previous) this.times.push([now - this.previous, performance.now() - began]);
    if (this.times.length > NUMBERED_FRAMES) this.times.shift();
    this.previous = now;
  }

  // Chooses the colour of each client from its origin and its age.
  paint(now) {
    const { clients } = this;
    const palette = new Uint32Array(clients.origins.length * AGE_LEVELS);
    for (let origin = 0; origin < clients.origins.length; ++origin) {
      const [red, green, blue] = componentsOf(colourOf(clients.origins[origin]));
      for (let level = 0; level < AGE_LEVELS; ++level) {
        const opacity = 255 - ((255 - FAINTEST) * level) / (AGE_LEVELS - 1);
        palette[origin * AGE_LEVELS + level] = pixel(red, green, blue, opacity);
      }
    }
    if (this.colours.length < clients.count) this.colours = new Uint32Array(clients.latitude.length);
    for (let i = 0; i < clients.count; ++i) {
      const doublings = Math.log2((now - clients.born[i]) / FIRST_LEVEL_MS + 1) | 0;
      this.colours[i] = palette[clients.origin[i] * AGE_LEVELS + Math.min(AGE_LEVELS - 1, doublings)];
    }
    this.paintedAt = clients.changedAt;
  }

  draw(now) {
    const view = this.mapView.view();
    const { width, height } = view;
    if (width === 0 || height === 0) return;
    if (this.image === null || this.image.width !== width || this.image.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = new ImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    pixels.fill(0);
    if (this.clients.cells.length > 0) this.drawCells(pixels, view);
    else this.drawClients(pixels, view, now);
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  drawClients(pixels, view, now) {
    const { count, latitude, longitude, fromLatitude, fromLongitude } = this.clients;
    const { colours } = this;
    const { scale, left, top, width, height } = view;
    const share = this.clients.share(now);
    const side = count > 20_000 ? 2 : count > 500 ? 3 : 5;
    const half = side >> 1;
    for (let i = 0; i < count; ++i) {
      const east = fromLongitude[i] + (longitude[i] - fromLongitude[i]) * share;
      const north = fromLatitude[i] + (latitude[i] - fromLatitude[i]) * share;
      const x = Math.round(east * scale + left) - half;
      const y = Math.round(top - north * scale) - half;
      if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
      const colour = colours[i];
      for (let row = y * width + x, end = row + side * width; row < end; row += width) {
        for (let at = row; at < row + side; ++at) pixels[at] = colour;
      }
    }
  }

  // A cell is a square; its area shows the count on a logarithmic scale.
  drawCells(pixels, view) {
    const [red, green, blue] = componentsOf(variable("--cells"));
    const most = this.clients.cells.reduce((highest, cell) => Math.max(highest, cell.clients), 1);
    for (const cell of this.clients.cells) {
      const share = Math.log(cell.clients + 1) / Math.log(most + 1);
      const side = Math.round(2 + 12 * share);
      const x = Math.round(cell.longitude * view.scale + view.left - side / 2);
      const y = Math.round(view.top - cell.latitude * view.scale - side / 2);
      const colour = pixel(red, green, blue, 110 + 145 * share);
      for (let row = Math.max(0, y); row < Math.min(view.height, y + side); ++row) {
        for (let at = Math.max(0, x); at < Math.min(view.width, x + side); ++at) pixels[row * view.width + at] = colour;
      }
    }
  }
}

// The number that ImageData has for a colour: bytes red, green, blue, opacity, on a little-endian processor.
function pixel(red, green, blue, opacity) {
  return ((Math.round(opacity) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
