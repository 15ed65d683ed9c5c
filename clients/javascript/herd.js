// Asks a herd where clients are, and watches them, over HTTP. For browsers and for Node 18 or newer; without
// dependencies. herd.d.ts describes what is exported, README.md shows how it is used, docs/HTTP.md is the interface.

import { HerdError, coordinates, pauseAfter, sleep } from "./common.js";

export { HerdError, coordinates, pauseAfter, sleep };

/** @typedef {import("./herd.js").WatchEvent} WatchEvent */
/** @typedef {import("./herd.js").ClientId} ClientId */
/** @typedef {import("./herd.js").AskOptions} AskOptions */
/** @typedef {import("./herd.js").WatchOptions} WatchOptions */
/** @typedef {Record<string, any>} Query */

const TIMEOUT_MS = 6000; // a node answers within 4 s, or says that it cannot
const STABLE_MS = 10_000; // a stream that was open for so long was no failure
const DEFAULT_BEAT_S = 15;
const MAX_EVENT_CHARACTERS = 65_536; // the longest event of a node has about 2,000
const MAX_ANSWER_BYTES = 8 * 1024 * 1024; // a node answers with at most 4 MiB
const MAX_RETRY_AFTER_S = 60;
const RESUME_ID = /^[0-9a-f]{16}:[0-9]{1,20}$/;

/** @param {{client: string, client_url?: string}} record */
export function keyOf(record) {
  // No id contains a control byte.
  return record.client_url === undefined ? record.client : `\0${record.client_url}`;
}

/** @param {ClientId} client */
function idInUrl(client) {
  const record = typeof client === "string" ? { client } : client;
  if (typeof record?.client === "string" && record.client !== "") {
    return record.client_url ?? encodeURIComponent(record.client);
  }
  throw new TypeError("the id of a client is a text that is not empty");
}

// The value of one parameter as a URL has it.
/** @param {string} name @param {any} value */
function valueInUrl(name, value) {
  if (name === "client" || name === "near") return idInUrl(value);
  if (value === true) return "";
  if (typeof value === "string") return encodeURIComponent(value);
  if (typeof value === "number") {
    if (!(Math.abs(value) < 1e9)) throw new RangeError(`${name} is ${value}: give a number below 1e9`);
    return String(value).includes("e") ? value.toFixed(9) : String(value); // a node accepts no exponent
  }
  if (typeof value?.latitude === "number" && typeof value.longitude === "number") {
    return encodeURIComponent(coordinates(value));
  }
  throw new TypeError(`${name} has a value of the wrong type`);
}

/** @param {string} path @param {Query} query */
function target(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${path}?${given.map(([name, value]) => `${encodeURIComponent(name)}=${valueInUrl(name, value)}`).join("&")}`;
}

// The address of a node without a slash at its end.
/** @param {string} address */
function baseOf(address) {
  try {
    const url = new URL(address, globalThis.location?.href);
    const hasMore = url.search || url.hash || url.username || url.password;
    if (/^https?:$/.test(url.protocol) && !hasMore) return url.href.replace(/\/+$/, "");
  } catch {
    // The same mistake, for which URL throws.
  }
  throw new TypeError(`${address} is not the address of a node: write it as http://127.0.0.1:12440`);
}

// A browser gives one text for all failures, and the most frequent one of a new page is that of its origin.
/** @param {string} node */
function originHint(node) {
  const origin = globalThis.location?.origin; // undefined in Node
  if (origin === undefined || origin === new URL(node).origin) return "";
  const rule = 'a node answers only pages of its own origin: see README.md, "In a browser"';
  return ` (the page's origin is ${origin}, and ${rule})`;
}

/** Aborts a request after a time, or when the caller's signal is aborted. */
class Deadline {
  #controller = new AbortController();
  #outer;
  #stop = () => this.#controller.abort(this.#outer?.reason);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {AbortSignal} [outer] */
  constructor(outer) {
    this.#outer = outer;
    if (outer?.aborted) this.#stop();
    outer?.addEventListener("abort", this.#stop, { once: true });
  }

  get signal() {
    return this.#controller.signal;
  }

  /** @param {number} milliseconds @param {string} message */
  start(milliseconds, message) {
    this.pause();
    this.#timer = setTimeout(() => this.#controller.abort(new HerdError("timeout", message)), milliseconds);
  }

  pause() {
    clearTimeout(this.#timer);
  }

  /** Also closes the connection, if its answer is not read to the end. */
  end() {
    this.pause();
    this.#outer?.removeEventListener("abort", this.#stop);
    this.#controller.abort();
  }

  // The error of a failed step at a node: the reason of the abort, if that was the cause.
  /** @param {unknown} error @param {string} node */
  errorOf(error, node) {
    if (this.signal.aborted) return this.signal.reason;
    if (error instanceof HerdError) return error;
    const { message, cause } = /** @type {Error & {cause?: any}} */ (error);
    const reason = cause?.message || cause?.code || message;
    return new HerdError("network", `${node}: ${reason}${originHint(node)}`, { cause: error });
  }
}

export class EventParser {
  #rest = "";
  #size = 0;
  #event = { event: "", id: "", data: "" };

  /** @param {string} text */
  push(text) {
    /** @type {{event: string, id: string, data: string}[]} */
    const events = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/); // a CR at the end may be half of a CR LF
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#size += line.length;
      if (this.#size > MAX_EVENT_CHARACTERS) break;
      if (line !== "") {
        this.#field(line);
        continue;
      }
      if (this.#event.data !== "") events.push({ ...this.#event, data: this.#event.data.slice(0, -1) });
      this.#event = { event: "", id: this.#event.id, data: "" };
      this.#size = 0;
    }
    if (this.#size + this.#rest.length <= MAX_EVENT_CHARACTERS) return events;
    throw new HerdError("protocol", `an event exceeds ${MAX_EVENT_CHARACTERS} characters`);
  }

  /** @param {string} line */
  #field(line) {
    const [, name, value] = /** @type {RegExpExecArray} */ (/^([^:]*):? ?(.*)$/s.exec(line));
    if (name === "data") this.#event.data += `${value}\n`;
    if (name === "event" || name === "id") this.#event[name] = value;
  }
}

/** @param {string} text @param {string} where */
function parse(text, where) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HerdError("protocol", `${where} does not answer with JSON: is it the HTTP address of a node?`, { cause });
  }
}

