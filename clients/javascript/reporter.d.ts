// The types of reporter.js.
import type { HerdError } from "./herd.js";

export type { HerdError };

export interface ReporterOptions {
  token?: string;
  /** true, or options of tls.connect such as `ca`. */
  tls?: boolean | object;
  /** Milliseconds to connect, and to wait for each acknowledgement; default 6000. */
  timeout?: number;
  /** Failures in a row after which the waiting reports fail; default: twice for each node, at least three times. */
  tries?: number;
  /** The most reports that wait for their acknowledgement; default 1000. */
  maxWaiting?: number;
}

/**
 * Reports locations over the port of the clients, until the herd has acknowledged them. For Node alone: browsers have
 * no sockets. It connects when there is something to report, and to the next node when one fails.
 */
export class Reporter {
  /** @param nodes addresses of the nodes' ports for clients: `127.0.0.1:12140`, `[::1]:12140` */
  constructor(nodes: string | string[], options?: ReporterOptions);
  /**
   * Fulfilled with the reply, `AT …` or `IGNORE`: the herd has this report or a newer one of that client.
   * Several reports may be under way; those of one client must come in the order of their times.
   *
   * Rejected with a TypeError or a RangeError if an argument is wrong; else with a HerdError of the kind `refused` (the
   * node does not accept this report; do not repeat it), `busy` (maxWaiting reports wait) or `unavailable` (no node has
   * acknowledged it; it may have been stored, and may be repeated with the same time).
   *
   * @param time when the position was measured: a Date, nanoseconds since 1970, or the text of seconds since 1970.
   *   Without it the present time, which rises with each report by at least a microsecond.
   */
  report(client: string, point: { latitude: number; longitude: number } | string,
    time?: Date | bigint | string): Promise<string>;
  /** Waits until no report waits, then closes the connection, which otherwise keeps the process running. */
  close(): Promise<void>;
}
