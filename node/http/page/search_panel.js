// One client: its newest report at this node, and what is known about it at each other node. The node is asked again
// with each round of the page, so a client that moves is followed.

import { getJson, Refused } from "./api.js";
import { element, setText } from "./dom.js";
import { distanceKm } from "./geo.js";
import { knowledgeOf } from "./herd_model.js";

const CLICK_PIXELS = 14;
const MOST_NEAR = 5;
const MARKS = new Map([[true, "same"], [false, "may differ"], [null, "under way"]]);

export class SearchPanel {
  /**
   * @param {{form: any, note: Element, found: Element, nodes: Element, table: HTMLElement}} parts
   * @param {import("./map_view.js").MapView} mapView
   * @param {(error: any) => void} onError
   */
  constructor(parts, mapView, onError) {
    this.parts = parts;
    this.mapView = mapView;
    this.onError = onError;
    this.path = "";   // of the client that is shown
    this.herd = null;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.find(encodeURIComponent(parts.form.elements["client"].value.trim()));
    });
    mapView.map.on("click", (event) => this.findNear(event.latlng));
  }

  /** Called with each new answer of /v1/herd. */
  async refresh(herd) {
    this.herd = herd;
    if (this.path !== "") await this.ask();
  }

  /** @param {string} id percent-encoded */
  async find(id) {
    if (id === "") return;
    this.path = `/v1/where/${id}`;
    await this.ask().catch(this.onError);
  }

  async ask() {
    const { path } = this;
    try {
      const record = await getJson(path);
      if (path === this.path) this.show(record);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (!error.isPassing) this.path = "";
      this.clear(error.status === 404 ? "This node does not know the client." : error.message);
    }
  }

  async findNear(centre) {
    const { map } = this.mapView;
    const at = map.latLngToContainerPoint(centre);
    const km = distanceKm(centre, map.containerPointToLatLng([at.x, at.y + CLICK_PIXELS]));
    const path = `/v1/near?at=${centre.lat.toFixed(6)},${centre.lng.toFixed(6)}&km=${km.toFixed(6)}&max=${MOST_NEAR}`;
    try {
      const { clients } = await getJson(path);
      if (clients.length === 1) await this.find(idOf(clients[0]));
      else if (clients.length > 1) this.offer(clients);
    } catch (error) {
      this.onError(error);
    }
  }

  // Several clients are near the click: a button for each.
  offer(clients) {
    this.path = "";
    this.clear(`The ${clients.length} nearest:`);
    this.parts.found.replaceChildren(...clients.map((client) =>
      element("button", { type: "button", click: () => this.find(idOf(client)) }, client.client)));
  }

  clear(note) {
    setText(this.parts.note, note);
    this.parts.found.replaceChildren();
    this.parts.table.hidden = true;
  }

  show(record) {
    setText(this.parts.note, "");
    const seconds = Date.now() / 1000 - Number(record.time);
    const facts = [
      ["client", record.client], ["coordinates", record.coordinates], ["reported to", record.node],
      ["time", `${record.time} (${ageText(seconds)} ago by its own clock)`],
      ["clock difference", `${record.difference} s`],
    ];
    const list = element("dl", {});
    for (const [name, value] of facts) list.append(element("dt", {}, name), element("dd", {}, String(value)));
    const here = [record.latitude, record.longitude];
    const button = element("button", { type: "button", click: () => this.mapView.map.setView(here, 9) }, "Show on map");
    if (this.parts.found.contains(document.activeElement)) this.parts.found.querySelector("dl")?.replaceWith(list);
    else this.parts.found.replaceChildren(list, button);
    this.showNodes(record);
  }

  showNodes(record) {
    if (this.herd === null) return;
    this.parts.nodes.replaceChildren(...this.herd.rows.map((row) => {
      const known = knowledgeOf(row, this.herd.digest);
      const role = row.name === record.node ? " (origin)" : "";
      return element("tr", { class: `known-${known.same}` }, element("th", { scope: "row" }, row.name + role),
        element("td", {}, MARKS.get(known.same)), element("td", {}, known.text));
    }));
    this.parts.table.hidden = false;
  }
}

// The id of a client of an answer, percent-encoded.
function idOf(client) {
  return client.client_url ?? encodeURIComponent(client.client);
}

function ageText(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
