"""A stand-in for Google Places on this host: checks each request to the letter and answers as Google would, or plays a
fault. Python's standard library only.

    server = GoogleServer(port)              # serves at once, on threads of its own
    server.play("quota")                     # a name of FAULTS, or "good"
    server.requests                          # what was asked, parsed
    server.mistakes                          # what was wrong with requests: a test asserts that it is empty
    server.close()

It speaks both forms: POST /v1/places:searchNearby and GET /maps/api/place/nearbysearch/json.
"""
import http.server
import json
import math
import socket
import socketserver
import ssl
import threading
import urllib.parse

KEY = "AIzaSyTest-NotARealKey_0123456789abcdef"
NEW_PATH = "/v1/places:searchNearby"
LEGACY_PATH = "/maps/api/place/nearbysearch/json"
FIELD_MASK = ("places.id,places.displayName,places.location,places.viewport,places.shortFormattedAddress,"
              "places.formattedAddress,places.types,places.businessStatus,places.plusCode,places.attributions")
METRES_A_DEGREE = 111_195.08  # of latitude


def shifted(latitude, longitude, north_m, east_m):
    """The point so many metres away; good enough within some kilometres."""
    return (latitude + north_m / METRES_A_DEGREE,
            longitude + east_m / METRES_A_DEGREE / max(math.cos(math.radians(latitude)), 1e-6))


def distance_m(one, other):
    latitude, longitude = (math.radians(other[i] - one[i]) / 2 for i in (0, 1))
    square = math.sin(latitude) ** 2 + (math.cos(math.radians(one[0])) * math.cos(math.radians(other[0]))
                                        * math.sin(longitude) ** 2)
    return 2 * 6_371_008.8 * math.asin(math.sqrt(min(square, 1)))


def places_around(latitude, longitude, radius, count=20):
    """Evenly spread from the middle to just within the rim: (name, latitude, longitude)."""
    for i in range(count):
        reach = radius * 0.999 * i / max(count - 1, 1)
        angle = 2.4 * i  # the golden angle
        yield (f"Place {i}", *shifted(latitude, longitude, reach * math.cos(angle), reach * math.sin(angle)))


def as_proto3(value):
    """JSON of proto3, which the new form is: a field that has the default value of its type is left out."""
    if isinstance(value, list):
        return [as_proto3(each) for each in value]
    if isinstance(value, dict):  # an object that was set is sent, also as {}
        return {name: as_proto3(each) for name, each in value.items() if isinstance(each, dict) or each}
    return value


def new_place(name, latitude, longitude):
    return {"id": f"new-{name}", "types": ["cafe", "establishment"], "formattedAddress": f"{name}, Long Street 1",
            "shortFormattedAddress": f"{name}, Short", "location": {"latitude": latitude, "longitude": longitude},
            "viewport": {"low": {"latitude": latitude - 0.001, "longitude": longitude - 0.001},
                         "high": {"latitude": latitude + 0.001, "longitude": longitude + 0.001}},
            "businessStatus": "OPERATIONAL", "displayName": {"text": name, "languageCode": "en"},
            "plusCode": {"globalCode": "85632F9C+2Q", "compoundCode": "2F9C+2Q Town"},
            "attributions": [{"provider": "A & B", "providerUri": "https://attribution.example/"}]}


def legacy_place(name, latitude, longitude):
    return {"place_id": f"legacy-{name}", "reference": f"legacy-{name}", "name": name, "vicinity": f"{name}, Short",
            "geometry": {"location": {"lat": latitude, "lng": longitude},
                         "viewport": {"northeast": {"lat": latitude + 0.001, "lng": longitude + 0.001},
                                      "southwest": {"lat": latitude - 0.001, "lng": longitude - 0.001}}},
            "types": ["cafe", "establishment"], "business_status": "OPERATIONAL", "rating": 4.5,
            "opening_hours": {"open_now": True}, "photos": [{"photo_reference": "needs-a-key"}],
            "plus_code": {"global_code": "85632F9C+2Q", "compound_code": "2F9C+2Q Town"}}


# ---- what is played --------------------------------------------------------------------------------------------------
# Each takes the connection's handler and the request; most of them send one whole answer.

