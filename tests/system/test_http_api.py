"""Tests the HTTP API of a node: where, near, within, count, map, watch and herd, each against docs/openapi.json; what
tokens hide; bad input; and viewers that never read. One herd of two nodes serves all tests, and one with tokens."""
import contextlib
import dataclasses
import http.client
import json
import multiprocessing
import socket
import struct
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from herd_control import Control, MakeControl
from herd_fixture import LONG, REPOSITORY, Herd, Node, herds_that_end, line, wait_for
from herd_lab.watch import p99_ms

API = json.loads((REPOSITORY / "docs/openapi.json").read_text(encoding="utf-8"))
GEO = "application/geo+json"
PATIENCE = 30  # seconds: the limit of any step on a loaded machine
VIEWERS = 800 if LONG else 100
REPORTS = 5_000 if LONG else 300


@pytest.fixture(name="herd", scope="module")
def start_herd() -> Iterator[Herd]:
    with herds_that_end() as make:
        herd = make(line(2), log_level="info")
        say(herd["n0"], "IAMAT kiwi +34.068930-118.445127 5\nIAMAT truck-8 +34.069000-118.444500 6.250\n"
            "IAMAT truck-7 +34.052200-118.243700 7\n")
        say(herd["n1"], "IAMAT bus-3 +34.071000-118.441000 8\n")
        herd.wait_converged()
        yield herd


def say(node: Node, text: str) -> None:
    assert b"AT " in node.say(text.encode())


