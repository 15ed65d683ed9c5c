// The clients that the map shows. Arrays of numbers, one element for each client, so that 100,000 of them are moved and
// drawn in a few milliseconds. Between two answers each client moves evenly from where it was shown to where it is.

import { KIND_ALL, KIND_CELLS } from "./map_answer.js";

const MAX_CLIENTS = 200_000;    // the node sends at most 100,000 in one answer; above this the map is read anew
const MAX_ORIGINS = 256;        // further ones have the colour of the last
const LONGEST_MOVE_MS = 5_000;  // of an answer that came late

export class Clients {
  constructor() {
    this.clear();
  }

  /** Forgets all clients and cells. */
  clear() {
    this.feed = "";
    this.count = 0;
    this.slots = new Map();  // from the index of the node to the place in the arrays
    this.allocate(1024);
    this.cells = [];
    this.origins = [];
    this.began = 0;     // when the present move began, by performance.now()
    this.duration = 1;  // of the present move in ms
    this.hasMoves = false;  // a client moves in it
    this.changedAt = 0; // when the origins or ages last changed
  }

  /**
   * Takes an answer. `now`: performance.now(). `box`: clients outside of it are left out.
   * @param {import("./map_answer.js").MapAnswer} answer
   * @param {number} now
   * @param {{south: number, west: number, north: number, east: number}} box
   */
  apply(answer, now, box) {
    this.cells = [];
    this.changedAt = now;
    if (answer.kind === KIND_CELLS) {
      const origins = this.origins;
      this.clear();
      this.origins = origins;
      this.changedAt = now;
      for (let i = 0; i < answer.count; ++i) this.cells.push(answer.cell(i));
      return;
    }
    if (answer.feed !== this.feed) this.clear();
    this.feed = answer.feed;
    const numbers = answer.origins.map((name) => this.numberOf(name));
    this.rest(now);
    this.fresh = answer.kind === KIND_ALL ? new Uint8Array(this.latitude.length) : null;
    for (let i = 0; i < answer.count; ++i) this.place(answer.client(i), now, box, numbers);
    if (this.fresh !== null) this.removeOthers();
    this.changedAt = now;
  }

  /** The share of the present move that is over, 0 to 1. */
  share(now) {
    return Math.min(1, (now - this.began) / this.duration);
  }

  /** Whether a client is shown at another place in the next frame. */
  isMoving(now) {
    return this.hasMoves && this.share(now) < 1;
  }

  /** Whether the answers have brought more than MAX_CLIENTS, so the map should be read anew. */
  get isFull() {
    return this.count > MAX_CLIENTS;
  }

  // Ends the present move: each client continues from where it is shown, and stays where it is until it is placed.
  rest(now) {
    const share = this.share(now);
    const { fromLatitude, fromLongitude, latitude, longitude } = this;
    for (let i = 0; i < this.count; ++i) {
      fromLatitude[i] += (latitude[i] - fromLatitude[i]) * share;
      fromLongitude[i] += (longitude[i] - fromLongitude[i]) * share;
    }
    const passed = now - this.began;
    this.duration = passed < LONGEST_MOVE_MS ? Math.max(passed, 100) : 1;
    this.began = now;
    this.hasMoves &&= share < 1;  // what has not arrived goes on
  }

  // The number of a node in `origins`; an answer has numbers of its own.
  numberOf(name) {
    const known = this.origins.indexOf(name);
    if (known >= 0) return known;
    this.origins.push(name);
    return Math.min(this.origins.length, MAX_ORIGINS) - 1;
  }

  place(client, now, box, numbers) {
    let slot = this.slots.get(client.index);
    if (client.gone || !isIn(client, box)) {
      if (slot !== undefined) this.remove(slot);
      return;
    }
    const isNew = slot === undefined;
    if (isNew) {
      slot = this.count++;
      if (slot === this.latitude.length) this.allocate(2 * slot);
      this.slots.set(client.index, slot);
      this.index[slot] = client.index;
    }
    this.latitude[slot] = client.latitude;
    this.longitude[slot] = client.longitude;
    if (isNew || Math.abs(client.longitude - this.fromLongitude[slot]) > 180) {
      this.fromLatitude[slot] = client.latitude;
      this.fromLongitude[slot] = client.longitude;
    }
    this.hasMoves ||= client.latitude !== this.fromLatitude[slot] || client.longitude !== this.fromLongitude[slot];
    this.born[slot] = now - client.age * 1000;
    this.origin[slot] = numbers[client.origin];
    if (this.fresh !== null) this.fresh[slot] = 1;
  }

  // Removes the clients that an answer with all clients did not have.
  removeOthers() {
    for (let slot = this.count - 1; slot >= 0; --slot) if (this.fresh[slot] === 0) this.remove(slot);
    this.fresh = null;
  }

  // The last client takes the place of the removed one.
  remove(slot) {
    const last = --this.count;
    this.slots.delete(this.index[slot]);
    if (slot !== last) {
      for (const array of this.arrays()) array[slot] = array[last];
      if (this.fresh !== null) this.fresh[slot] = this.fresh[last];
      this.slots.set(this.index[slot], slot);
    }
  }

  arrays() {
    return [this.index, this.latitude, this.longitude, this.fromLatitude, this.fromLongitude, this.born, this.origin];
  }

  // Gives every array this length and keeps what it has.
  allocate(length) {
    const grown = (Type, old) => {
      const array = new Type(length);
      if (this.count > 0) array.set(old.subarray(0, this.count - 1));
      return array;
    };
    this.index = grown(Uint32Array, this.index);
    this.latitude = grown(Float64Array, this.latitude);
    this.longitude = grown(Float64Array, this.longitude);
    this.fromLatitude = grown(Float64Array, this.fromLatitude);
    this.fromLongitude = grown(Float64Array, this.fromLongitude);
    this.born = grown(Float64Array, this.born);  // the time of the report, by performance.now()
    this.origin = grown(Uint8Array, this.origin);
    if (this.fresh) this.fresh = grown(Uint8Array, this.fresh);
  }
}

function isIn(client, box) {
  return client.latitude >= box.south && client.latitude <= box.north &&
    client.longitude >= box.west && client.longitude <= box.east;
}
