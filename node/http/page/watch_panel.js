// Watches one circle or box: the number of clients inside, and who enters and leaves, as it happens. The area comes
// from the map or from the fields, so the keyboard is enough.

import { element, setText } from "./dom.js";
import { EventStream } from "./event_stream.js";

const KEPT_LINES = 50;
const FIELDS = { circle: ["lat", "lng", "km"], box: ["south", "west", "north", "east"] };

export class WatchPanel {
  /**
   * @param {{form: any, stop: HTMLElement, count: Element, list: Element, note: Element,
   *   live: Element}} parts
   * @param {{onArea: (area: import("./areas.js").Area|null) => void, onToken: (error: Error) => void}} handlers
   */
  constructor(parts, handlers) {
    this.parts = parts;
    this.handlers = handlers;
    this.stream = null;
    this.members = new Set();
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.watch(this.areaOfFields());
    });
    parts.form.elements["kind"].addEventListener("change", () => this.showFields());
    parts.stop.addEventListener("click", () => this.stop());
    this.showFields();
  }

  /** @param {import("./areas.js").Area} area */
  watch(area) {
    this.stop();
    this.fillFields(area);
    this.handlers.onArea(area);
    this.setNote("connecting");
    this.parts.stop.hidden = false;
    this.stream = new EventStream(pathOf(area), {
      onEvent: (event) => this.take(event),
      onState: (text) => this.setNote(text),
      onToken: (error) => { this.stop(); this.handlers.onToken(error); },
    });
  }

  stop() {
    this.stream?.close();
    this.stream = null;
    this.members.clear();
    this.parts.stop.hidden = true;
    this.parts.list.replaceChildren();
    setText(this.parts.count, "");
    this.setNote("");
    this.handlers.onArea(null);
  }

  take({ event, data }) {
    const key = data.client_url ?? data.client;
    if (event === "watching" && !data.resumed) this.members.clear();
    if (event === "here" || event === "enter") this.members.add(key);
    if (event === "leave" || event === "gone") this.members.delete(key);
    if (event === "enter" || event === "leave" || event === "gone") this.addLine(event, data);
    if (event === "end") this.setNote(`the node has ended the watch: ${data.reason ?? ""}`);
    if (event === "ready") this.setNote("");
    if (event !== "move" && event !== "tick") setText(this.parts.count, `${this.members.size} inside`);
  }

  addLine(event, data) {
    const words = { enter: "enters", leave: "leaves", gone: "is reset" }[event];
    const time = new Date().toLocaleTimeString();
    const line = element("li", { class: `event-${event}` }, element("b", {}, data.client), ` ${words} (${time})`);
    this.parts.list.prepend(line);
    if (this.parts.list.childElementCount > KEPT_LINES) this.parts.list.lastElementChild.remove();
    setText(this.parts.live, `${data.client} ${words}`);
  }

  setNote(text) {
    setText(this.parts.note, text);
  }

  /** @returns {any} */
  areaOfFields() {
    const { elements } = this.parts.form;
    const kind = elements["kind"].value;
    return Object.fromEntries([["kind", kind], ...FIELDS[kind].map((name) => [name, Number(elements[name].value)])]);
  }

  fillFields(area) {
    const { elements } = this.parts.form;
    elements["kind"].value = area.kind;
    for (const name of FIELDS[area.kind]) elements[name].value = String(+area[name].toFixed(name === "km" ? 3 : 6));
    this.showFields();
  }

  showFields() {
    const { elements } = this.parts.form;
    for (const [kind, names] of Object.entries(FIELDS)) {
      for (const name of names) {
        const isUsed = elements["kind"].value === kind;
        elements[name].disabled = !isUsed;
        elements[name].closest("label").hidden = !isUsed;
      }
    }
  }
}

function pathOf(area) {
  const at = (latitude, longitude) => `${latitude.toFixed(6)},${longitude.toFixed(6)}`;
  if (area.kind === "circle") return `/v1/watch?at=${at(area.lat, area.lng)}&km=${area.km.toFixed(6)}`;
  return `/v1/watch?sw=${at(area.south, area.west)}&ne=${at(area.north, area.east)}`;
}
