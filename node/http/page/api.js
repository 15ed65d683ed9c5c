// Asks this node: JSON, bytes and server-sent events, with the token if the node wants one. The token is kept in the
// tab's sessionStorage and sent in the Authorization line. EventSource cannot send that line, so events are read with
// fetch.

const STORAGE_KEY = "herd.token";
const ANSWER_TIME_MS = 10_000;
const MAX_EVENT_CHARACTERS = 100_000;  // an event of a node has a few hundred

/** The node wants a token, or refuses the one that it got. */
export class TokenNeeded extends Error {}

/** The node answers with another status than 200. `message` is a sentence of the node. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether the node may answer the same request a second later. */
  get isPassing() {
    return this.status === 429 || this.status === 503;
  }
}

export function saveToken(token) {
  sessionStorage.setItem(STORAGE_KEY, token);
}

export function hasToken() {
  return sessionStorage.getItem(STORAGE_KEY) !== null;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function getJson(path) {
  return (await get(path, { signal: deadline() })).json();
}

/**
 * @param {string} path
 * @returns {Promise<ArrayBuffer>}
 */
export async function getBytes(path) {
  return (await get(path, { signal: deadline() })).arrayBuffer();
}

/**
 * Yields the events of a stream: {event, id, data}, all texts. Ends when the node ends the stream.
 * @param {string} path
 * @param {{signal: AbortSignal, lastEventId?: string}} options
 */
export async function* getEvents(path, { signal, lastEventId }) {
  const headers = { Accept: "text/event-stream" };
  if (lastEventId) headers["Last-Event-ID"] = lastEventId;
  const response = await get(path, { signal, headers });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    if (text.length > MAX_EVENT_CHARACTERS) throw new Error("the node sends an event without an end");
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event.data !== "") yield event;
    }
  }
}

function deadline() {
  return /** @type {any} */ (AbortSignal).timeout(ANSWER_TIME_MS);  // newer than the type checker's library
}

async function get(path, { signal, headers = {} }) {
  const token = sessionStorage.getItem(STORAGE_KEY);
  const sent = token === null ? headers : { ...headers, Authorization: `Bearer ${token}` };
  const response = await fetch(path, { signal, headers: sent, cache: "no-store", redirect: "error" });
  if (response.ok) return response;
  const sentence = await sentenceOf(response);
  if (response.status === 401) throw new TokenNeeded(sentence);
  throw new Refused(response.status, sentence);
}

// The sentence of a refusal: `detail` of a problem (RFC 9457), else the text.
async function sentenceOf(response) {
  const text = (await response.text()).slice(0, 1000).trim();
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return text;
  try {
    return String(JSON.parse(text).detail ?? text);
  } catch {
    return text;
  }
}

function parseEvent(block) {
  const event = { event: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;  // a comment keeps the connection alive
    const name = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") event.data += event.data === "" ? value : `\n${value}`;
    else if (name === "event" || name === "id") event[name] = value;
  }
  return event;
}
