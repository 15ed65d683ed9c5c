"""Tests the pages that apps of phones report to, /owntracks and /osmand, with requests as the apps send them: who may
report which client, what each answer is, late reports, bad input, and reports that nothing acknowledges."""
import base64
import contextlib
import hashlib
import json
import signal
import socket
import time
from typing import NamedTuple

import jsonschema
import pytest

from herd_fixture import REPOSITORY, Herd, MakeLightHerd, Node, alone, line, wait_for

API = json.loads((REPOSITORY / "docs/openapi.json").read_text(encoding="utf-8"))
PATIENCE = 30  # seconds: the limit of any step on a loaded machine
NOW = int(time.time())
OWNTRACKS_HEADERS = {"User-Agent": "Owntracks-Android/gms/420504022", "Content-Type": "application/json; charset=utf-8",
                     "Accept-Encoding": "gzip"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def detail(self) -> str:
        problem = json.loads(self.body)
        jsonschema.Draft202012Validator(API["components"]["schemas"]["Problem"]).validate(problem)
        assert self.headers["content-type"] == "application/problem+json" and problem["status"] == self.status
        return str(problem["detail"])


def ask(node: Node, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
    """Sends one request, and reads its answer."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{node.http_port}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", node.http_port), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, text = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = (one.partition(": ") for one in rest)
    return Answer(int(first.split()[1]), {name.lower(): value for name, _, value in fields}, text)


def location(latitude: float, when: float, **more: object) -> bytes:
    return json.dumps({"_type": "location", "lat": latitude, "lon": 2.29513, "tst": when, "tid": "JJ", **more}).encode()


def owntracks(node: Node, body: bytes, token: str | None = None, **headers: str) -> Answer:
    if token is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"jane:{token}".encode()).decode()
    return ask(node, "POST", "/owntracks", body, **{**OWNTRACKS_HEADERS, **headers})


def taken(answer: Answer, dropped: str = "") -> None:
    """The app may forget its message."""
    assert answer.status == 200, answer
    owntracks_answer = (answer.headers["content-type"], json.loads(answer.body) if answer.body != b"ok\n" else None)
    assert owntracks_answer in (("application/json", []), ("text/plain; charset=utf-8", None)), answer
    assert dropped in answer.headers.get("herd-dropped", "") and bool(dropped) == ("herd-dropped" in answer.headers)


def record(node: Node, client: str) -> str:
    """Coordinates and time of the record; empty without one."""
    answer = node.say(f"WHEREIS {client}\n")
    return " ".join(answer.split()[4:6]) if answer.startswith("AT ") else ""


def reports(node: Node) -> dict[tuple[str, str], int]:
    metrics = ask(node, "GET", "/metrics").body.decode()
    found = {}
    for one in metrics.splitlines():
        if one.startswith("herd_phone_reports_total{"):
            labels, count = one.split("{")[1].split("} ")
            app, result = (label.split("=")[1].strip('"') for label in labels.split(","))
            if float(count):
                found[app, result] = int(float(count))
    return found


def write_tokens(herd: Herd, tell_of: dict[str, str]) -> None:
    """A file of these tokens; each may report one pattern and see every client."""
    path = herd.config_path.parent / "tokens.toml"
    path.write_text("".join(
        f'[[token]]\nname = "t{at}"\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\ntell = ["{tell}"]\n'
        'see = ["*"]\nlevel = "all"\n' for at, (token, tell) in enumerate(tell_of.items())))
    path.chmod(0o600)


@pytest.fixture(name="node", scope="module")
def name_node(light_node: Node) -> Node:
    return light_node


def test_without_tokens_only_json_is_taken_and_becomes_a_record(node: Node) -> None:
    taken(owntracks(node, location(48.85833, NOW), X_Limit_U="jane", X_Limit_D="phone"))
    assert record(node, "jane/phone") == f"+48.8583300+2.2951300 {NOW}"
    taken(owntracks(node, location(48.85833, NOW)))
    assert record(node, "JJ") == f"+48.8583300+2.2951300 {NOW}"
    client = {"location": {"timestamp": "2018-03-15T06:36:25.226Z", "coords": {"latitude": 1.5, "longitude": -2}},
              "device_id": "48241179"}
    taken(ask(node, "POST", "/osmand", json.dumps(client).encode(), Content_Type="application/json"))
    assert record(node, "48241179") == "+1.5000000-2.0000000 1521095785.226"
    as_json = {"Content_Type": "application/json"}
    # A web page can make a browser of this host send all of these, or the browser says that a page sent it.
    of_pages: list[tuple[str, bytes | None, dict[str, str]]] = [
        ("GET", None, {}),
        ("POST", b"id=evil&lat=1&lon=2", {}),
        ("POST", json.dumps(client).encode(), {"Content_Type": "text/plain"}),
        ("POST", b"{}", {**as_json, "Origin": "http://evil.example"}),
        ("POST", b"{}", {**as_json, "Sec_Fetch_Site": "same-site"})]
    for method, body, headers in of_pages:
        answer = ask(node, method, "/osmand?id=evil&lat=1&lon=2", body, **headers)
        assert answer.status == 403 and answer.detail, (method, headers)
    assert ask(node, "OPTIONS", "/owntracks", Origin="http://evil.example").status == 405
    assert ask(node, "GET", "/owntracks").headers["allow"] == "POST"
    assert ask(node, "HEAD", "/osmand?id=evil&lat=1&lon=2").status == 405
    assert record(node, "evil") == ""


def test_late_reports_are_taken_without_a_change_and_a_batch_in_the_order_of_time(node: Node) -> None:
    before = reports(node)
    times = [NOW - 3, NOW - 1, NOW - 2, NOW - 5]
    body = b"[" + b",".join(location(at - NOW, at, tid="late") for at in times) + b"]"
    taken(owntracks(node, body))
    assert record(node, "late") == f"-1.0000000+2.2951300 {NOW - 1}"
    taken(owntracks(node, body))
    taken(owntracks(node, location(7, NOW - 9, tid="late")))
    taken(owntracks(node, location(-1, NOW - 1, tid="late")))
    assert record(node, "late") == f"-1.0000000+2.2951300 {NOW - 1}"
    after = reports(node)
    counted = {result: after.get(("owntracks", result), 0) - before.get(("owntracks", result), 0)
               for result in ("stored", "old", "duplicate")}
    assert counted == {"stored": 4, "old": 4, "duplicate": 2}
    wait_for(lambda: node.counter("iamat_duplicate") >= 2, "reports count as commands")


def test_what_can_never_be_used_is_taken_and_counted_and_what_a_setting_can_change_is_refused(node: Node) -> None:
    before = reports(node)
    taken(owntracks(node, b""), "empty")
    taken(owntracks(node, b'{"_type":"transition","wtst":1,"lat":1,"lon":2,"tst":3,"event":"enter"}'), "_type")
    taken(owntracks(node, b'{"_type":"location","tst":5,"tid":"bad"}'), "latitude")
    taken(owntracks(node, b'{"_type":"location","lat":NaN,"lon":2,"tst":5,"tid":"bad"}'), "latitude")
    taken(owntracks(node, location(91, NOW, tid="bad")), "latitude")
    taken(owntracks(node, b"{"), "JSON")
    taken(owntracks(node, b"[" * 200_000), "JSON")
    taken(owntracks(node, location(1, NOW + 3600, tid="bad")), "max_future")
    assert record(node, "bad") == ""
    taken(owntracks(node, location(1, 0, tid="bad")))
    assert record(node, "bad") == "+1.0000000+2.2951300 0"
    taken(owntracks(node, location(2, NOW, tid="bad")))  # its clock is right again
    assert record(node, "bad") == f"+2.0000000+2.2951300 {NOW}"
    refused = ((b'{"_type":"encrypted","data":"AAAA"}', 400, "encrypt"),
               (location(1, NOW, tid="two words"), 400, "blank"), (location(1, NOW, tid=None), 400, "device id"),
               (b"[" + b"{}," * 1000 + b"{}]", 413, "1000"))
    for body, status, words in refused:
        answer = owntracks(node, body)
        assert answer.status == status and words in answer.detail, answer
    assert owntracks(node, b"x" * (256 * 1024 + 1)).status == 413
    after = reports(node)
    changed = {key[1]: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    assert changed == {"ignored": 2, "no_position": 2, "invalid": 3, "future": 1, "stored": 2, "refused": 4}
    wait_for(lambda: ask(node, "GET", "/healthz").status == 200, "the node answers")


def test_a_token_says_which_client_a_phone_is(make_light_herd: MakeLightHerd) -> None:
    kiwi, trucks = "herd_" + "k" * 43, "herd_" + "t" * 43
    herd = make_light_herd(alone(1), start=False, clients={"auth": "token"})
    write_tokens(herd, {kiwi: "kiwi", trucks: "truck-*"})
    herd.start()
    node = herd["n0"]

    def knows(client: str) -> str:
        with contextlib.closing(node.connect()) as connection:
            connection.sendall(f"AUTH {kiwi}\nWHEREIS {client}\nQUIT\n".encode())
            return connection.makefile().read().splitlines()[1]

    query = f"lat=60.0&lon=-30.5&timestamp={NOW}&speed=0.0&bearing=0.0&altitude=0.0&accuracy=12.5&batt=59.0"
    taken(owntracks(node, location(1, NOW - 9), kiwi, X_Limit_U="jane", X_Limit_D="phone"))
    assert "kiwi +1.0000000+2.2951300" in knows("kiwi")
    taken(ask(node, "GET", f"/osmand?token={kiwi}&{query}"))
    assert "kiwi +60.0000000-30.5000000" in knows("kiwi")
    taken(ask(node, "POST", f"/osmand?id=7&{query}&token={trucks}", b""))
    taken(ask(node, "POST", f"/osmand?id=truck-8&{query}&token={trucks}"))
    taken(ask(node, "POST", f"/osmand?token={trucks}", f"id=9&{query}".encode(),
              Content_Type="application/x-www-form-urlencoded"))
    taken(ask(node, "GET", f"/osmand?id=10&{query}", Authorization=f"Bearer {trucks}"))
    for client in ("truck-7", "truck-8", "truck-9", "truck-10"):
        assert f" {client} +60.0000000-30.5000000 {NOW}" in knows(client)

    for answer in (owntracks(node, location(1, NOW)), owntracks(node, location(1, NOW), kiwi[:-1]),
                   ask(node, "GET", f"/osmand?id=7&{query}"), ask(node, "GET", f"/osmand?id=7&{query}&token=x")):
        assert answer.status == 401 and "token" in answer.detail
        assert "basic" not in answer.headers["www-authenticate"].lower()  # a browser would ask a person, and keep it
    assert ask(node, "GET", f"/osmand?id=7&{query}&token={trucks}", Origin="null").status == 403
    assert ask(node, "POST", f"/osmand?token={trucks}", b"x", Content_Type="image/png").status == 415
    write_tokens(herd, {trucks: "truck-*"})
    node.signal(signal.SIGHUP)
    wait_for(lambda: ask(node, "GET", f"/osmand?token={kiwi}&{query}").status == 401, "the token is revoked")
    log = node.log()
    assert kiwi not in log and trucks not in log


def test_a_report_that_no_peer_acknowledges_is_answered_with_503_and_repeated(make_light_herd: MakeLightHerd) -> None:
    herd = make_light_herd(line(2), updates={"replicas": 1, "ack_timeout": "500ms"})
    node, peer = herd["n0"], herd["n1"]
    taken(owntracks(node, location(1, NOW)))
    peer.signal(signal.SIGSTOP)
    batch = b"[" + location(2, NOW + 1) + b"," + location(91, NOW) + b"]"
    try:
        answer = owntracks(node, batch)
        assert answer.status == 503 and "acknowledged" in answer.detail and answer.headers["retry-after"] == "1"
        assert reports(node) == {("owntracks", "stored"): 1, ("owntracks", "later"): 1}
    finally:
        peer.signal(signal.SIGCONT)
    wait_for(lambda: owntracks(node, batch).status == 200, "the peer acknowledges", PATIENCE)
    assert reports(node)["owntracks", "invalid"] == 1, "what is dropped of a repeated message counts once"
    assert record(node, "JJ") == record(peer, "JJ") == f"+2.0000000+2.2951300 {NOW + 1}"
