// One watch of this node that is kept open: after a break it connects again and resumes after the last event that it
// got, so no event is lost at the same node. Closed while the page is hidden, because a browser opens at most six
// connections to a node for all of its tabs.

import { getEvents, Refused, TokenNeeded } from "./api.js";

const RETRY_MS = 1000;

export class EventStream {
  /**
   * @param {string} path with parameters
   * @param {{onEvent: (event: {event: string, id: string, data: any}) => void | Promise<void>,
   *   onState: (text: string) => void, onToken: (error: Error) => void}} handlers
   *   `onEvent` may return a promise: the stream is read on when it is fulfilled
   * @param {() => string} [begin] where to begin, at each connection; without it, after the last event
   */
  constructor(path, handlers, begin) {
    this.path = path;
    this.handlers = handlers;
    this.lastEventId = "";
    this.begin = begin ?? (() => this.lastEventId);
    this.ended = false;
    this.abort = null;
    this.onVisibility = () => (document.hidden ? this.abort?.abort() : this.run());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.run();
  }

  close() {
    this.ended = true;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.abort?.abort();
  }

  // Reads until the stream is closed or refused.
  async run() {
    if (this.isRunning) return;
    this.isRunning = true;
    while (!this.ended && !document.hidden) {
      try {
        await this.readOnce();
        if (!this.ended) this.handlers.onState("the node has ended the stream; connecting again");
      } catch (error) {
        if (!this.ended && !document.hidden) this.failed(error);
      }
      if (!this.ended && !document.hidden) await new Promise((done) => setTimeout(done, RETRY_MS));
    }
    this.isRunning = false;
  }

  async readOnce() {
    this.abort = new AbortController();
    const options = { signal: this.abort.signal, lastEventId: this.begin() };
    for await (const event of getEvents(this.path, options)) {
      if (event.id !== "") this.lastEventId = event.id;
      await this.handlers.onEvent({ ...event, data: JSON.parse(event.data) });
      if (this.ended) return;
    }
  }

  failed(error) {
    if (error instanceof TokenNeeded) {
      this.close();
      this.handlers.onToken(error);
    } else if (error instanceof Refused && error.status < 500 && error.status !== 429) {
      this.close();
      this.handlers.onState(`refused: ${error.message}`);
    } else {
      this.handlers.onState(`the connection is lost (${error.message}); connecting again`);
    }
  }
}