// The body of an answer, at most MAX_ANSWER_BYTES.
/** @param {Response} response */
async function bodyOf(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_ANSWER_BYTES) throw new HerdError("protocol", `the answer exceeds ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

// The error of an answer that is not 200.
/** @param {string} node @param {Response} response */
async function refusalOf(node, response) {
  const text = await bodyOf(response);
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
  const reason = isProblem ? parse(text, node).detail : text.slice(0, 200).trim();
  const { status } = response;
  // A 404 without a problem is that of a wrong address.
  const refused = status === 404 && isProblem ? "unknown" : "refused";
  return new HerdError(status >= 500 ? "busy" : refused, `${node} answers ${status}: ${reason}`, {
    status, retryAfter: Math.min(Number(response.headers.get("retry-after")) || 0, MAX_RETRY_AFTER_S) });
}

/** @implements {Pick<import("./herd.js").Herd, keyof import("./herd.js").Herd>} */
export class Herd {
  #nodes;
  #at = 0;
  #timeout;
  #tries;
  #token;
  #fetch;

  /** @param {string | string[]} nodes @param {import("./herd.js").HerdOptions} [options] */
  constructor(nodes, options = {}) {
    this.#nodes = [nodes].flat().map(baseOf);
    if (this.#nodes.length === 0) throw new TypeError("give the address of at least one node");
    this.#timeout = options.timeout ?? TIMEOUT_MS;
    this.#tries = options.tries ?? Math.max(3, 2 * this.#nodes.length);
    this.#token = options.token;
    if (!/^[\x21-\x7e]+$/.test(this.#token ?? "none")) throw new TypeError("the token has a byte that no token has");
    this.#fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
  }

  get node() {
    return this.#nodes[this.#at];
  }

  /** @param {ClientId} client @param {AskOptions} [options] */
  async where(client, options) {
    const id = idInUrl(client);
    try {
      // URLs have no segments `.` and `..`, but ids may be so. The centre of a circle is in its answer.
      if (id === "." || id === "..") return (await this.near({ client, km: 0, max: 0 }, options)).centre;
      return await this.#ask(`/v1/where/${id}`, options);
    } catch (error) {
      if (error instanceof HerdError && error.kind === "unknown") return null;
      throw error;
    }
  }

  /** @param {Query} query @param {AskOptions} [options] */
  async near(query, options) {
    return await this.#ask(target("/v1/near", query), options);
  }

  /** @param {Query} query @param {AskOptions} [options] */
  async within(query, options) {
    return await this.#ask(target("/v1/within", query), options);
  }

  /** @param {Query} query @param {AskOptions} [options] @returns {Promise<number>} */
  async count(query, options) {
    return (await this.#ask(target("/v1/count", query), options)).count;
  }

  /** @param {Query} query @param {WatchOptions} [options] @returns {AsyncGenerator<WatchEvent, void, void>} */
  async *watch(query, options = {}) {
    const { signal, since = "", tries = Infinity } = options;
    const path = target("/v1/watch", query);
    if (since !== "" && !RESUME_ID.test(since)) throw new TypeError(`since is ${since}: give the id of an event`);
    const silence = (query.beat ?? DEFAULT_BEAT_S) * 1000 + this.#timeout;
    let wasOpen = false;
    let id = since;
    for (let failures = 0; ; ) {
      const node = this.node;
      const begun = Date.now();
      let isComplete = false;
      /** @type {any} */
      let lost;
      try {
        for await (const event of this.#stream(path, { node, id, silence, signal })) {
          wasOpen = true;
          isComplete ||= event.event === "ready";
          if (event.event !== "watching") id = event.id;
          else if (!event.data.resumed) id = ""; // the members of an older id are forgotten
          yield event;
          if (event.event === "end") throw endOf(event.data.reason, node);
        }
        lost = new HerdError("network", `${node} has closed the stream`);
      } catch (error) {
        lost = error;
      }
      signal?.throwIfAborted();
      // A node that has just started may not know the centre yet, so `unknown` is final only at the beginning.
      const mayReturn = lost instanceof HerdError && (lost.isTransient || (wasOpen && lost.kind === "unknown"));
      if (!mayReturn) throw lost;
      failures = Date.now() - begun > STABLE_MS ? 1 : failures + 1;
      if (failures >= tries) throw this.#unavailable(lost);
      // The next try is at the same node, where the watch can be resumed, if that node worked.
      if (!isComplete || lost.kind === "timeout") this.#leave(node);
      const pause = Math.max(pauseAfter(failures), lost.retryAfter * 1000);
      yield { event: "lost", id, node, data: { error: lost, pause } };
      await sleep(pause, signal);
    }
  }

  /** @param {string} path @param {AskOptions} [options] */
  async #ask(path, options) {
    for (let failures = 1; ; ++failures) {
      const node = this.node;
      const deadline = new Deadline(options?.signal);
      let error;
      try {
        deadline.start(this.#timeout, `${node} has not answered within ${this.#timeout} ms`);
        const response = await this.#get(node + path, deadline, "application/json");
        if (response.ok) return parse(await bodyOf(response), node);
        error = await refusalOf(node, response);
      } catch (cause) {
        error = deadline.errorOf(cause, node);
      } finally {
        deadline.end();
      }
      if (!(error instanceof HerdError && error.isTransient)) throw error;
      if (failures >= this.#tries) throw this.#unavailable(error);
      this.#leave(node);
      const pause = pauseAfter(failures);
      await sleep(this.#nodes.length > 1 ? pause : Math.max(pause, error.retryAfter * 1000), options?.signal);
    }
  }

  // One stream of events, until it ends. `silence`: the longest time without an event, in milliseconds.
  /** @param {string} path @param {{node: string, id: string, silence: number, signal?: AbortSignal}} options */
  async *#stream(path, { node, id, silence, signal }) {
    const deadline = new Deadline(signal);
    try {
      deadline.start(this.#timeout, `${node} has not answered within ${this.#timeout} ms`);
      const response = await this.#get(node + path, deadline, "text/event-stream", id);
      if (!response.ok) throw await refusalOf(node, response);
      if (!response.headers.get("content-type")?.startsWith("text/event-stream") || response.body === null) {
        throw new HerdError("protocol", `${node} does not answer with events: is this the HTTP address of a node?`);
      }
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const parser = new EventParser();
      for (;;) {
        // Only the time in which this waits for the node counts, not that in which the caller uses an event.
        deadline.start(silence, `${node} has sent nothing for ${silence} ms`);
        const { done, value } = await reader.read();
        deadline.pause();
        if (done) return;
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          yield /** @type {WatchEvent} */ ({ ...event, node, data: parse(event.data, node) });
        }
      }
    } catch (error) {
      throw deadline.errorOf(error, node);
    } finally {
      deadline.end();
    }
  }

  /** @param {string} url @param {Deadline} deadline @param {string} accept @param {string} [id] */
  async #get(url, deadline, accept, id) {
    /** @type {Record<string, string>} */
    const headers = { Accept: accept };
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    if (id) headers["Last-Event-ID"] = id;
    // A redirect would send the token to another server.
    return await this.#fetch(url, { headers, signal: deadline.signal, cache: "no-store", redirect: "error" });
  }

  // The next node becomes the current one, unless another call has left this node already.
  /** @param {string} node */
  #leave(node) {
    if (this.node === node) this.#at = (this.#at + 1) % this.#nodes.length;
  }

  /** @param {HerdError} cause */
  #unavailable(cause) {
    return new HerdError("unavailable", `no node answers; the last failure: ${cause.message}`, { cause });
  }
}

