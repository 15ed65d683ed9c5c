// Tests herd.js against servers that answer in every way that a node, a proxy or a stranger may.
import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser, Herd, HerdError, Members, coordinates, keyOf, pauseAfter } from "../herd.js";
import { beginEvents, deadAddress, event, httpServer, sendProblem, watching } from "./servers.js";

const KIWI = {
  client: "kiwi", coordinates: "+34-118", time: "5", latitude: 34, longitude: -118, node: "n0", difference: 1 };

function answerJson(response, document) {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(document));
}

/** The first `count` events of a watch, by their names. */
async function take(stream, count) {
  const events = [];
  for await (const each of stream) {
    events.push(each);
    if (events.length === count) break;
  }
  return events;
}

const kindOf = (kind) => (error) => error instanceof HerdError && error.kind === kind;

test("questions become the URLs of docs/HTTP.md, with the token", async (t) => {
  const { address, requests } = await httpServer(t, (request, response) => {
    answerJson(response, request.url.includes("count") ? { count: 3 } : { ...KIWI, centre: KIWI });
  });
  const herd = new Herd(`${address}/hill/`, { token: "herd_x" });
  assert.deepEqual((await herd.where("a/b ?")).client, "kiwi");
  await herd.where({ client: "caf\ufffd", client_url: "caf%E9" });
  await herd.where("..");
  await herd.near({ at: { latitude: 6e-8, longitude: -180 }, km: 1e-7, max: 0, match: undefined });
  await herd.within({ sw: "34,-118", ne: "+35-117", newer: 60 });
  assert.equal(await herd.count({ client: "kiwi", km: 2 }), 3);
  assert.deepEqual(requests.map((request) => request.url), [
    "/hill/v1/where/a%2Fb%20%3F", "/hill/v1/where/caf%E9", "/hill/v1/near?client=..&km=0&max=0",
    "/hill/v1/near?at=%2B0.0000001-180.0000000&km=0.000000100&max=0",
    "/hill/v1/within?sw=34%2C-118&ne=%2B35-117&newer=60", "/hill/v1/count?client=kiwi&km=2"]);
  assert.equal(requests[0].headers.authorization, "Bearer herd_x");
});

test("wrong arguments are found before anything is sent", async () => {
  for (const address of ["", "127.0.0.1:12440", "ftp://x", "http://x?a", "http://u:p@x", "http://x#a"]) {
    assert.throws(() => new Herd(address), TypeError, address);
  }
  assert.throws(() => new Herd([]), TypeError);
  assert.throws(() => new Herd("http://x", { token: "a\nb" }), TypeError);
  const herd = new Herd("http://127.0.0.1:9");
  await assert.rejects(herd.where(""), TypeError);
  await assert.rejects(herd.near({ client: "a", km: NaN }), RangeError);
  await assert.rejects(herd.near({ at: { latitude: 91, longitude: 0 }, km: 1 }), RangeError);
  await assert.rejects(herd.near({ at: null, km: 1 }), TypeError);
  await assert.rejects(take(herd.watch({ all: true }, { since: "5" }), 1), TypeError);
  assert.throws(() => coordinates({ latitude: 0, longitude: NaN }), RangeError);
  assert.equal(coordinates({ latitude: -90.00000001, longitude: 0 }), "-90.0000000+0.0000000");
});

test("a refusal is final, and an unknown client is null", async (t) => {
  const { address, requests } = await httpServer(t, (request, response) => {
    if (request.url.endsWith("nemo")) return sendProblem(response, 404, "the client is not known");
    if (request.url.endsWith("kiwi")) return response.writeHead(404).end("no such page");
    return sendProblem(response, 401, "a token is needed");
  });
  const herd = new Herd([address, address]);
  assert.equal(await herd.where("nemo"), null);
  await assert.rejects(herd.where("kiwi"), /answers 404: no such page/);
  await assert.rejects(herd.count({ at: "1,1", km: 1 }), (error) => error.status === 401);
  await assert.rejects(take(herd.watch({ all: true }), 1), kindOf("refused"));
  assert.equal(requests.length, 4);
});

