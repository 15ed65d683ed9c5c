"""A web server for tests of herd.js in a browser: it serves a page with the library, and passes /herd/NAME/ on to the
HTTP address of a node, as clients/javascript/README.md shows it for nginx."""
from __future__ import annotations

import contextlib
import http.server
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping

from herd_fixture import REPOSITORY

LIBRARY = REPOSITORY / "clients/javascript"
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
PAGE = b'<!doctype html><meta charset="utf-8"><title>herd.js</title><script type="module" src="/page.js"></script>'

# `begin` starts a watch, and collects each event with the members after it.
SCRIPT = b"""
import { Herd, HerdError, Members } from "/client/herd.js";

function begin(herd, query, options) {
  const members = new Members();
  const watch = { events: [], failure: null };
  const run = async () => {
    for await (const event of herd.watch(query, options)) {
      members.apply(event);
      const about = event.data.client ?? event.data.resumed ?? event.data.error?.kind ?? null;
      watch.events.push([event.event, about, [...members.clients.keys()].sort(), event.node]);
    }
  };
  run().catch((error) => (watch.failure = `${error.kind ?? error.name}: ${error.message}`));
  return watch;
}

// What a call fails with, as a text; null if it does not.
const failure = (promise) => promise.then(() => null, (error) => `${error.kind ?? error.name}: ${error.message}`);

globalThis.page = { Herd, HerdError, Members, begin, failure };
"""
FILES = {"/": ("text/html", PAGE), "/page.js": ("text/javascript", SCRIPT)}


class PageServer(http.server.ThreadingHTTPServer):
    """`nodes`: the port of each name in /herd/NAME/."""

    daemon_threads = True

    def __init__(self, port: int, nodes: Mapping[str, int]):
        super().__init__(("127.0.0.1", port), Handler)
        self.nodes = nodes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_request: object) -> None:
        """A browser or a node that has closed its connection is no error of a test."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _, first, *rest = self.path.split("/", 3)
        if first == "herd" and len(rest) == 2 and rest[0] in self.server.nodes:
            self.pass_on(self.server.nodes[rest[0]], rest[1])
        elif self.path in FILES:
            self.answer(*FILES[self.path])
        elif first == "client" and rest[0] in ("herd.js", "common.js"):
            self.answer("text/javascript", (LIBRARY / rest[0]).read_bytes())
        else:
            self.answer("text/plain", b"there is no such file\n", 404)

    def answer(self, kind: str, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
                            ("Content-Security-Policy", POLICY)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self, port: int, path: str) -> None:
        """Sends the request to a node, and each byte of its answer back at once. A connection that the node ends in
        the middle of an answer also ends here in the middle of it."""
        self.close_connection = True
        try:
            node = socket.create_connection(("127.0.0.1", port), 10)
        except OSError:
            self.answer("text/html", b"Bad Gateway\n", 502)
            return
        with node:
            kept = [f"{name}: {value}" for name, value in self.headers.items()
                    if name.lower() not in ("host", "connection")]
            head = [f"GET /{path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *kept, "", ""]
            node.sendall("\r\n".join(head).encode("latin-1"))
            with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
                for each in (node, self.connection):
                    each.settimeout(None)
                    ready.register(each, selectors.EVENT_READ)
                while True:
                    for key, _ in ready.select():
                        received = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                        if not received or key.fileobj is self.connection:
                            return  # one side has closed; a browser sends nothing while it waits for an answer
                        self.connection.sendall(received)

    def log_message(self, *_words: object) -> None:
        """No log: the test prints what it needs."""


@contextlib.contextmanager
def page_server(port: int, nodes: Mapping[str, int]) -> Iterator[PageServer]:
    with PageServer(port, nodes) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