// The error after the event `end`.
/** @param {string} reason @param {string} node */
function endOf(reason, node) {
  // After `not allowed` the token may have other rights, and the watch may begin again; else the answer is 401.
  const isFinal = reason !== "stopping" && reason !== "not allowed";
  return new HerdError(isFinal ? "ended" : "network", `${node} has ended the watch: ${reason}`);
}

/** @implements {Pick<import("./herd.js").Members, keyof import("./herd.js").Members>} */
export class Members {
  /** @type {Map<string, import("./herd.js").EventClient>} */
  clients = new Map();
  /** @type {import("./herd.js").Client | null} */
  centre = null;
  ready = false;

  /** @param {WatchEvent} event */
  apply({ event, data }) {
    const record = /** @type {any} */ (data);
    if (event === "watching" && !data.resumed) {
      this.centre = null;
      this.clients.clear();
    }
    if (event === "watching" || event === "lost" || event === "end") this.ready = false;
    if (event === "ready") this.ready = true;
    if (event === "here" || event === "enter" || event === "move") this.clients.set(keyOf(record), record);
    if (event === "leave" || event === "gone") this.clients.delete(keyOf(record));
    if (event === "centre") this.centre = record;
    if (event === "gone" && this.centre && keyOf(this.centre) === keyOf(record)) this.centre = null;
  }
}
