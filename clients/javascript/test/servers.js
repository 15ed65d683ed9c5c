// Servers for the tests: HTTP and lines, each on a free port of the loopback address. They end with the test.
import http from "node:http";
import net from "node:net";

/** @param {any} test @param {any} server @returns {Promise<number>} its port */
async function listen(test, server) {
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  test.after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return server.address().port;
}

/** The address of a server that answers each request by `answer`, and counts them in `requests`. */
export async function httpServer(test, answer) {
  const requests = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  const port = await listen(test, server);
  return { address: `http://127.0.0.1:${port}`, requests };
}

/** The address of a server that answers each line by the text that `answer` gives, or by nothing. */
export async function lineServer(test, answer) {
  const sockets = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const lines = (text + bytes).split("\n");
      text = lines.pop();
      for (const line of lines) {
        const reply = answer(line, socket, sockets.length);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  test.after(() => sockets.forEach((socket) => socket.destroy()));
  const port = await listen(test, server);
  return { address: `127.0.0.1:${port}`, sockets };
}

/** An address on which nothing listens. */
export async function deadAddress() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

export function sendProblem(response, status, detail) {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: "", status, detail }));
}

/** Begins a stream of events; more of them are written to the response. */
export function beginEvents(response, ...events) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const event of events) response.write(event);
}

const FEED = "27d4eb2f165667c5";

export const watching = (resumed) => `retry: 1000\nevent: watching\ndata: {"feed":"${FEED}","resumed":${resumed}}\n\n`;

export function event(name, number, data) {
  return `event: ${name}\nid: ${FEED}:${number}\ndata: ${JSON.stringify(data)}\n\n`;
}
