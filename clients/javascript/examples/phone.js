// Reports the walk of a client until each report is acknowledged, over the nodes' port for clients.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { HerdError } from "../herd.js";
import { Reporter } from "../reporter.js";

const USAGE = `usage: phone.js [--steps COUNT] [--pause MILLISECONDS] [--ca FILE] CLIENT POINT NODE...
Reports a walk to the north that begins at POINT, one metre for each step, and prints the replies.
POINT is such as 34.07,-118.44; write -- before one that begins with a minus.
NODE is the address of a node's port for clients, such as 127.0.0.1:12140. A token, if one is needed, is in HERD_TOKEN.
  --steps  the number of reports; default: 10
  --pause  the time between two reports; default: 1000
  --ca     speaks TLS, and trusts the certificates in this file
`;
const DEGREES_A_METRE = 1 / 111_195;

async function main() {
  const options = {
    steps: { type: "string" }, pause: { type: "string" }, ca: { type: "string" }, help: { type: "boolean" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(USAGE);
  else await run(values, positionals);
}

/** @param {Record<string, any>} values @param {string[]} positionals */
async function run(values, positionals) {
  const [client, point, ...nodes] = positionals;
  const [, latitude, longitude] = /^([+-]?[0-9.]+),([+-]?[0-9.]+)$/.exec(point) ?? [];
  if (nodes.length === 0) throw new TypeError("give a client, a point, and a node (--help)");
  if (!latitude) throw new TypeError(`${point} is not a point: write it as 34.07,-118.44`);
  const tls = values.ca === undefined ? undefined : { ca: readFileSync(values.ca, "utf8") };
  const reporter = new Reporter(nodes, { token: process.env.HERD_TOKEN, tls });
  try {
    for (let step = 0; step < Number(values.steps ?? 10); ++step) {
      if (step > 0) await new Promise((done) => setTimeout(done, Number(values.pause ?? 1000)));
      const place = { latitude: Number(latitude) + step * DEGREES_A_METRE, longitude: Number(longitude) };
      console.log(await reporter.report(client, place));
    }
  } finally {
    await reporter.close();
  }
}

main().catch((error) => {
  console.error(`phone.js: ${error.message}`);
  process.exitCode = error instanceof HerdError ? 1 : 2;
});
