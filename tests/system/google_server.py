"""A stand-in for Google Places on this host. It checks every byte of each request, and answers as Google does or plays
a fault (google_answers.py).

    server = GoogleServer.start(port)        # serves at once, in threads of its own
    server.play("quota")                     # a name of FAULTS, or "good"
    server.requests                          # the parsed requests
    server.mistakes                          # what was wrong with requests; a test asserts that it is empty
    server.close()

It has both APIs: POST /v1/places:searchNearby and GET /maps/api/place/nearbysearch/json.
"""
from __future__ import annotations

import http.server
import json
import pathlib
import socketserver
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping

from google_answers import ANSWERS, FAULTS, KEY, LEGACY_FAULTS, Play, Request, good

NEW_PATH = "/v1/places:searchNearby"
LEGACY_PATH = "/maps/api/place/nearbysearch/json"
FIELD_MASK = ("places.id,places.displayName,places.location,places.viewport,places.shortFormattedAddress,"
              "places.formattedAddress,places.types,places.businessStatus,places.plusCode,places.attributions")
Wrong = Callable[[str], None]  # takes what is wrong with a request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True  # headers and body are two writes; else the second would wait 40 ms

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    @property
    def google(self) -> GoogleServer:
        return self.server.google

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request, play = self.google.accept(self, text)
        try:
            play(self, request)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    def send_whole(self, code: int, text: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def send_json(self, code: int, value: object) -> None:
        # With line ends, as Google sends it.
        self.send_whole(code, json.dumps(value, indent=1).encode(), "application/json")

    def begin_body(self, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.close_connection = True

    def pause(self) -> bool:
        """Waits a moment; returns False when the server closes."""
        return not self.google.closing.wait(0.02)

    def wait_for_end(self) -> None:
        self.close_connection = True
        self.connection.settimeout(5)  # long, because hundreds of threads may wait here while a test measures
        while not self.google.closing.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue

    def log_message(self, *arguments: object) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024
    google: GoogleServer  # set before it serves

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # many faults make the client close the connection


class GoogleServer:
    """The stand-in. Its `server` serves on a thread of its own, and each connection has another thread."""

    def __init__(self, server: _Server, scheme: str, key: str):
        """For start()."""
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._lock = threading.Lock()  # guards _requests and _playing
        self._requests: list[Request] = []
        self._playing: Play = good
        self.scheme = scheme
        self.port = server.server_port
        self.key = key
        self.mistakes: list[str] = []
        self.closing = threading.Event()

    @classmethod
    def start(cls, port: int, key: str = KEY, certificate: pathlib.Path | None = None) -> GoogleServer:
        """With `certificate`, a file of a certificate and its key, it speaks TLS."""
        server = _Server(("127.0.0.1", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        google = server.google = cls(server, "https" if certificate else "http", key)
        google._thread.start()
        return google

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    @property
    def places_settings(self) -> dict[str, str]:
        """Settings of [places] with which a node queries this server."""
        return {"google_url": self.url(NEW_PATH), "google_legacy_url": self.url(LEGACY_PATH)}

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def play(self, what: str | Play) -> None:
        """Sets the answer: a name, or a function like those of google_answers.py."""
        if isinstance(what, str):
            what = ANSWERS.get(what) or (FAULTS | LEGACY_FAULTS)[what][0]
        with self._lock:
            self._playing = what

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # Checks of requests.

    def accept(self, handler: Handler, text: bytes) -> tuple[Request, Play]:
        """Checks and stores the request; returns it with what is to be played."""
        request = self._check(handler, text)
        with self._lock:
            self._requests.append(request)
            return request, self._playing

    def _check(self, handler: Handler, text: bytes) -> Request:
        def wrong(what: str) -> None:
            self.mistakes.append(f"{handler.command} {handler.path}: {what}")

        path, _, query = handler.path.partition("?")
        headers = {name.lower(): value for name, value in handler.headers.items()}
        if not headers.pop("user-agent", "").startswith("herd/"):
            wrong("no User-Agent of herd")
        for name in ("host", "accept", "content-length", "connection"):
            headers.pop(name, None)
        check = self._check_new if path == NEW_PATH else self._check_legacy
        try:
            return check(handler, path, query, headers, text, wrong)
        except (ValueError, KeyError, TypeError) as problem:
            wrong(f"cannot be read: {problem!r}")
            return {"legacy": path != NEW_PATH, "latitude": 0.0, "longitude": 0.0, "radius": 1.0}

    def _check_new(self, handler: Handler, path: str, query: str, headers: dict[str, str], text: bytes,
                   wrong: Wrong) -> Request:
        expected = {"content-type": "application/json", "x-goog-api-key": self.key, "x-goog-fieldmask": FIELD_MASK}
        if (handler.command, query) != ("POST", "") or headers != expected:
            wrong(f"method, query or headers: {headers}")
        asked = json.loads(text)
        circle = asked["locationRestriction"]["circle"]
        center = circle["center"]
        if asked != {"maxResultCount": asked["maxResultCount"], "locationRestriction": {"circle": {
                "center": {"latitude": center["latitude"], "longitude": center["longitude"]},
                "radius": circle["radius"]}}}:
            wrong(f"more than needed in {asked}")
        if asked["maxResultCount"] not in range(1, 21):
            wrong("maxResultCount")
        return self._request(False, center["latitude"], center["longitude"], circle["radius"], wrong)

    def _check_legacy(self, handler: Handler, path: str, query: str, headers: dict[str, str], text: bytes,
                      wrong: Wrong) -> Request:
        asked = urllib.parse.parse_qsl(query, strict_parsing=True)
        if (handler.command, path, text, headers) != ("GET", LEGACY_PATH, b"", {}):
            wrong(f"method, path, body or headers: {headers}")
        if [name for name, _ in asked] != ["location", "radius", "key"] or asked[2][1] != self.key:
            wrong("the query's names or key")
        latitude, longitude = (float(part) for part in asked[0][1].split(","))
        return self._request(True, latitude, longitude, float(asked[1][1]), wrong)

    @staticmethod
    def _request(legacy: bool, latitude: float, longitude: float, radius: float, wrong: Wrong) -> Request:
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < radius <= 50_000):
            wrong("position or radius out of range")
        return {"legacy": legacy, "latitude": float(latitude), "longitude": float(longitude), "radius": float(radius)}
