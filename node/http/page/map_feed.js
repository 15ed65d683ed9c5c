// Asks the node for the clients of the shown part of the map: all of them when the part changes, then each second those
// that changed. Never more than one request at a time.

import { getBytes } from "./api.js";
import { decodeMap, KIND_CELLS } from "./map_answer.js";

const MARGIN = 0.5;  // of the shown part on each side, so that a small move of the map needs no new answer

export class MapFeed {
  /**
   * @param {import("./map_view.js").MapView} mapView
   * @param {import("./clients.js").Clients} clients
   */
  constructor(mapView, clients) {
    this.mapView = mapView;
    this.clients = clients;
    this.box = null;     // of the latest answer with all clients or cells
    this.cursor = "";    // where the next answer continues; empty: it has all clients
    this.isCells = false;
  }

  /** Asks once and gives the answer to the clients. Throws what api.js throws. */
  async poll() {
    if (this.needsAll()) {
      this.box = this.mapView.box(MARGIN);
      this.cursor = "";
    }
    const { south, west, north, east } = this.box;
    const degrees = (value) => value.toFixed(6);
    const since = this.cursor === "" ? "" : `&since=${this.cursor}`;
    const answer = decodeMap(await getBytes(
      `/v1/map?sw=${degrees(south)},${degrees(west)}&ne=${degrees(north)},${degrees(east)}${since}`));
    this.clients.apply(answer, performance.now(), this.box);
    this.isCells = answer.kind === KIND_CELLS;
    this.cursor = this.isCells ? "" : answer.cursor;
    this.latest = answer.cursor;
  }

  /** The position in the node's feed of the latest answer, FEED:NUMBER; empty before the first one. */
  get position() {
    return this.latest ?? "";
  }

  needsAll() {
    if (this.box === null || this.clients.isFull) return true;
    const shown = this.mapView.box();
    const isInside = shown.south >= this.box.south && shown.north <= this.box.north &&
      shown.west >= this.box.west && shown.east <= this.box.east;
    const isMuchSmaller = this.isCells && shown.east - shown.west < (this.box.east - this.box.west) / 3;
    return !isInside || isMuchSmaller;
  }
}