test("dead, silent, busy and broken nodes are left for the next one", async (t) => {
  const silent = await httpServer(t, () => undefined);
  const busy = await httpServer(t, (_, response) => sendProblem(response, 503, "too many questions"));
  const broken = await httpServer(t, (_, response) => response.writeHead(200, { "Content-Length": 99 }).write("{") &&
    setTimeout(() => response.destroy(), 20));
  const right = await httpServer(t, (_, response) => answerJson(response, KIWI));
  const nodes = [`http://${await deadAddress()}`, silent.address, busy.address, broken.address, right.address];
  const herd = new Herd(nodes, { timeout: 300 });
  assert.equal((await herd.where("kiwi")).client, "kiwi");
  assert.equal(herd.node, right.address);
  const none = new Herd(nodes.slice(0, 2), { timeout: 200, tries: 4 });
  await assert.rejects(none.where("kiwi"), (error) => error.kind === "unavailable" && error.cause.kind === "timeout");
});

test("an answer that is not of a herd, or too long, is an error", async (t) => {
  const page = await httpServer(t, (_, response) => response.end("<html>"));
  await assert.rejects(new Herd(page.address).where("kiwi"), kindOf("protocol"));
  await assert.rejects(take(new Herd(page.address).watch({ all: true }), 1), kindOf("protocol"));
  const endless = await httpServer(t, (_, response) => {
    response.on("drain", () => response.write(Buffer.alloc(1 << 20, " ")));
    response.write(Buffer.alloc(1 << 20, " "));
  });
  await assert.rejects(new Herd(endless.address).where("kiwi"), /exceeds 8388608 bytes/);
  const redirect = await httpServer(t, (_, response) => response.writeHead(302, { Location: page.address }).end());
  await assert.rejects(new Herd(redirect.address, { tries: 1 }).where("kiwi"), kindOf("unavailable"));
});

test("a signal ends a question, a pause and a watch at once, with its reason", async (t) => {
  const silent = await httpServer(t, (request, response) => {
    if (request.url.includes("watch")) beginEvents(response, watching(false));
  });
  const reason = new Error("enough");
  const abortIn = (milliseconds) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), milliseconds);
    return { signal: controller.signal };
  };
  const herd = new Herd(silent.address);
  await assert.rejects(herd.where("kiwi", abortIn(30)), reason);
  await assert.rejects(take(herd.watch({ all: true }, abortIn(30)), 2), reason);
  const dead = new Herd(`http://${await deadAddress()}`);
  await assert.rejects(take(dead.watch({ all: true }, abortIn(400)), 99), reason);
  await assert.rejects(dead.where("kiwi", { signal: AbortSignal.abort(reason) }), reason);
});

test("a lost watch is resumed after the last event, at the same node first", async (t) => {
  const { address, requests } = await httpServer(t, (_, response, count) => {
    if (count === 1) beginEvents(response, watching(false), event("here", 0, KIWI), event("ready", 7, { count: 1 }));
    if (count === 2) beginEvents(response, watching(true), event("ready", 7, { count: 0 }), event("move", 8, KIWI));
    if (count === 3) beginEvents(response, watching(false));
    if (count === 4) beginEvents(response, watching(false), event("here", 0, KIWI));
    response.end();
  });
  const other = await httpServer(t, (_, response) => sendProblem(response, 503, "busy"));
  const herd = new Herd([address, other.address]);
  const events = await take(herd.watch({ client: "kiwi" }), 12);
  assert.deepEqual(events.map((each) => each.event), ["watching", "here", "ready", "lost", "watching", "ready", "move",
    "lost", "watching", "lost", "lost", "watching"]);
  const ids = requests.map((request) => request.headers["last-event-id"]);
  assert.deepEqual(ids.slice(0, 3), [undefined, "27d4eb2f165667c5:7", "27d4eb2f165667c5:8"]);
  // The third stream said that the members are forgotten, and ended before an event: its id counts no longer.
  assert.equal(ids[3], undefined);
});

