"""The answers and faults that a stand-in for Google plays (google_server.py). Each takes the connection's handler and
the parsed request; most of them send one complete answer."""
from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:  # google_server imports this module
    from google_server import Handler

KEY = "AIzaSyTest-NotARealKey_0123456789abcdef"
METRES_A_DEGREE = 111_195.08  # of latitude

Position = tuple[float, float]      # (latitude, longitude), in degrees
Place = tuple[str, float, float]    # (name, latitude, longitude)


class Request(TypedDict):
    """A request for the places around a position, of either API."""

    legacy: bool
    latitude: float
    longitude: float
    radius: float  # in metres


Play = Callable[["Handler", Request], None]  # sends an answer, or does what a broken server does
Status = str | dict[str, str]                # that a client gets; for some faults by API, "new" or "legacy"
Fault = tuple[Play, Status]


def shifted(latitude: float, longitude: float, north_m: float, east_m: float) -> Position:
    """The point that is `north_m` and `east_m` metres away; exact enough within some kilometres."""
    return (latitude + north_m / METRES_A_DEGREE,
            longitude + east_m / METRES_A_DEGREE / max(math.cos(math.radians(latitude)), 1e-6))


def distance_m(one: Position, other: Position) -> float:
    latitude, longitude = (math.radians(other[i] - one[i]) / 2 for i in (0, 1))
    square = math.sin(latitude) ** 2 + (math.cos(math.radians(one[0])) * math.cos(math.radians(other[0]))
                                        * math.sin(longitude) ** 2)
    return 2 * 6_371_008.8 * math.asin(math.sqrt(min(square, 1)))


def places_around(latitude: float, longitude: float, radius: float, count: int = 20) -> Iterator[Place]:
    """(name, latitude, longitude) of places that are evenly spread from the centre to just within the radius."""
    for i in range(count):
        reach = radius * 0.999 * i / max(count - 1, 1)
        angle = 2.4 * i  # the golden angle
        yield (f"Place {i}", *shifted(latitude, longitude, reach * math.cos(angle), reach * math.sin(angle)))


def as_proto3(value: object) -> object:
    """The JSON of proto3, which the new API uses: a field with the default value of its type is left out."""
    if isinstance(value, list):
        return [as_proto3(each) for each in value]
    if isinstance(value, dict):  # an object that is set is sent, also if it is empty
        return {name: as_proto3(each) for name, each in value.items() if isinstance(each, dict) or each}
    return value


def new_place(name: str, latitude: float, longitude: float) -> dict[str, Any]:
    return {"id": f"new-{name}", "types": ["cafe", "establishment"], "formattedAddress": f"{name}, Long Street 1",
            "shortFormattedAddress": f"{name}, Short", "location": {"latitude": latitude, "longitude": longitude},
            "viewport": {"low": {"latitude": latitude - 0.001, "longitude": longitude - 0.001},
                         "high": {"latitude": latitude + 0.001, "longitude": longitude + 0.001}},
            "businessStatus": "OPERATIONAL", "displayName": {"text": name, "languageCode": "en"},
            "plusCode": {"globalCode": "85632F9C+2Q", "compoundCode": "2F9C+2Q Town"},
            "attributions": [{"provider": "A & B", "providerUri": "https://attribution.example/"}]}


def legacy_place(name: str, latitude: float, longitude: float) -> dict[str, Any]:
    return {"place_id": f"legacy-{name}", "reference": f"legacy-{name}", "name": name, "vicinity": f"{name}, Short",
            "geometry": {"location": {"lat": latitude, "lng": longitude},
                         "viewport": {"northeast": {"lat": latitude + 0.001, "lng": longitude + 0.001},
                                      "southwest": {"lat": latitude - 0.001, "lng": longitude - 0.001}}},
            "types": ["cafe", "establishment"], "business_status": "OPERATIONAL", "rating": 4.5,
            "opening_hours": {"open_now": True}, "photos": [{"photo_reference": "needs-a-key"}],
            "plus_code": {"global_code": "85632F9C+2Q", "compound_code": "2F9C+2Q Town"}}


def good(handler: Handler, request: Request) -> None:
    found = list(places_around(request["latitude"], request["longitude"], request["radius"]))
    if request["legacy"]:
        handler.send_json(200, {"html_attributions": ["Listings by <b>B</b>"], "status": "OK",
                                "next_page_token": "token", "results": [legacy_place(*place) for place in found]})
    else:
        handler.send_json(200, as_proto3({"places": [new_place(*place) for place in found]}))


def none_there(handler: Handler, request: Request) -> None:
    handler.send_json(200, {"html_attributions": [], "results": [], "status": "ZERO_RESULTS"} if request["legacy"]
                      else {})


def error(code: int, status: str, message: str = "no", details: list[dict[str, str]] | None = None) -> Play:
    def play(handler: Handler, request: Request) -> None:
        if request["legacy"]:
            handler.send_json(code, {"error_message": message, "html_attributions": [], "results": [],
                                     "status": "UNKNOWN_ERROR"})
        else:
            handler.send_json(code, {"error": {"code": code, "message": message, "status": status,
                                               "details": details or []}})
    return play


