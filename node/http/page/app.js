// Starts the page and keeps it fresh: once a second it asks for the herd and for the map, one request of each at a
// time. A hidden page asks nothing.

import { getJson, Refused, TokenNeeded } from "./api.js";
import { Areas } from "./areas.js";
import { Clients } from "./clients.js";
import { byId, setText } from "./dom.js";
import { Renewals, rowsOf } from "./herd_model.js";
import { HerdPanel } from "./herd_panel.js";
import { MapFeed } from "./map_feed.js";
import { MapView } from "./map_view.js";
import { colourOf, learnNames } from "./palette.js";
import { Plots } from "./plots.js";
import { PointsLayer } from "./points_layer.js";
import { SearchPanel } from "./search_panel.js";
import { TailPanel } from "./tail_panel.js";
import { askForToken } from "./token_dialog.js";
import { WatchPanel } from "./watch_panel.js";

const PERIOD_MS = 1000;

const mapView = new MapView(byId("map"));
const clients = new Clients();
const mapFeed = new MapFeed(mapView, clients);
const points = new PointsLayer(mapView, clients);
const herdPanel = new HerdPanel({ graph: byId("graph"), body: byId("nodes"), live: byId("live") });
const plots = new Plots(byId("plots"));
const onToken = (error) => askForToken(byId("token-dialog"), error);
const tail = new TailPanel({ list: byId("tail"), button: byId("tail-button"), note: byId("tail-note") },
  () => mapFeed.position, onToken);
const search = new SearchPanel({
  form: byId("search-form"), note: byId("search-note"), found: byId("search-found"), nodes: byId("search-nodes"),
  table: byId("search-table"),
}, mapView, failed);
const watch = new WatchPanel({
  form: byId("watch-form"), stop: byId("watch-stop"), count: byId("watch-count"), list: byId("watch-list"),
  note: byId("watch-note"), live: byId("live"),
}, { onArea: (area) => areas.show(area), onToken });
const areas = new Areas(mapView, (area) => watch.watch(area));

const renewals = new Renewals();
const firstHerd = signal();
const firstMap = signal();

async function pollHerd() {
  const [herd, status] = await Promise.all([getJson("/v1/herd"), getJson("/status.json")]);
  const model = rowsOf(herd, status, renewals);
  learnNames(model.rows.map((row) => row.name).sort());
  firstHerd.done();
  document.title = `herd: ${herd.node}`;
  setText(byId("node-name"), herd.node);
  setText(byId("client-count"), numberOf(status.clients));
  setText(byId("state"), "live");
  byId("state").className = "";
  herdPanel.show(model);
  plots.add(status);
  await search.refresh(model);
}

async function pollMap() {
  await firstHerd.promise;  // the colours of nodes are in the order of the herd
  await mapFeed.poll();
  const isCells = clients.cells.length > 0;
  const count = isCells ? clients.cells.reduce((sum, cell) => sum + cell.clients, 0) : clients.count;
  const where = isCells ? "in cells; zoom in to see each" : "on this part of the map";
  setText(byId("map-note"), `${numberOf(count)} ${where}`);
  showLegend();
  firstMap.done();
}

function numberOf(clients) {
  return clients === 1 ? "1 client" : `${clients.toLocaleString("en")} clients`;
}

function showLegend() {
  const legend = byId("legend");
  const names = clients.cells.length > 0 ? [] : clients.origins;
  if (legend.dataset.names === names.join(" ")) return;
  legend.dataset.names = names.join(" ");
  legend.replaceChildren(...names.map((name) => {
    const item = document.createElement("li");
    const dot = document.createElement("span");
    dot.className = "dot";
    dot.style.background = colourOf(name);
    item.append(dot, name);
    return item;
  }));
}

/** Shows an error; asks for a token if the node wants one. */
async function failed(error) {
  if (error instanceof TokenNeeded) {
    await onToken(error);
    return;
  }
  const what = error instanceof Refused ? "this node refuses" : "no answer of this node";
  setText(byId("state"), `${what}: ${error.message}`);
  byId("state").className = "is-lost";
}

// A promise, and what fulfils it.
function signal() {
  let done = () => {};
  const promise = new Promise((resolve) => { done = () => resolve(undefined); });
  return { promise, done };
}

async function repeat(action) {
  for (;;) {
    const began = performance.now();
    if (!document.hidden) {
      try {
        await action();
      } catch (error) {
        await failed(error);
      }
    }
    await new Promise((done) => setTimeout(done, Math.max(50, PERIOD_MS - (performance.now() - began))));
  }
}

for (const kind of ["circle", "box"]) byId(`draw-${kind}`).addEventListener("click", () => areas.begin(kind));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") areas.begin(null);
});
byId("zoom-in").addEventListener("click", () => mapView.map.zoomIn());
byId("zoom-out").addEventListener("click", () => mapView.map.zoomOut());
byId("zoom-world").addEventListener("click", () => mapView.map.fitWorld());
mapView.loadWorld().catch(failed);
repeat(pollHerd);
repeat(pollMap);
firstMap.promise.then(() => tail.start());  // it continues after the map

// For the project's tests only: what is on the map, and how long its frames take.
window.herdDashboard = { clients, points, mapView };
