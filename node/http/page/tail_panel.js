// The live tail: each change of each client, newest first, in the words of the node's event stream. The node conflates
// changes for a slow reader, and this reader is slow on purpose: at most MAX_PER_SECOND lines, so that a busy herd does
// not make the page slow. It starts after the map's position, so it has no snapshot of all clients.

import { element } from "./dom.js";
import { EventStream } from "./event_stream.js";
import { colourOf } from "./palette.js";

const KEPT_LINES = 100;
const MAX_PER_SECOND = 40;

export class TailPanel {
  /**
   * @param {{list: Element, button: Element, note: Element}} parts
   * @param {() => string} position where to begin, FEED:NUMBER: that of the newest answer of the map
   * @param {(error: Error) => void} onToken
   */
  constructor(parts, position, onToken) {
    this.parts = parts;
    this.position = position;
    this.onToken = onToken;
    this.stream = null;
    parts.button.addEventListener("click", () => (this.stream ? this.stop() : this.start()));
  }

  start() {
    this.parts.button.setAttribute("aria-pressed", "true");
    this.parts.button.textContent = "Pause";
    this.parts.note.textContent = "";
    this.stream = new EventStream("/v1/watch?all", {
      onEvent: (event) => this.add(event),
      onState: (text) => { this.parts.note.textContent = text; },
      onToken: (error) => { this.stop(); this.onToken(error); },
    }, this.position);
  }

  stop() {
    this.stream?.close();
    this.stream = null;
    this.parts.button.setAttribute("aria-pressed", "false");
    this.parts.button.textContent = "Follow";
  }

  async add({ event, data }) {
    if (["tick", "ready", "here"].includes(event) || data.client === undefined) return;
    this.parts.note.textContent = "";
    const dot = element("span", { class: "dot", "aria-hidden": "true" });
    if (data.node) dot.style.background = colourOf(data.node);
    const rest = data.coordinates ? `${data.coordinates} at ${data.node}` : "";
    this.parts.list.prepend(element("li", {}, dot, `${event} `, element("b", {}, data.client), ` ${rest}`));
    if (this.parts.list.childElementCount > KEPT_LINES) this.parts.list.lastElementChild.remove();
    await new Promise((done) => setTimeout(done, 1000 / MAX_PER_SECOND));
  }
}
