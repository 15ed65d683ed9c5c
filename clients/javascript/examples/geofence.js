// Prints a line for each client that enters or leaves a circle, until it is interrupted.
import { parseArgs } from "node:util";

import { Herd, HerdError, Members } from "../herd.js";

const USAGE = `usage: geofence.js [--match 'PREFIX*'] [--dwell SECONDS] CENTRE KM NODE...
Prints a line for each client that enters or leaves the circle round CENTRE: a client, or a point such as 34.07,-118.44
(write -- before one that begins with a minus).
NODE is the HTTP address of a node, such as http://127.0.0.1:12440. The token, if one is needed, is in HERD_TOKEN.
  --match  only clients with ids that begin so
  --dwell  only clients that have been inside for so long
`;

/** @param {import("../herd.js").EventClient} client */
function place(client) {
  // A token of level=events does not tell where clients are.
  return client.coordinates === undefined ? "" : `${client.coordinates} at ${client.km} km`;
}

/** @param {Herd} herd @param {import("../herd.js").WatchQuery} query @param {AbortSignal} signal */
async function alertOf(herd, query, signal) {
  const members = new Members();
  const ids = () => [...members.clients.values()].map((client) => client.client).join(" ");
  for await (const event of herd.watch(query, { signal })) {
    members.apply(event);
    if (event.event === "enter") console.log("ENTER", event.data.client, place(event.data));
    if (event.event === "leave") console.log("LEAVE", event.data.client, place(event.data));
    if (event.event === "gone") console.log("RESET", event.data.client);
    // After a change to another node a new snapshot comes: it has the result of the changes in between.
    if (event.event === "ready") console.log("INSIDE", ids());
    if (event.event === "lost") console.error(`${event.data.error.message}; trying again`);
  }
}

async function main() {
  const options = { match: { type: "string" }, dwell: { type: "string" }, help: { type: "boolean" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(USAGE);
  else await run(values, positionals);
}

/** @param {Record<string, any>} values @param {string[]} positionals */
async function run(values, positionals) {
  const [centre, km, ...nodes] = positionals;
  if (nodes.length === 0) throw new TypeError("give a centre, kilometres, and the address of a node (--help)");
  const herd = new Herd(nodes, { token: process.env.HERD_TOKEN });
  const isPoint = /^[+-]?[0-9.]+[,+-]/.test(centre);
  const circle = isPoint ? { at: centre, km: Number(km) } : { near: centre, km: Number(km) };
  const dwell = values.dwell === undefined ? undefined : Number(values.dwell);
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  process.once("SIGTERM", () => interrupted.abort());
  try {
    await alertOf(herd, { ...circle, match: values.match, dwell, beat: 5 }, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
}

main().catch((error) => {
  console.error(`geofence.js: ${error.message}`);
  process.exitCode = error instanceof HerdError ? 1 : 2;
});