def good(handler, request):
    found = list(places_around(request["latitude"], request["longitude"], request["radius"]))
    if request["legacy"]:
        handler.send_json(200, {"html_attributions": ["Listings by <b>B</b>"], "status": "OK",
                                "next_page_token": "token", "results": [legacy_place(*place) for place in found]})
    else:
        handler.send_json(200, as_proto3({"places": [new_place(*place) for place in found]}))


def none_there(handler, request):
    handler.send_json(200, {"html_attributions": [], "results": [], "status": "ZERO_RESULTS"} if request["legacy"]
                      else {})


def error(code, status, message="no", details=None):
    def play(handler, request):
        handler.send_json(code, {"error_message": message, "html_attributions": [], "results": [],
                                 "status": "UNKNOWN_ERROR"} if request["legacy"] else
                          {"error": {"code": code, "message": message, "status": status, "details": details or []}})
    return play


def legacy_status(status, **more):
    def play(handler, request):
        handler.send_json(200, {"html_attributions": [], "results": [], "status": status, **more})
    return play


def body(text, code=200, kind="application/json"):
    return lambda handler, request: handler.send_whole(code, text if isinstance(text, bytes) else text.encode(), kind)


def redirect(code):
    def play(handler, request):
        handler.send_whole(code, b"", "text/plain", {"Location": handler.server.elsewhere})
    return play


def silence(handler, request):
    handler.wait_for_end()


def late_headers(handler, request):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while handler.pause():
        handler.wfile.write(b"X-Wait: 1\r\n")


def trickle(handler, request):
    handler.begin_body(1_000_000)
    while handler.pause():
        handler.wfile.write(b" ")


def cut(handler, request):
    handler.begin_body(1000)
    handler.wfile.write(b'{"places":[{"id":')
    handler.close_connection = True


def reset(handler, request):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing sends RST
    handler.close_connection = True


def endless_body(handler, request):
    handler.begin_body(None)
    while not handler.server.closing.is_set():
        handler.wfile.write(b" " * 65536)


def endless_headers(handler, request):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.closing.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")


def too_long_announced(handler, request):
    handler.begin_body(2 * 1024 * 1024 + 1)
    handler.wfile.write(b" " * (2 * 1024 * 1024 + 1))


def no_http(handler, request):
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.close_connection = True


def outside(handler, request):
    """A list of which only one place lies where it was asked for."""
    found = list(places_around(request["latitude"], request["longitude"], request["radius"], 1))
    found += [(f"Far {i}", *shifted(request["latitude"], request["longitude"], request["radius"] * 1.1 + 10, 0))
              for i in range(5)]
    make = legacy_place if request["legacy"] else new_place
    results = [make(*place) for place in found]
    handler.send_json(200, {"status": "OK", "results": results} if request["legacy"]
                      else as_proto3({"places": results}))


def on_a_meridian(handler, request):
    """A place exactly where the request's middle is, which may have a coordinate of 0, and little more."""
    place = new_place("On the line", request["latitude"], request["longitude"])
    sent = {"id": place["id"], "displayName": place["displayName"], "location": place["location"], "viewport": {
        "low": {"latitude": request["latitude"] - 0.001, "longitude": request["longitude"]}, "high": {
            "latitude": request["latitude"], "longitude": request["longitude"] + 0.001}},
            "types": [], "shortFormattedAddress": ""}
    handler.send_json(200, as_proto3({"places": [sent]}))


def tells_key(handler, request):
    """An error that repeats the key, as a careless proxy's page would."""
    error(403, "PERMISSION_DENIED", f"the key {KEY} may not do this")(handler, request)


def names_key(handler, request):
    """An answer with the key in it."""
    place = (f"The {KEY} bar", request["latitude"], request["longitude"])
    handler.send_json(200, {"status": "OK", "results": [legacy_place(*place)]} if request["legacy"]
                      else {"places": [new_place(*place)]})


DENIED, QUOTA, INVALID, UNKNOWN = "REQUEST_DENIED", "OVER_QUERY_LIMIT", "INVALID_REQUEST", "UNKNOWN_ERROR"

