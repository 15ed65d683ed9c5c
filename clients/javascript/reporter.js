// Reports locations to a herd over TCP or TLS, for Node 18 or newer. reporter.d.ts describes it. A report is repeated,
// at another node if need be, until it is acknowledged; this is safe, because nodes ignore repeats.

import net from "node:net";
import tls from "node:tls";

import { HerdError, coordinates, pauseAfter, sleep } from "./common.js";

const TIMEOUT_MS = 6000; // a node acknowledges within ack_timeout, 5 s by default
const MAX_WAITING = 1000;
const MAX_REPLY_CHARACTERS = 8192; // the longest reply has about 4,200: a refused line with its bytes escaped
const MAX_CLIENT_BYTES = 255;
const COORDINATES = /^[+-][0-9]{1,2}(\.[0-9]{1,30})?[+-][0-9]{1,3}(\.[0-9]{1,30})?\/?$/;
const TIME = /^[0-9]{1,10}(\.[0-9]{1,9})?$/;
const MAX_CLOCK_STEP_US = 1_000_000;

/**
 * One command and the WHY after it, which marks its end: a node may drop an IAMAT without a reply, and gives the
 * reason then.
 * @typedef {{line: string, onReply: (reply: string, why: string) => void, onError: (error: HerdError) => void}} Command
 */

/** @param {string} address */
function hostAndPort(address) {
  const parts = /^(?:\[([0-9A-Za-z:.%]+)\]|([^:\s[\]/]+)):([0-9]{1,5})$/.exec(address);
  const port = Number(parts?.[3]);
  if (parts && port >= 1 && port <= 65535) return { host: parts[1] ?? parts[2], port, address };
  throw new TypeError(`${address} is not the address of a node: write it as 127.0.0.1:12140 or [::1]:12140`);
}

/** @param {string} client */
function checkedClient(client) {
  const length = typeof client === "string" ? Buffer.byteLength(client) : 0;
  if (length === 0 || length > MAX_CLIENT_BYTES || /[\x00-\x20\x7f]/.test(client)) {
    throw new TypeError("the id of a client has 1 to 255 bytes, without white space and control characters");
  }
  return client;
}

/** @param {Date | bigint | string} time */
function secondsOf(time) {
  const nanoseconds = time instanceof Date ? BigInt(time.getTime()) * 1_000_000n : time;
  const text = typeof nanoseconds === "string" ? nanoseconds
    : `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
  if (!TIME.test(text)) throw new TypeError(`the time is ${text}: give seconds since 1970, such as 1520023934.918`);
  return text;
}

/** One connection to a node. It ends with `done`, which is rejected if commands were under way. */
class Connection {
  /** @type {Command[]} */
  #underWay = [];
  #reply = "";
  #text = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #timeout;
  #socket;
  /** @type {Error | undefined} */
  #error;
  /** @type {Promise<void>} */
  done;
  isOpen = true;

  /** @param {{host: string, port: number}} node @param {boolean | object | undefined} secure @param {number} timeout */
  constructor(node, secure, timeout) {
    this.#timeout = timeout;
    const options = { host: node.host, port: node.port, noDelay: true, keepAlive: true };
    const servername = net.isIP(node.host) ? undefined : node.host;
    this.#socket = secure ? tls.connect({ ...options, servername, ...Object(secure) }) : net.connect(options);
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (/** @type {string} */ text) => this.#read(text));
    this.#socket.on("error", (/** @type {Error} */ error) => (this.#error ??= error));
    this.#socket.on("end", () => this.end());
    this.done = new Promise((done, failed) => this.#socket.on("close", () => {
      this.isOpen = false;
      clearTimeout(this.#timer);
      if (this.#underWay.length === 0) return done();
      const cause = this.#error ?? new Error("the node has closed the connection");
      failed(cause instanceof HerdError ? cause : new HerdError("network", cause.message, { cause }));
    }));
  }

  /** @param {Command} command */
  send(command) {
    this.#underWay.push(command);
    if (this.#underWay.length === 1) this.#wait();
    this.#socket.write(`${command.line}\nWHY\n`);
  }

  /** @param {Error} [error] */
  end(error) {
    this.isOpen = false;
    this.#error ??= error;
    this.#socket.destroy();
  }

  #wait() {
    clearTimeout(this.#timer);
    if (this.#underWay.length === 0) return;
    const late = () => this.end(new HerdError("timeout", `no reply within ${this.#timeout} ms`));
    this.#timer = setTimeout(late, this.#timeout);
  }

  /** @param {string} text */
  #read(text) {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (!this.isOpen) return;
      if (!line.startsWith("WHY ") && line !== "? WHY") {
        this.#reply = line;
        continue;
      }
      const [reply, command] = [this.#reply, this.#underWay.shift()];
      this.#reply = "";
      this.#wait();
      command?.onReply(reply, line.startsWith("WHY ") ? line.slice(4) : "no reason is known");
    }
    if (this.#text.length > MAX_REPLY_CHARACTERS) this.end(new HerdError("protocol", "a reply is too long"));
  }
}

