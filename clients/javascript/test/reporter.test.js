// Tests reporter.js against servers that answer in every way that a node or a stranger may.
import assert from "node:assert/strict";
import { test } from "node:test";

import { HerdError } from "../herd.js";
import { Reporter } from "../reporter.js";
import { deadAddress, lineServer } from "./servers.js";

const kindOf = (kind) => (error) => error instanceof HerdError && error.kind === kind;

/** Answers as a node does. */
function node(line) {
  if (line.startsWith("IAMAT bad")) return undefined; // dropped in silence
  if (line.startsWith("IAMAT hidden")) return `? ${line}\n`;
  if (line.startsWith("IAMAT")) return `AT n0 +0.1 ${line.slice(6)}\n`;
  return line === "WHY" ? "WHY the time is too late\n" : `? ${line}\n`;
}

test("reports are acknowledged in order, and a dropped or refused one fails with the reason", async (t) => {
  const lines = [];
  const { address, sockets } = await lineServer(t, (line) => (lines.push(line), node(line)));
  const reporter = new Reporter(address);
  const point = { latitude: 34, longitude: -118.5 };
  const ids = ["a", "bad", "hidden", "東京"];
  const results = await Promise.allSettled(ids.map((id) => reporter.report(id, point, "5.25")));
  assert.equal(results[0].value, "AT n0 +0.1 a +34.0000000-118.5000000 5.25");
  assert.match(results[1].reason.message, /refuses the report of bad: the time is too late/);
  assert.ok(kindOf("refused")(results[2].reason));
  assert.match(results[3].value, /東京/);
  assert.equal(await reporter.report("b", "+1-2/", 1520023934918963997n), "AT n0 +0.1 b +1-2/ 1520023934.918963997");
  assert.match(await reporter.report("c", point, new Date(1500)), / 1\.500000000$/);
  const [first, second] = await Promise.all([reporter.report("d", point), reporter.report("d", point)]);
  assert.ok(first.split(" ").at(-1) < second.split(" ").at(-1), "the time rises");
  await reporter.close();
  assert.equal(sockets.length, 1);
  assert.equal(lines[1], "WHY");
});

test("wrong arguments are found before anything is sent", async () => {
  for (const address of ["", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:5", "a b:5", "http://x:5"]) {
    assert.throws(() => new Reporter(address), TypeError, address);
  }
  assert.throws(() => new Reporter([]), TypeError);
  assert.throws(() => new Reporter("[::1]:5", { token: "a b" }), TypeError);
  const reporter = new Reporter("localhost:9");
  for (const client of ["", "a b", "a\n", "x".repeat(256), "東".repeat(86), 5]) {
    await assert.rejects(reporter.report(client, "+1+2"), TypeError);
  }
  await assert.rejects(reporter.report("a", "1,2"), TypeError);
  await assert.rejects(reporter.report("a", { latitude: 91, longitude: 0 }), RangeError);
  for (const time of ["now", "-1", "1e9", new Date(-5), -1n]) {
    await assert.rejects(reporter.report("a", "+1+2", time), TypeError);
  }
});

test("dead, silent and closing nodes are left, and the reports are repeated at the next one", async (t) => {
  const silent = await lineServer(t, () => undefined);
  const closing = await lineServer(t, (_, socket) => void socket.destroy());
  const babbling = await lineServer(t, () => "x".repeat(9000));
  const right = await lineServer(t, node);
  const reporter = new Reporter([await deadAddress(), silent.address, closing.address, right.address],
    { timeout: 200, tries: 9 });
  assert.equal((await Promise.all(["a", "b"].map((id) => reporter.report(id, "+1+2")))).length, 2);
  right.sockets[0].destroy(); // a node closes idle connections
  assert.match(await reporter.report("c", "+1+2"), /^AT /);
  assert.equal(right.sockets.length, 2);
  await reporter.close();
  await assert.rejects(new Reporter(babbling.address).report("a", "+1+2"), kindOf("protocol"));
  const none = new Reporter([await deadAddress(), silent.address], { timeout: 100 });
  const failed = await Promise.allSettled(["a", "b"].map((id) => none.report(id, "+1+2")));
  assert.ok(failed.every((result) => kindOf("unavailable")(result.reason)));
  await none.close();
});

test("the reports that wait are bounded, and close() waits for them", async (t) => {
  const held = [];
  const { address } = await lineServer(t, (line, socket) => void held.push([line, socket]));
  const reporter = new Reporter(address, { maxWaiting: 2 });
  const reports = [reporter.report("a", "+1+2"), reporter.report("b", "+1+2")];
  await assert.rejects(reporter.report("c", "+1+2"), kindOf("busy"));
  let isClosed = false;
  const closed = reporter.close().then(() => (isClosed = true));
  while (held.length < 4) await new Promise((done) => setTimeout(done, 5));
  assert.ok(!isClosed);
  for (const [line, socket] of held) socket.write(node(line));
  await Promise.all([...reports, closed]);
});

test("a wrong token fails all reports, and a node without tokens is no fault", async (t) => {
  const wrong = await lineServer(t, (line) => (line.startsWith("AUTH") ? "? AUTH\n" : node(line)));
  const reporter = new Reporter(wrong.address, { token: "herd_x" });
  const results = await Promise.allSettled(["a", "b"].map((id) => reporter.report(id, "+1+2")));
  assert.ok(results.every((result) => /refuses the token/.test(result.reason.message)));
  const open = await lineServer(t, node);
  const other = new Reporter(open.address, { token: "herd_x" });
  assert.match(await other.report("a", "+1+2"), /^AT /);
  await other.close();
});