# What is played, and the status that a client sees where there is no other provider.
FAULTS = {
    "bad request": (error(400, "INVALID_ARGUMENT"), INVALID),
    "invalid key (400)": (error(400, "INVALID_ARGUMENT", "API key not valid.", [{"reason": "API_KEY_INVALID"}]),
                          {"new": DENIED, "legacy": INVALID}),
    "unauthorized (401)": (error(401, "UNAUTHENTICATED"), DENIED),
    "forbidden (403)": (error(403, "PERMISSION_DENIED"), DENIED),
    "not found (404)": (error(404, "NOT_FOUND"), UNKNOWN),
    "quota (429)": (error(429, "RESOURCE_EXHAUSTED"), QUOTA),
    "internal error (500)": (error(500, "INTERNAL"), UNKNOWN),
    "bad gateway (502)": (body("<html>", 502, "text/html"), UNKNOWN),
    "unavailable (503)": (error(503, "UNAVAILABLE"), UNKNOWN),
    "error within 200": (lambda handler, request: handler.send_json(
        200, {"status": "REQUEST_DENIED", "error_message": "no"} if request["legacy"]
        else {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}), DENIED),
    "silence": (silence, UNKNOWN),
    "endless slow headers": (late_headers, UNKNOWN),
    "trickle": (trickle, UNKNOWN),
    "cut in the middle": (cut, UNKNOWN),
    "reset": (reset, UNKNOWN),
    "endless body": (endless_body, UNKNOWN),
    "endless headers": (endless_headers, UNKNOWN),
    "one byte over 2 MiB": (too_long_announced, UNKNOWN),
    "invalid JSON": (body('{"places":[{"id":'), UNKNOWN),
    "empty body": (body(""), UNKNOWN),
    "no content (204)": (body("", 204), UNKNOWN),
    "HTML": (body("<!doctype html><title>Welcome</title>", 200, "text/html"), UNKNOWN),
    "JSON of another kind": (body('["OK"]'), UNKNOWN),
    "malformed places": (body('{"status":"OK","results":[{},1,null],"places":[{},1,null]}'), UNKNOWN),
    "a list that is a text": (body('{"status":"OK","results":"many","places":"many"}'), UNKNOWN),
    "deep JSON": (body("[" * 1_000_000), UNKNOWN),
    "bad UTF-8": (body(b'{"places":[{"id":"\xff"}]}'), UNKNOWN),
    "redirect (301)": (redirect(301), UNKNOWN),
    "redirect (302)": (redirect(302), UNKNOWN),
    "redirect (307)": (redirect(307), UNKNOWN),
    "redirect (308)": (redirect(308), UNKNOWN),
    "not HTTP": (no_http, UNKNOWN),
    "an error that contains the key": (tells_key, DENIED),
}
LEGACY_FAULTS = {
    "status OVER_QUERY_LIMIT": (legacy_status("OVER_QUERY_LIMIT"), QUOTA),
    "status OVER_DAILY_LIMIT": (legacy_status("OVER_DAILY_LIMIT"), QUOTA),
    "status REQUEST_DENIED": (legacy_status("REQUEST_DENIED", error_message="The key is invalid."), DENIED),
    "status INVALID_REQUEST": (legacy_status("INVALID_REQUEST"), INVALID),
    "status UNKNOWN_ERROR": (legacy_status("UNKNOWN_ERROR"), UNKNOWN),
    "unknown status": (legacy_status("FINE"), UNKNOWN),
}
ANSWERS = {"good": good, "none": none_there, "outside": outside, "key in a name": names_key,
           "on a meridian": on_a_meridian}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: the second would wait 40 ms

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
        self.send_whole(code, json.dumps(value, indent=1).encode(), "application/json")  # with newlines, as Google's

    def begin_body(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.close_connection = True

    def pause(self):
        """A little while; False once the server is closing or the client has gone."""
        return not self.server.closing.wait(0.02)

    def wait_for_end(self):
        self.close_connection = True
        self.connection.settimeout(5)  # rarely, since hundreds of threads may wait here beside the test that measures
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
        pass  # a client that has gone away is what many of the plays are about


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
        """Of [places], so that a node asks here."""
        return {"google_url": self.url(NEW_PATH), "google_legacy_url": self.url(LEGACY_PATH)}

    @property
    def requests(self):
        with self._server.lock:
            return list(self._server.requests)

    def play(self, what):
        """A name, or a function like those above."""
        if isinstance(what, str):
            what = ANSWERS.get(what) or (FAULTS | LEGACY_FAULTS)[what][0]
        with self._server.lock:
            self._server.playing = what

    def close(self):
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # ---- to the letter ----

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