/** @implements {Pick<import("./reporter.js").Reporter, keyof import("./reporter.js").Reporter>} */
export class Reporter {
  #nodes;
  #at = 0;
  #options;
  #tries;
  /** @type {(Command & {settled: Promise<string>})[]} In the order in which they are sent. */
  #waiting = [];
  /** @type {Connection | undefined} */
  #connection;
  #isRunning = false;
  #failures = 0; // since the last acknowledgement
  #lastMicroseconds = 0;

  /** @param {string | string[]} nodes @param {import("./reporter.js").ReporterOptions} [options] */
  constructor(nodes, options = {}) {
    this.#nodes = [nodes].flat().map(hostAndPort);
    if (this.#nodes.length === 0) throw new TypeError("give the address of at least one node");
    if (!/^[\x21-\x7e]+$/.test(options.token ?? "none")) throw new TypeError("the token has a byte that no token has");
    this.#options = { timeout: TIMEOUT_MS, maxWaiting: MAX_WAITING, ...options };
    this.#tries = options.tries ?? Math.max(3, 2 * this.#nodes.length);
  }

  /** @param {string} client @param {{latitude: number, longitude: number} | string} point
   *  @param {Date | bigint | string} [time] @returns {Promise<string>} */
  async report(client, point, time = this.#now()) {
    const place = typeof point === "string" ? point : coordinates(point);
    if (!COORDINATES.test(place)) throw new TypeError(`the point is ${place}: write it as +34.07-118.44`);
    const line = `IAMAT ${checkedClient(client)} ${place} ${secondsOf(time)}`;
    if (this.#waiting.length >= this.#options.maxWaiting) {
      throw new HerdError("busy", `${this.#options.maxWaiting} reports wait: report again when one is acknowledged`);
    }
    /** @type {any} */
    const command = { line };
    command.settled = new Promise((done, failed) => {
      command.onError = failed;
      command.onReply = (/** @type {string} */ reply, /** @type {string} */ why) => {
        this.#waiting.shift();
        this.#failures = 0;
        if (reply === "IGNORE" || reply.startsWith("AT ")) done(reply);
        else failed(new HerdError("refused", `the node refuses the report of ${client}: ${why}`));
      };
    });
    this.#waiting.push(command);
    if (this.#connection?.isOpen) this.#connection.send(command);
    else if (!this.#isRunning) this.#run();
    return command.settled;
  }

  async close() {
    while (this.#waiting.length > 0) await Promise.allSettled(this.#waiting.map((command) => command.settled));
    this.#connection?.end();
  }

  // Sends all waiting reports, and does so again when the connection fails before they are acknowledged.
  async #run() {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const { tls: secure, timeout, token } = this.#options;
      const connection = new Connection(this.#nodes[this.#at], secure, timeout);
      if (token !== undefined) authenticate(connection, token);
      for (const command of this.#waiting) connection.send(command);
      this.#connection = connection;
      try {
        await connection.done;
      } catch (error) {
        await this.#failed(/** @type {HerdError} */ (error));
      }
    }
    this.#isRunning = false;
  }

  // Waits before the next try, or gives up.
  /** @param {HerdError} cause */
  async #failed(cause) {
    this.#failures += 1;
    const message = `no node acknowledges; the last failure, of ${this.#nodes[this.#at].address}: ${cause.message}`;
    // The first try is at the same node, which may only have closed an idle connection, unless that node hangs.
    if (this.#failures > 1 || cause.kind === "timeout") this.#at = (this.#at + 1) % this.#nodes.length;
    if (cause.isTransient && this.#failures < this.#tries) return await sleep(pauseAfter(this.#failures));
    this.#failures = 0;
    const error = cause.isTransient ? new HerdError("unavailable", message, { cause }) : cause;
    for (const command of this.#waiting.splice(0)) command.onError(error);
  }

  // The present time in microseconds. It rises with each report, because a report of the same time is not stored.
  #now() {
    const now = Date.now() * 1000;
    const step = this.#lastMicroseconds - now; // above 0 within a millisecond, and after the clock was set back
    this.#lastMicroseconds = step >= 0 && step < MAX_CLOCK_STEP_US ? this.#lastMicroseconds + 1 : now;
    return BigInt(this.#lastMicroseconds) * 1000n;
  }
}

// The reports after a wrong token would be refused, each with a reason of its own.
/** @param {Connection} connection @param {string} token */
function authenticate(connection, token) {
  const onReply = (/** @type {string} */ reply, /** @type {string} */ why) => {
    if (reply === "? AUTH") connection.end(new HerdError("refused", `the node refuses the token: ${why}`));
  };
  connection.send({ line: `AUTH ${token}`, onReply, onError: () => undefined });
}
