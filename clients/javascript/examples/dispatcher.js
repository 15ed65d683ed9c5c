// Finds the nearest clients of a place, such as the trucks that could drive there.
import { parseArgs } from "node:util";

import { Herd, HerdError } from "../herd.js";

const USAGE = `usage: dispatcher.js [--match 'PREFIX*'] [--newer SECONDS] [--max COUNT] [--json] CENTRE KM NODE...
Prints the clients in the circle round CENTRE, nearest first: a client, or a point such as 34.07,-118.44
(write -- before one that begins with a minus).
NODE is the HTTP address of a node, such as http://127.0.0.1:12440. The token, if one is needed, is in HERD_TOKEN.
  --match  only clients with ids that begin so
  --newer  only clients that reported within this number of seconds; default: 300
  --max    at most this number, 0 to 1000; default: 5
  --json   prints the answer of the herd
`;

async function main() {
  const options = {
    match: { type: "string" }, newer: { type: "string" }, max: { type: "string" }, json: { type: "boolean" },
    help: { type: "boolean" },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(USAGE);
  else await run(values, positionals);
}

/** @param {Record<string, any>} values @param {string[]} positionals */
async function run(values, positionals) {
  const [centre, km, ...nodes] = positionals;
  if (nodes.length === 0) throw new TypeError("give a centre, kilometres, and the address of a node (--help)");
  const isPoint = /^[+-]?[0-9.]+[,+-]/.test(centre);
  const circle = isPoint ? { at: centre, km: Number(km) } : { client: centre, km: Number(km) };
  const herd = new Herd(nodes, { token: process.env.HERD_TOKEN });
  const newer = Number(values.newer ?? 300);
  const answer = await herd.near({ ...circle, match: values.match, newer, max: Number(values.max ?? 5) });
  if (values.json) console.log(JSON.stringify(answer));
  else print(answer);
  if (answer.clients.length === 0 && answer.next === null) {
    console.error(`dispatcher.js: no client within ${Number(km)} km has reported within ${newer} s`);
  }
}

/** @param {import("../herd.js").NearAnswer} answer */
function print({ clients, next }) {
  for (const { client, km, bearing, time } of clients) {
    const reported = new Date(Number(time) * 1000).toISOString();
    console.log(`${client} ${km} km, bearing ${bearing}, reported ${reported}`);
  }
  if (next !== null) console.log("There are more: use --max.");
}

main().catch((error) => {
  console.error(`dispatcher.js: ${error.message}`);
  process.exitCode = error instanceof HerdError ? 1 : 2;
});
