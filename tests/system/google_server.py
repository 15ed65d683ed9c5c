"""A stand-in for Google Places on this host. It checks every byte of each request, and answers as Google does or plays
a fault (google_answers.py).

    server = GoogleServer(port)              # serves at once, in threads of its own
    server.play("quota")                     # a name of FAULTS, or "good"
    server.requests                          # the parsed requests
    server.mistakes                          # what was wrong with requests; a test asserts that it is empty
    server.close()

It has both APIs: POST /v1/places:searchNearby and GET /maps/api/place/nearbysearch/json.
"""
import http.server
import json
import socketserver
import ssl
import threading
import urllib.parse

from google_answers import ANSWERS, FAULTS, KEY, LEGACY_FAULTS, good

NEW_PATH = "/v1/places:searchNearby"
LEGACY_PATH = "/maps/api/place/nearbysearch/json"
FIELD_MASK = ("places.id,places.displayName,places.location,places.viewport,places.shortFormattedAddress,"
              "places.formattedAddress,places.types,places.businessStatus,places.plusCode,places.attributions")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes; else the second would wait 40 ms

    def do_POST(self):
        self._serve()

    def do_GET(self):
        self._serve()

    def _serve(self):
        server = self.server
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = server.check(self, text)
        with server.lock:
            server.requests.append(request)
            play = server.playing
        try:
            play(self, request)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    def send_whole(self, code, text, kind, headers=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def send_json(self, code, value):
        # With line ends, as Google sends it.
        self.send_whole(code, json.dumps(value, indent=1).encode(), "application/json")

    def begin_body(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.close_connection = True

    def pause(self):
        """Waits a moment; returns False when the server closes."""
        return not self.server.closing.wait(0.02)

    def wait_for_end(self):
        self.close_connection = True
        self.connection.settimeout(5)  # long, because hundreds of threads may wait here while a test measures
        while not self.server.closing.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue

    def log_message(self, *arguments):
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass  # many faults make the client close the connection


class GoogleServer:
    def __init__(self, port, key=KEY, certificate=None):
        self._server = _Server(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"
        self.port = port
        self._server.lock = threading.Lock()
        self._server.closing = threading.Event()
        self._server.requests = []
        self._server.playing = good
        self._server.check = self._check
        self._server.elsewhere = self.url("/elsewhere")
        self.mistakes = []
        self.key = key
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    @property
    def places_settings(self):
        """Settings of [places] with which a node queries this server."""
        return {"google_url": self.url(NEW_PATH), "google_legacy_url": self.url(LEGACY_PATH)}

    @property
    def requests(self):
        with self._server.lock:
            return list(self._server.requests)

    def play(self, what):
        """Sets the answer: a name, or a function like those of google_answers.py."""
        if isinstance(what, str):
            what = ANSWERS.get(what) or (FAULTS | LEGACY_FAULTS)[what][0]
        with self._server.lock:
            self._server.playing = what

    def close(self):
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # Checks of requests.

    def _check(self, handler, text):
        def wrong(what):
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

    def _check_new(self, handler, path, query, headers, text, wrong):
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

    def _check_legacy(self, handler, path, query, headers, text, wrong):
        asked = urllib.parse.parse_qsl(query, strict_parsing=True)
        if (handler.command, path, text, headers) != ("GET", LEGACY_PATH, b"", {}):
            wrong(f"method, path, body or headers: {headers}")
        if [name for name, _ in asked] != ["location", "radius", "key"] or asked[2][1] != self.key:
            wrong("the query's names or key")
        latitude, longitude = (float(part) for part in asked[0][1].split(","))
        return self._request(True, latitude, longitude, float(asked[1][1]), wrong)

    @staticmethod
    def _request(legacy, latitude, longitude, radius, wrong):
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < radius <= 50_000):
            wrong("position or radius out of range")
        return {"legacy": legacy, "latitude": float(latitude), "longitude": float(longitude), "radius": float(radius)}
