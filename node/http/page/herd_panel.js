// Shows the nodes: a graph of this node's links, and a table with the same facts. Changes of links are also written to
// a live region, so that a screen reader announces them.

import { element, setText, svg } from "./dom.js";
import { colourOf } from "./palette.js";

const WIDTH = 460;
const HEIGHT = 250;
const MOST_NAMES = 24;  // in the drawing of a larger herd, only this node and its peers have their names
const STATE_TEXT = { self: "this node", up: "up", half: "one way", down: "down", silent: "silent" };

export class HerdPanel {
  /** @param {{graph: Element, body: Element, live: Element}} parts */
  constructor(parts) {
    this.parts = parts;
    this.states = new Map();
    this.names = "";  // of the rows of the table
  }

  /** @param {ReturnType<import("./herd_model.js").rowsOf>} herd */
  show(herd) {
    this.announce(herd.rows);
    this.parts.graph.replaceChildren(...drawing(herd));
    this.showTable(herd);
  }

  // Changes only the texts that differ, so that a screen reader keeps its place in the table.
  showTable(herd) {
    const { body } = this.parts;
    const names = herd.rows.map((row) => row.name);
    if (this.names !== names.join(" ")) {
      this.names = names.join(" ");
      body.replaceChildren(...names.map(emptyRow));
    }
    herd.rows.forEach((row, index) => {
      /** @type {any} */
      const line = body.children[index];
      line.className = `is-${row.state}`;
      line.querySelector(".dot").style.background = colourOf(row.name);
      textsOf(row, herd.digest).forEach((text, column) => setText(line.children[column + 1], text));
    });
  }

  announce(rows) {
    for (const row of rows) {
      const before = this.states.get(row.name);
      this.states.set(row.name, row.state);
      if (before !== undefined && before !== row.state) {
        setText(this.parts.live, `${row.name} is ${STATE_TEXT[row.state]}, ${new Date().toLocaleTimeString()}`);
      }
    }
  }
}

// Nodes on an ellipse, this node on the left; a line for each link of this node.
function drawing(herd) {
  const names = herd.rows.map((row) => row.name);
  const first = names.indexOf(herd.self);
  const place = (index) => {
    const angle = Math.PI + (2 * Math.PI * (index - first)) / names.length;
    return { x: WIDTH / 2 + Math.cos(angle) * WIDTH * 0.36, y: HEIGHT / 2 + Math.sin(angle) * HEIGHT * 0.36 };
  };
  const own = place(first);
  const links = herd.rows.flatMap((row, index) => (row.isPeer ? linkShapes(row, own, place(index)) : []));
  const radius = Math.min(10, 300 / names.length);  // so that neighbours do not touch
  const isNamed = (row) => names.length <= MOST_NAMES || row.isPeer || row.state === "self";
  const nodes = herd.rows.map((row, index) => nodeShape(row, place(index), radius));
  const labels = herd.rows.flatMap((row, index) => (isNamed(row) ? [nodeLabel(row, place(index))] : []));
  return [...links, ...nodes, ...labels];
}

function linkShapes(row, from, to) {
  const line = svg("line", {
    x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: `link is-${row.state}`, "data-peer": row.name,
  });
  const label = row.state === "up"
    ? `${row.roundTrip === null ? "…" : microseconds(row.roundTrip)}${row.lag > 0 ? `, lag ${row.lag}` : ""}`
    : `${STATE_TEXT[row.state]}, lag ${row.lag}`;
  const x = from.x + (to.x - from.x) * 0.55;
  const y = from.y + (to.y - from.y) * 0.55 - 5;
  return [line, svg("text", { x, y, class: "link-label" }, label)];
}

function nodeShape(row, at, radius) {
  return svg("circle", {
    cx: at.x, cy: at.y, r: row.state === "self" ? radius + 3 : radius, class: `node is-${row.state}`,
    "data-node": row.name, fill: colourOf(row.name),
  }, svg("title", {}, `${row.name}: ${STATE_TEXT[row.state]}`));
}

function nodeLabel(row, at) {
  return svg("text", { x: at.x, y: at.y + (at.y < HEIGHT / 2 ? -17 : 27), class: "node-label" }, row.name);
}

function emptyRow(name) {
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  const cells = Array.from({ length: 7 }, () => element("td"));
  return element("tr", { "data-node": name }, element("th", { scope: "row" }, dot, name),
    element("td", { class: "state" }), ...cells);
}

// The texts of a row after the name.
function textsOf(row, ownDigest) {
  const isEqual = row.digest === "" ? "" : row.digest === ownDigest ? "equal" : "differs";
  return [STATE_TEXT[row.state], number(row.clients), number(row.rate), number(row.lag),
    row.roundTrip === null ? "" : microseconds(row.roundTrip), row.skew === null ? "" : microseconds(row.skew),
    isEqual, row.peers];
}

function number(value) {
  return value === null ? "" : Math.round(value).toLocaleString("en");
}

function microseconds(value) {
  const size = Math.abs(value);
  if (size < 1000) return `${Math.round(value)} µs`;
  return size < 1_000_000 ? `${(value / 1000).toFixed(1)} ms` : `${(value / 1_000_000).toFixed(1)} s`;
}