@dataclasses.dataclass
class Answer:
    status: int
    type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(node: Node, target: str, headers: dict[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", target, headers=headers or {})
        response = connection.getresponse()
        check_status(target, response.status)
        return Answer(response.status, response.headers.get_content_type(), response.read())


def check_status(target: str, status: int) -> None:
    """docs/openapi.json has this status for the target, if it is one of the API."""
    path = target.partition("?")[0]
    described = API["paths"].get("/v1/where/{client}" if path.startswith("/v1/where/") else path)
    assert described is None or str(status) in described["get"]["responses"], (target, status)


def check(schema: str, document: Any) -> None:
    """The document has this schema of docs/openapi.json."""
    jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": API["components"]}
                                    ).validate(document)


def asked(node: Node, target: str, schema: str, headers: dict[str, str] | None = None) -> Any:
    answer = get(node, target, headers)
    assert answer.status == 200, answer.body
    assert answer.type == (headers or {}).get("Accept", "application/json")
    check(schema, answer.json)
    return answer.json


def refused(node: Node, target: str, status: int) -> str:
    answer = get(node, target)
    assert (answer.status, answer.type) == (status, "application/problem+json"), answer
    check("Problem", answer.json)
    assert answer.json["status"] == status
    detail = answer.json["detail"]
    assert isinstance(detail, str)
    return detail


def test_http_gives_the_answers_of_the_line_protocol_as_json_and_geojson(herd: Herd) -> None:
    node = herd["n0"]
    kiwi = asked(node, "/v1/where/kiwi", "Client")
    assert (kiwi["client"], kiwi["coordinates"], kiwi["time"], kiwi["node"]) == (
        "kiwi", "+34.068930-118.445127", "5", "n0")
    assert (kiwi["latitude"], kiwi["longitude"]) == (34.06893, -118.445127)
    near = asked(node, "/v1/near?client=kiwi&km=1", "NearList")
    assert near["centre"] == kiwi and near["next"] is None
    assert [(each["client"], each["km"], each["bearing"]) for each in near["clients"]] == [
        ("truck-8", 0.058, 82), ("bus-3", 0.444, 59)]
    assert near["clients"][1]["node"] == "n1"
    assert asked(herd["n1"], "/v1/near?client=kiwi&km=1", "NearList") == near
    first = asked(node, "/v1/within?sw=34.0,-118.5&ne=34.2,-118.2&max=3", "WithinList")
    rest = asked(node, f"/v1/within?sw=34.0,-118.5&ne=34.2,-118.2&max=3&after={first['next']}", "WithinList")
    assert {each["client"] for each in first["clients"] + rest["clients"]} == {"kiwi", "truck-8", "truck-7", "bus-3"}
    assert asked(node, "/v1/count?at=+34.068930-118.445127&km=20&match=truck-*", "Count") == {"count": 2}
    assert asked(node, "/v1/count?sw=34.0,-118.5&ne=34.2,-118.3", "Count") == {"count": 3}
    geo = {"Accept": GEO}
    assert asked(node, "/v1/where/kiwi", "GeoClient", geo)["properties"] == kiwi
    features = asked(node, "/v1/near?client=kiwi&km=1", "GeoNearList", geo)
    assert features["centre"]["geometry"]["coordinates"] == [-118.445127, 34.06893]
    assert [each["properties"] for each in features["features"]] == near["clients"]
    asked(node, "/v1/within?sw=34.0,-118.5&ne=34.2,-118.2", "GeoWithinList", geo)
    assert get(node, "/v1/openapi.json").json == API


def test_ids_of_any_bytes_and_bad_input_do_no_harm(herd: Herd) -> None:
    node = herd["n0"]
    odd = [b"<script>alert(1)</script>", b"caf\xe9", "東京".encode(), b"a/../b", b"..", b"\"\\", b"a%41?&#"]
    for at, client in enumerate(odd):
        assert b"AT " in node.say(b"IAMAT " + client + b" +10+1%d 9\n" % at)
    shown = asked(node, "/v1/within?sw=9,9&ne=11,19", "WithinList")["clients"]
    assert sorted(each["client"] for each in shown) == sorted(id_.decode(errors="replace") for id_ in odd)
    for client in odd:
        found = asked(node, "/v1/where/" + urllib.parse.quote(client, safe=""), "Client")
        assert found["client"] == client.decode(errors="replace")
        assert found.get("client_url", urllib.parse.quote(client, safe="")) == urllib.parse.quote(client, safe="")
    assert "not known" in refused(node, "/v1/where/nemo", 404)
    assert "not known" in refused(node, "/v1/where/../../etc/passwd", 404)
    assert "not known" in refused(node, "/v1/near?client=nemo&km=1", 404)
    assert "not known" in refused(node, "/v1/watch?near=nemo&km=1", 404)
    for target in ("near", "near?client=kiwi", "near?client=kiwi&km=x", "near?client=kiwi&at=1,2&km=1", "near?km=1",
                   "near?client=kiwi&km=20017", "near?client=kiwi&km=1&max=1001", "near?client=kiwi&km=1&km=1",
                   "near?client=kiwi&km=1&color=red", "near?client=kiwi&km=1&after=AAAA", "near?client=a%20b&km=1",
                   "near?client=%0aIAMAT&km=1", "within?sw=2,0&ne=1,0", "within?sw=91,0&ne=92,0", "count",
                   "count?client=kiwi&km=1&sw=1,1&ne=2,2", "map", "map?sw=1,1&ne=2,2&since=1", "watch",
                   "watch?all&client=kiwi", "watch?all&beat=1", "where/a%20b", "where/" + "a" * 256):
        detail = refused(node, "/v1/" + target, 400)
        assert len(detail) > 10, target
    assert get(node, "/v1/where/%00").status == 400  # not even HTTP
    assert get(node, "/v1/").status == 404


@dataclasses.dataclass
class Map:
    """An answer of /v1/map, read as docs/HTTP.md describes it."""
    feed: int
    number: int
    kind: int
    clients: dict[int, tuple[int, int, int, str, int]]
    cells: list[tuple[int, int, int]]


def read_map(node: Node, target: str) -> Map:
    answer = get(node, target)
    assert (answer.status, answer.type) == (200, "application/octet-stream"), answer.body
    magic, feed, number, kind, count = struct.unpack_from("<8sQQII", answer.body)
    assert magic == b"HERDMAP1"
    size = 12 if kind == 2 else 16
    entries = answer.body[32:32 + count * size]
    rest = answer.body[32 + count * size:]
    names = []
    for _ in range(rest[0]):
        length = rest[1]
        names.append(rest[2:2 + length].decode())
        rest = rest[1 + length:]
    assert len(rest) == 1
    if kind == 2:
        cells = [(latitude, longitude, count) for latitude, longitude, count in struct.iter_unpack("<iiI", entries)]
        return Map(feed, number, kind, {}, cells)
    clients = {record: (latitude, longitude, age, names[name], flags) for record, latitude, longitude, age, name, flags
               in struct.iter_unpack("<IiiHBB", entries)}
    return Map(feed, number, kind, clients, [])


def test_a_map_is_followed_by_what_has_changed(herd: Herd) -> None:
    node = herd["n0"]
    box = "/v1/map?sw=34.0,-118.5&ne=34.2,-118.2"
    first = read_map(node, box)
    assert first.kind == 0 and len(first.clients) == 4
    assert sorted((latitude, name) for latitude, _, _, name, _ in first.clients.values()) == [
        (340522000, "n0"), (340689300, "n0"), (340690000, "n0"), (340710000, "n1")]
    say(herd["n1"], "IAMAT bus-3 +50+50 20\nIAMAT bus-4 +34.1-118.4 20\n")
    herd.wait_converged()
    changed = read_map(node, f"{box}&since={first.feed:016x}:{first.number}")
    assert changed.kind == 1 and changed.number > first.number
    assert sorted(place[:2] for place in changed.clients.values()) == [(341000000, -1184000000), (500000000, 500000000)]
    assert set(changed.clients) - set(first.clients) and set(changed.clients) & set(first.clients)
    again = read_map(node, f"{box}&since={changed.feed:016x}:{changed.number}")
    assert (again.kind, again.clients, again.number) == (1, {}, changed.number)
    assert read_map(node, f"{box}&since={1:016x}:5").kind == 0


class Viewer:
    """A client of /v1/watch."""

    def __init__(self, node: Node, query: str, headers: str = "", receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", node.http_port))
        self.socket.sendall(f"GET /v1/watch?{query} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        self.received = b""

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def read(self, end: bytes = b"\n\n") -> str:
        while end not in self.received:
            piece = self.socket.recv(65536)
            assert piece, self.received
            self.received += piece
        text, _, self.received = self.received.partition(end)
        return text.decode()

    def head(self) -> str:
        return self.read(b"\r\n\r\n")

    def event(self) -> tuple[str, str, Any]:
        """Its name, its id and its data."""
        fields = dict(each.split(": ", 1) for each in self.read().splitlines())
        data = json.loads(fields["data"])
        check("EventData", data)
        return fields["event"], fields.get("id", ""), data


def test_a_watch_is_a_stream_of_events_that_can_be_resumed(herd: Herd) -> None:
    node = herd["n0"]
    with Viewer(node, "near=kiwi&km=1&match=truck-*") as viewer:
        assert "200 OK" in (head := viewer.head()) and "Content-Type: text/event-stream" in head
        name, _, data = viewer.event()
        assert (name, data["resumed"]) == ("watching", False)
        feed = data["feed"]
        events = [viewer.event() for _ in range(3)]
        assert [name for name, _, _ in events] == ["centre", "here", "ready"]
        assert events[1][2]["client"] == "truck-8" and events[1][2]["km"] == 0.058
        say(node, "IAMAT truck-7 +34.066000-118.440000 30\n")
        name, place, data = viewer.event()
        assert (name, data["client"], data["bearing"]) == ("enter", "truck-7", 125)
        assert place.startswith(feed + ":")
    say(herd["n1"], "IAMAT truck-7 +34.052200-118.243700 31\n")
    herd.wait_converged()
    with Viewer(node, "near=kiwi&km=1&match=truck-*", f"Last-Event-ID: {place}\r\n") as viewer:
        viewer.head()
        events = [viewer.event() for _ in range(3)]
        assert [name for name, _, _ in events] == ["watching", "leave", "ready"] and events[0][2]["resumed"]
    wait_for(lambda: node.status()["watches"]["watches"] == 0, "the watches have ended")
    with Viewer(node, "client=nemo&beat=5") as viewer:
        viewer.head()
        assert [viewer.event()[0] for _ in range(3)] == ["watching", "ready", "tick"]


def test_the_herd_has_every_node_of_the_configuration(herd: Herd) -> None:
    def nodes() -> list[Any] | None:
        answer = asked(herd["n1"], "/v1/herd", "Herd")
        assert answer["node"] == "n1"
        found: list[Any] = answer["nodes"]
        return found if all(each["report"] for each in found) else None
    shown = wait_for(nodes, "both nodes have reported")
    assert [(each["node"], each["state"]) for each in shown] == [("n0", "up"), ("n1", "self")]
    assert shown[0]["link"]["lag"] == 0 and shown[1]["link"] is None
    assert shown[0]["report"]["clients"] > 0


def iamat_times(node: Node, count: int, begin: int) -> list[float]:
    """How long each of `count` reports waits for its answer, in seconds."""
    times = []
    with node.connect(PATIENCE) as connection:
        for number in range(begin, begin + count):
            before = time.perf_counter()
            connection.sendall(f"IAMAT mover +34.0690{number % 100:02}-118.4445 {number}\n".encode())
            connection.recv(65536)
            times.append(time.perf_counter() - before)
    return times


def scrape(port: int) -> None:
    """Reads the metrics every 10 ms until the process is terminated."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    while True:
        connection.request("GET", "/metrics")
        assert connection.getresponse().read().endswith(b"\n")
        time.sleep(0.01)


@contextlib.contextmanager
def scraped(node: Node) -> Iterator[None]:
    scraper = multiprocessing.get_context("spawn").Process(target=scrape, args=(node.http_port,), daemon=True)
    scraper.start()
    try:
        yield
        assert scraper.exitcode is None, "the scrapes have failed"
    finally:
        scraper.terminate()
        scraper.join()


def test_viewers_that_never_read_and_many_scrapes_do_not_slow_clients_down(herd: Herd) -> None:
    node = herd["n0"]
    alone = p99_ms(iamat_times(node, REPORTS, 1000)) or 0.0
    with contextlib.ExitStack() as stack:
        late = stack.enter_context(Viewer(node, "all"))
        for _ in range(VIEWERS):
            stack.enter_context(Viewer(node, "all", receive_buffer=4096))
        wait_for(lambda: node.status()["watches"]["watches"] == VIEWERS + 1, "all watch")
        stack.enter_context(scraped(node))
        together = p99_ms(iamat_times(node, REPORTS, 100_000)) or 0.0
        print(f"p99 of IAMAT {alone:.2f} ms alone, {together:.2f} ms with {VIEWERS} viewers and 100 scrapes a second")
        assert get(node, "/v1/near?client=kiwi&km=1").status == 200
        assert get(node, "/healthz").status == 200
        assert together < max(1.5 * alone, 20), (alone, together)  # a loaded machine is noisy
        late.head()  # it read nothing until now, and gets the present state
        while (event := late.event())[0] != "move" or event[2]["time"] != str(100_000 + REPORTS - 1):
            pass
    wait_for(lambda: node.status()["watches"]["watches"] == 0, "the watches have ended")


def test_a_token_limits_what_the_api_tells(make_control: MakeControl) -> None:
    control: Control = make_control(1)
    control.herd.settings = {**control.herd.settings, "clients": {"auth": "token"}}
    control.herd.write_config()

    def token(name: str, see: str, *more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {control.new_token(name, '--tell', '*', '--see', see, *more)}"}
    everything, trucks = token("all", "*"), token("trucks", "truck-*")
    events = token("events", "*", "--level", "events")
    control.run("up")
    node = control.herd["n0"]
    auth = everything["Authorization"].removeprefix("Bearer ")
    assert b"AT " in node.say(f"AUTH {auth}\nIAMAT kiwi +1+2 5\nIAMAT truck-1 +1+2 6\n".encode())
    assert get(node, "/status.json").status == 200  # [http] auth is "none"
    assert get(node, "/v1/where/kiwi").status == 401
    assert get(node, "/v1/where/kiwi", everything).json["client"] == "kiwi"
    assert get(node, "/v1/where/kiwi", trucks).status == 404
    assert get(node, "/v1/near?client=kiwi&km=1", trucks).status == 404
    assert get(node, "/v1/count?at=1,2&km=1", trucks).json == {"count": 1}
    box = "/v1/map?sw=0,0&ne=3,3"
    assert len(get(node, box, everything).body) - len(get(node, box, trucks).body) == 16
    assert get(node, "/v1/count?at=1,2&km=1", events).status == 403
    assert get(node, "/v1/where/kiwi", events).status == 403
    line_of = "".join(f"{name}: {value}\r\n" for name, value in events.items())
    with Viewer(node, "all", line_of) as viewer:
        viewer.head()
        while viewer.event()[0] != "ready":
            pass
        assert b"AT " in node.say(f"AUTH {auth}\nIAMAT truck-2 +1+2 5\n".encode())
        assert viewer.event()[2] == {"client": "truck-2"}
        control.run("token", "revoke", "events")
        control.run("reload")
        name, _, data = viewer.event()
        assert (name, data["reason"]) == ("end", "not allowed")
        assert viewer.socket.recv(100) == b""
    wrong = {"Authorization": "Bearer wrong"}
    wait_for(lambda: get(node, "/v1/herd", wrong).status == 429, "wrong tokens are refused without a log line")
