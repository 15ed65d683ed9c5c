// What herd.js and reporter.js have in common: errors, pauses, and the text of a point. herd.d.ts describes it.

/** @typedef {import("./herd.js").ErrorKind} ErrorKind */

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

export class HerdError extends Error {
  /** @param {ErrorKind} kind @param {string} message @param {any} [more] */
  constructor(kind, message, more = {}) {
    super(message, { cause: more.cause });
    this.name = "HerdError";
    this.kind = kind;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? 0;
  }

  /** Whether another node, or this one later, may answer. */
  get isTransient() {
    return this.kind === "network" || this.kind === "timeout" || this.kind === "busy";
  }
}

/** @param {number} failures @param {() => number} [random] */
export function pauseAfter(failures, random = Math.random) {
  const most = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS);
  return most / 2 + (random() * most) / 2;
}

/** @param {number} milliseconds @param {AbortSignal} [signal] @returns {Promise<void>} */
export function sleep(milliseconds, signal) {
  return new Promise((done, failed) => {
    if (signal?.aborted) return failed(signal.reason);
    const stop = () => (clearTimeout(timer), failed(signal?.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), done()), milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** @param {{latitude: number, longitude: number}} point */
export function coordinates({ latitude, longitude }) {
  // The range is judged on the text, after the rounding. NaN is no number in any range.
  const inside = Math.abs(Number(latitude.toFixed(7))) <= 90 && Math.abs(Number(longitude.toFixed(7))) <= 180;
  if (!inside) throw new RangeError(`the point ${latitude}, ${longitude} is not on Earth: -90 to 90 and -180 to 180`);
  const signed = (/** @type {number} */ degrees) => (degrees < 0 ? "" : "+") + degrees.toFixed(7);
  return signed(latitude) + signed(longitude);
}