test("streams that end at once are followed by longer and longer pauses, and `tries` ends them", async (t) => {
  const { address } = await httpServer(t, (_, response) => {
    beginEvents(response, watching(false), event("end", 0, { reason: "stopping" }));
    response.end();
  });
  const pauses = [];
  const watch = new Herd(address).watch({ all: true }, { tries: 5 });
  await assert.rejects(async () => {
    for await (const each of watch) if (each.event === "lost") pauses.push(each.data.pause);
  }, kindOf("unavailable"));
  assert.equal(pauses.length, 4);
  pauses.forEach((pause, at) => assert.ok(pause >= 50 * 2 ** at && pause <= 100 * 2 ** at, `${pauses}`));
  assert.equal(pauseAfter(1, () => 0), 50);
  assert.equal(pauseAfter(60, () => 1), 10_000);
});

test("`too many` ends a watch with an error", async (t) => {
  const { address, requests } = await httpServer(t, (_, response) => {
    beginEvents(response, watching(false), event("end", 0, { reason: "too many" }));
    response.end();
  });
  await assert.rejects(take(new Herd(address).watch({ all: true }), 99), /has ended the watch: too many/);
  assert.equal(requests.length, 1);
});

test("a node that hangs in a stream is left, and an unknown centre is final only at first", async (t) => {
  const hangs = await httpServer(t, (_, response) => beginEvents(response, watching(false)));
  const knows = await httpServer(t, (_, response, count) => {
    if (count === 1) sendProblem(response, 404, "the client in the middle is unknown");
    else beginEvents(response, watching(false), event("ready", 1, { count: 0 }));
  });
  // beat is 5 s in earnest; the silence that ends the stream is its sum with the timeout
  const herd = new Herd([hangs.address, knows.address], { timeout: 200 });
  const events = await take(herd.watch({ near: "kiwi", km: 1, beat: 0.2 }), 7);
  assert.deepEqual(events.map((each) => each.event),
    ["watching", "lost", "lost", "watching", "lost", "watching", "ready"]);
  assert.deepEqual([1, 2, 4].map((at) => events[at].data.error.kind), ["timeout", "unknown", "timeout"]);
});

test("a caller that does not read stops the node", async (t) => {
  let written = 0;
  const { address } = await httpServer(t, (_, response) => {
    const more = () => {
      while (response.write(event("move", 1, KIWI))) written += 1;
    };
    beginEvents(response, watching(false));
    response.on("drain", more);
    more();
  });
  const watch = new Herd(address).watch({ all: true });
  await watch.next();
  let before = -1;
  while (written !== before) { // until the server writes no more
    before = written;
    await new Promise((done) => setTimeout(done, 200));
  }
  assert.ok(written * event("move", 1, KIWI).length < 16 << 20, `${written} events`);
  await watch.return();
});

test("the parser reads events as they come, and bounds them", () => {
  const parser = new EventParser();
  const text = `${watching(false)}: comment\r\nevent: move\r\nid: a:1\r\ndata: 1\r\ndata: 2\r\n\r\ndata\n\nid: x\n\n`;
  const events = [...text].flatMap((letter) => parser.push(letter));
  assert.deepEqual(events.map(({ event: name, id, data }) => [name, id, data.slice(0, 3)]),
    [["watching", "", '{"f'], ["move", "a:1", "1\n2"], ["", "a:1", ""]]);
  assert.throws(() => new EventParser().push("x".repeat(65_537)), kindOf("protocol"));
  assert.throws(() => new EventParser().push("data: x\n".repeat(10_000)), kindOf("protocol"));
  assert.equal(new EventParser().push(`data: ${"x".repeat(65_530)}\n\n`).length, 1);
});

test("the members are those of the events", () => {
  const members = new Members();
  const apply = (name, data) => members.apply({ event: name, data });
  apply("watching", { resumed: false });
  apply("centre", KIWI);
  apply("here", { client: "a" });
  apply("here", { client: "caf\ufffd", client_url: "caf%E9" });
  apply("enter", { client: "caf%E9" });
  apply("ready", { count: 3 });
  assert.equal(members.clients.size, 3);
  assert.ok(members.ready);
  apply("lost", {});
  assert.ok(!members.ready);
  apply("watching", { resumed: true });
  apply("leave", { client: "a" });
  apply("gone", { client: "kiwi" });
  apply("leave", { client: "never seen" });
  assert.deepEqual([[...members.clients.keys()].sort(), members.centre], [["\0caf%E9", "caf%E9"], null]);
  assert.equal(keyOf({ client: "a" }), "a");
  apply("watching", { resumed: false });
  assert.equal(members.clients.size, 0);
});
