// Decodes an answer of /v1/map (docs/PROTOCOL.md). Little-endian.

export const KIND_ALL = 0;      // all clients of the box
export const KIND_CHANGED = 1;  // those that changed since the cursor, wherever they are now
export const KIND_CELLS = 2;    // counts of cells, because the box has too many clients

const MAGIC = "HERDMAP1";
const HEAD_BYTES = 32;
const CLIENT_BYTES = 16;
const CELL_BYTES = 12;
const UNITS = 1e7;  // a degree

/**
 * @typedef {Object} MapAnswer
 * @property {string} feed 16 hexadecimal digits
 * @property {string} cursor where to continue: FEED:NUMBER
 * @property {number} kind
 * @property {number} count of entries
 * @property {(i: number) => {index: number, latitude: number, longitude: number, age: number, origin: number,
 *            gone: boolean}} client for the first two kinds; age in seconds
 * @property {(i: number) => {latitude: number, longitude: number, clients: number}} cell for the last kind
 * @property {string[]} origins names of nodes by number
 */

/**
 * Throws an Error if the bytes are no answer.
 * @param {ArrayBuffer} buffer
 * @returns {MapAnswer}
 */
export function decodeMap(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEAD_BYTES || ascii(view, 0, 8) !== MAGIC) throw new Error("this is no answer of /v1/map");
  const feed = view.getBigUint64(8, true).toString(16).padStart(16, "0");
  const kind = view.getUint32(24, true);
  const count = view.getUint32(28, true);
  const entryBytes = kind === KIND_CELLS ? CELL_BYTES : CLIENT_BYTES;
  const end = HEAD_BYTES + count * entryBytes;
  if (kind > KIND_CELLS || end > buffer.byteLength) throw new Error("the answer of /v1/map has a wrong length");
  return {
    feed,
    cursor: `${feed}:${view.getBigUint64(16, true)}`,
    kind,
    count,
    client: (i) => clientAt(view, HEAD_BYTES + i * CLIENT_BYTES),
    cell: (i) => cellAt(view, HEAD_BYTES + i * CELL_BYTES),
    origins: kind === KIND_CELLS ? [] : namesAt(view, end),
  };
}

function clientAt(view, at) {
  return {
    index: view.getUint32(at, true),
    latitude: view.getInt32(at + 4, true) / UNITS,
    longitude: view.getInt32(at + 8, true) / UNITS,
    age: view.getUint16(at + 12, true),
    origin: view.getUint8(at + 14),
    gone: (view.getUint8(at + 15) & 1) === 1,
  };
}

function cellAt(view, at) {
  return {
    latitude: view.getInt32(at, true) / UNITS,
    longitude: view.getInt32(at + 4, true) / UNITS,
    clients: view.getUint32(at + 8, true),
  };
}

function namesAt(view, start) {
  const names = [];
  let at = start + 1;
  for (let left = view.getUint8(start); left > 0; --left) {
    const length = view.getUint8(at);
    names.push(new TextDecoder().decode(new Uint8Array(view.buffer, at + 1, length)));
    at += 1 + length;
  }
  return names;
}

function ascii(view, at, length) {
  return String.fromCharCode(...new Uint8Array(view.buffer, at, length));
}
