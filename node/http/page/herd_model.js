// What this node knows about the herd, read from /v1/herd and /status.json: its own status, its links, and the reports
// of other nodes. The page shows no more than that.

const SILENT_S = 5;   // nodes report every second
const HOP_S = 1;      // the most that a report waits at each node on its way
const NEWER_S = 0.5;  // two reports of a node are farther apart

/** Which nodes still report. A report from far away is old when it comes, so its age alone does not say it. */
export class Renewals {
  constructor() {
    /** @type {Map<string, {made: number, at: number}>} */
    this.newest = new Map();  // by node: when its newest report was made, and when it came, in seconds
  }

  /**
   * Whether a newer report of the node has come within SILENT_S. `most`: the age above which the first is too old.
   * @param {string} name
   * @param {number} age
   * @param {number} most
   */
  isRenewed(name, age, most) {
    const now = performance.now() / 1000;
    const made = now - age;
    const last = this.newest.get(name);
    if (last === undefined) this.newest.set(name, { made, at: age <= most ? now : -Infinity });
    else if (made > last.made + NEWER_S) this.newest.set(name, { made, at: now });
    return now - (this.newest.get(name)?.at ?? now) <= SILENT_S;
  }
}

/**
 * @typedef {Object} NodeRow
 * @property {string} name
 * @property {"up"|"half"|"down"|"silent"|"self"} state self: this node; silent: not a peer, and no report of it comes
 * @property {boolean} isPeer
 * @property {number|null} clients
 * @property {number|null} rate changes of its store per second
 * @property {string} digest empty: unknown
 * @property {number|null} age of the report in seconds
 * @property {number|null} lag records that the peer lacks
 * @property {number|null} roundTrip microseconds
 * @property {number|null} skew microseconds
 * @property {string} peers links that are up, of all its links
 */

/**
 * @param {any} herd the answer of /v1/herd
 * @param {any} status the answer of /status.json
 * @param {Renewals} renewals of the answers before
 * @returns {{self: string, digest: string, rows: NodeRow[]}} the rows in the order of the configuration
 */
export function rowsOf(herd, status, renewals) {
  const most = SILENT_S + HOP_S * herd.nodes.length;
  const isFresh = ({ node, report }) => report !== null && renewals.isRenewed(node, report.age_s, most);
  const rows = herd.nodes.map((node) => (node.state === "self" ? ownRow(node, status) : otherRow(node, isFresh(node))));
  return { self: herd.node, digest: status.digest, rows };
}

function ownRow(node, status) {
  const links = Object.values(status.links);
  return {
    name: node.node, state: "self", isPeer: false, clients: status.clients, rate: node.report?.updates_per_s ?? null,
    digest: status.digest, age: 0, lag: null, roundTrip: null, skew: null,
    peers: `${links.filter((link) => link.state === "up").length} of ${links.length}`,
  };
}

function otherRow({ node, state, link, report }, isFresh) {
  return {
    name: node,
    state: link ? state : isFresh ? "up" : "silent",
    isPeer: link !== null,
    clients: report?.clients ?? null,
    rate: isFresh ? report.updates_per_s : null,
    digest: report?.digest ?? "",
    age: report?.age_s ?? null,
    lag: link ? link.lag : null,
    roundTrip: link && link.round_trip_us > 0 ? link.round_trip_us : null,
    skew: link && link.state === "up" ? link.skew_us : null,
    peers: report ? `${report.peers_up} of ${report.peers}` : "",
  };
}

/**
 * What is known about a client at another node, without asking it: a page may ask only the node that it came from.
 * `own`: this node's digest. Returns a sentence, and whether the node is known to have the same record.
 * @param {NodeRow} row
 * @param {string} own
 * @returns {{same: boolean|null, text: string}}
 */
export function knowledgeOf(row, own) {
  if (row.state === "self") return { same: true, text: "asked: the answer above" };
  if (row.state === "up" && row.lag === 0) {
    return { same: true, text: "the same or a newer report: it has acknowledged everything of this node" };
  }
  if (row.digest !== "" && row.digest === own && row.age !== null && row.state === "up") {
    return { same: true, text: `the same: its digest of ${row.age.toFixed(1)} s ago is equal` };
  }
  if (row.isPeer && row.state !== "up") {
    return { same: false, text: `may be older: the link is ${row.state}, and it lacks ${row.lag} records` };
  }
  if (row.lag !== null) return { same: null, text: `on its way: ${row.lag} records are not acknowledged` };
  if (row.state === "silent") return { same: false, text: "may be older: no report of it comes" };
  return { same: null, text: "its digest differs: updates are on their way in one direction or the other" };
}
