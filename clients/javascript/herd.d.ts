// The types of herd.js. scripts/lint checks that herd.js and the examples agree with them.

/** A latitude and a longitude in degrees, or the text of a point: `+34.07-118.44` or `34.07,-118.44`. */
export type Point = { latitude: number; longitude: number } | string;

/** The id of a client, or a record of it: a record also names ids that are not UTF-8. */
export type ClientId = string | { client: string; client_url?: string };

/** The newest report of a client. docs/HTTP.md describes the fields. */
export interface Client {
  client: string;
  /** The id percent-encoded; only if it is not UTF-8. */
  client_url?: string;
  /** As the client sent them. */
  coordinates: string;
  /** Seconds since 1970, as the client sent them. */
  time: string;
  latitude: number;
  longitude: number;
  /** The node that the client reported to. */
  node: string;
  /** That node's clock minus `time`, in seconds. */
  difference: number;
}

/** A client in a circle: kilometres and degrees from the centre. */
export interface SeenClient extends Client {
  km: number;
  bearing: number;
}

/** A client of an event. With a token of `level=events` it has `client` alone; only in a circle it has `km`. */
export type EventClient = Pick<Client, "client" | "client_url"> & Partial<SeenClient>;

export interface NearAnswer {
  /** null if the centre is a point. */
  centre: Client | null;
  clients: SeenClient[];
  /** The cursor for `after`; null: there is no more. */
  next: string | null;
}

export interface WithinAnswer {
  clients: Client[];
  next: string | null;
}

/** Only clients with this beginning of ids and `*`, and only reports of the last `newer` seconds. */
export interface Filter {
  match?: string;
  newer?: number;
}

export interface Page extends Filter {
  /** The most clients in the answer, 0 to 1000; the default of the node is 100. */
  max?: number;
  after?: string;
}

/** A circle of `km` kilometres round a client or a point. */
export type Circle = { client: ClientId; km: number } | { at: Point; km: number };

/** A box: its south-western and its north-eastern corner. */
export interface Box {
  sw: Point;
  ne: Point;
}

/** One of: a circle round a client or a point, a box, a client or `prefix*`, all clients. */
export type WatchQuery = ({ near: ClientId; km: number; slack?: number; dwell?: number; match?: string }
  | { at: Point; km: number; slack?: number; dwell?: number; match?: string }
  | (Box & { dwell?: number; match?: string })
  | { client: ClientId }
  | { all: true; match?: string}) & {
  /** At most one `move` of a client in this number of seconds. */
  every?: number;
  /** A `tick` after this number of seconds without another event, 5 to 3600; default 15. */
  beat?: number;
};

/** `node` is the address of the node that sent the event; `id` is the place to resume after it, see `since`. */
interface Sent {
  node: string;
  id: string;
}

export type WatchEvent = Sent & (
  | { event: "watching"; data: { feed: string; resumed: boolean } }
  | { event: "here" | "enter" | "move" | "leave"; data: EventClient }
  | { event: "centre"; data: Client }
  | { event: "gone"; data: Pick<Client, "client" | "client_url"> }
  | { event: "ready"; data: { count: number } }
  | { event: "tick"; data: { time: string } }
  | { event: "end"; data: { reason: string } }
  /** The stream is lost. The next one is opened after `pause` milliseconds, perhaps at another node. */
  | { event: "lost"; data: { error: HerdError; pause: number } });

export interface HerdOptions {
  token?: string;
  /** Milliseconds for an answer, and for a stream to begin; default 6000. */
  timeout?: number;
  /** How often a question is sent before it fails; default: twice for each node, at least three times. */
  tries?: number;
  /** Instead of the global fetch. */
  fetch?: typeof fetch;
}

export interface AskOptions {
  signal?: AbortSignal;
}

export interface WatchOptions extends AskOptions {
  /** The `id` of the last event that was read, to resume a watch of an earlier Herd object. */
  since?: string;
  /** How many failures in a row end the watch with an error; default: no limit. */
  tries?: number;
}

/**
 * - `refused`: the node refuses the request; `status` and `message` say why. Do not repeat it.
 * - `unknown`: the node does not know the client in the centre. It may be known later, or at another node.
 * - `unavailable`: no node has answered in time; `cause` is the last failure.
 * - `network`, `timeout`, `busy`: one node failed; only in `cause` and in events of the kind `lost`. A Reporter also
 *   rejects a report with `busy` if `maxWaiting` reports wait.
 * - `protocol`: the answer is not one of a herd, or exceeds a bound.
 * - `ended`: the node has ended the watch for good; `message` has the reason.
 */
export type ErrorKind =
  | "refused" | "unknown" | "unavailable" | "network" | "timeout" | "busy" | "protocol" | "ended";

export class HerdError extends Error {
  constructor(kind: ErrorKind, message: string, more?: { status?: number; retryAfter?: number; cause?: unknown });
  kind: ErrorKind;
  /** The HTTP status, or 0. */
  status: number;
  /** Seconds after which a busy node asks to be asked again, at most 60, or 0. */
  retryAfter: number;
  /** Whether another node, or this one later, may answer. */
  readonly isTransient: boolean;
}

/**
 * Asks the nodes of a herd. Uses one node until it fails, then the next one.
 * Wrong arguments are TypeError or RangeError. All other errors are HerdError, or the reason of `signal`.
 */
export class Herd {
  /** @param nodes addresses such as `http://127.0.0.1:12440`; in a browser also paths such as `/herd/hill` */
  constructor(nodes: string | string[], options?: HerdOptions);
  /** The address of the node that is asked next. */
  readonly node: string;
  /** The newest record of the client; null if the herd does not know it. */
  where(client: ClientId, options?: AskOptions): Promise<Client | null>;
  /** The clients in a circle, nearest first. */
  near(query: Circle & Page, options?: AskOptions): Promise<NearAnswer>;
  /** The clients in a box. */
  within(query: Box & Page, options?: AskOptions): Promise<WithinAnswer>;
  /** The number of clients in a circle or a box. */
  count(query: (Circle | Box) & Filter, options?: AskOptions): Promise<number>;
  /** The events of a watch. It reads no more from the node than the caller takes. Leave the loop, or abort, to end. */
  watch(query: WatchQuery, options?: WatchOptions): AsyncGenerator<WatchEvent, void, void>;
}

/** The clients that a watch has inside. */
export class Members {
  /** By `keyOf`. */
  readonly clients: Map<string, EventClient>;
  /** The client in the centre, if the watch is a circle round one. */
  centre: Client | null;
  /** Whether the picture is complete: false until `ready`, and while the stream is lost. */
  ready: boolean;
  /** Applies an event of the watch, in their order. */
  apply(event: WatchEvent): void;
}

/** A text that identifies the client: the id, or for ids that are not UTF-8 a text that no id can be. */
export function keyOf(record: { client: string; client_url?: string }): string;

/** Milliseconds to wait after the given number of failures in a row: 50 to 100, doubled each time, at most 10 s. */
export function pauseAfter(failures: number, random?: () => number): number;

/** Fulfilled after the time; rejected with the reason of `signal`, if that is aborted before. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;

/** The point as herd writes coordinates: `+34.0700000-118.4400000`. */
export function coordinates(point: { latitude: number; longitude: number }): string;

/** Splits the text of an event stream into events. */
export class EventParser {
  /** The events that this part of the text completes. HerdError if one has more than 65,536 characters. */
  push(text: string): { event: string; id: string; data: string }[];
}