def error_within_200(handler: Handler, request: Request) -> None:
    if request["legacy"]:
        handler.send_json(200, {"status": "REQUEST_DENIED", "error_message": "no"})
    else:
        handler.send_json(200, {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}})


def legacy_status(status: str, **more: str) -> Play:
    def play(handler: Handler, request: Request) -> None:
        handler.send_json(200, {"html_attributions": [], "results": [], "status": status, **more})
    return play


def body(text: str | bytes, code: int = 200, kind: str = "application/json") -> Play:
    content = text if isinstance(text, bytes) else text.encode()
    return lambda handler, request: handler.send_whole(code, content, kind)


def redirect(code: int) -> Play:
    def play(handler: Handler, request: Request) -> None:
        handler.send_whole(code, b"", "text/plain", {"Location": handler.google.url("/elsewhere")})
    return play


def silence(handler: Handler, request: Request) -> None:
    handler.wait_for_end()


def late_headers(handler: Handler, request: Request) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while handler.pause():
        handler.wfile.write(b"X-Wait: 1\r\n")


def trickle(handler: Handler, request: Request) -> None:
    handler.begin_body(1_000_000)
    while handler.pause():
        handler.wfile.write(b" ")


def cut(handler: Handler, request: Request) -> None:
    handler.begin_body(1000)
    handler.wfile.write(b'{"places":[{"id":')
    handler.close_connection = True


def reset(handler: Handler, request: Request) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing sends RST
    handler.close_connection = True


def endless_body(handler: Handler, request: Request) -> None:
    handler.begin_body(None)
    while not handler.google.closing.is_set():
        handler.wfile.write(b" " * 65536)


def endless_headers(handler: Handler, request: Request) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.google.closing.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")


def too_long_announced(handler: Handler, request: Request) -> None:
    handler.begin_body(2 * 1024 * 1024 + 1)
    handler.wfile.write(b" " * (2 * 1024 * 1024 + 1))


def no_http(handler: Handler, request: Request) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.close_connection = True


def outside(handler: Handler, request: Request) -> None:
    """A list with only one place within the requested circle."""
    found = list(places_around(request["latitude"], request["longitude"], request["radius"], 1))
    found += [(f"Far {i}", *shifted(request["latitude"], request["longitude"], request["radius"] * 1.1 + 10, 0))
              for i in range(5)]
    make = legacy_place if request["legacy"] else new_place
    results = [make(*place) for place in found]
    handler.send_json(200, {"status": "OK", "results": results} if request["legacy"]
                      else as_proto3({"places": results}))


def on_a_meridian(handler: Handler, request: Request) -> None:
    """A place exactly at the centre of the request, which may have a coordinate of 0, with few other fields."""
    place = new_place("On the line", request["latitude"], request["longitude"])
    sent = {"id": place["id"], "displayName": place["displayName"], "location": place["location"], "viewport": {
        "low": {"latitude": request["latitude"] - 0.001, "longitude": request["longitude"]}, "high": {
            "latitude": request["latitude"], "longitude": request["longitude"] + 0.001}},
            "types": [], "shortFormattedAddress": ""}
    handler.send_json(200, as_proto3({"places": [sent]}))


def tells_key(handler: Handler, request: Request) -> None:
    """An error that repeats the key, as the page of a careless proxy could."""
    error(403, "PERMISSION_DENIED", f"the key {KEY} may not do this")(handler, request)


def names_key(handler: Handler, request: Request) -> None:
    """An answer that contains the key."""
    place = (f"The {KEY} bar", request["latitude"], request["longitude"])
    handler.send_json(200, {"status": "OK", "results": [legacy_place(*place)]} if request["legacy"]
                      else {"places": [new_place(*place)]})


DENIED, QUOTA, INVALID, UNKNOWN = "REQUEST_DENIED", "OVER_QUERY_LIMIT", "INVALID_REQUEST", "UNKNOWN_ERROR"

# Faults: what is played, and the status that a client gets if there is no other provider.
FAULTS: dict[str, Fault] = {
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
    "error within 200": (error_within_200, DENIED),
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
LEGACY_FAULTS: dict[str, Fault] = {
    "status OVER_QUERY_LIMIT": (legacy_status("OVER_QUERY_LIMIT"), QUOTA),
    "status OVER_DAILY_LIMIT": (legacy_status("OVER_DAILY_LIMIT"), QUOTA),
    "status REQUEST_DENIED": (legacy_status("REQUEST_DENIED", error_message="The key is invalid."), DENIED),
    "status INVALID_REQUEST": (legacy_status("INVALID_REQUEST"), INVALID),
    "status UNKNOWN_ERROR": (legacy_status("UNKNOWN_ERROR"), UNKNOWN),
    "unknown status": (legacy_status("FINE"), UNKNOWN),
}
ANSWERS: dict[str, Play] = {
    "good": good, "none": none_there, "outside": outside, "key in a name": names_key, "on a meridian": on_a_meridian}
