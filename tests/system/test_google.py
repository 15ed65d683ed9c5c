"""Tests WHATSAT with Google as a provider, against a server on this host that checks every byte of a request: the
replies to clients, and that no output contains the key. Faults are in test_google_faults.py, speed in
test_google_figures.py."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from google_answers import KEY, Position, distance_m, shifted
from google_herd import HOME, VARIABLE, Clients, MakeNode, Monitored, whatsat
from google_server import GoogleServer
from herd_fixture import MakeHerd, Ports, alone, wait_for


# Answers.

@pytest.mark.parametrize("provider", ["google", "google-legacy"])
def test_the_client_gets_googles_answer(make_node: MakeNode, google: GoogleServer, provider: str) -> None:
    node = make_node([provider, "embedded"])
    client = Clients(node).new(HOME)
    document, _ = whatsat(node, client, 10, 5)
    assert document["status"] == "OK" and "info_messages" not in document and len(document["results"]) == 5
    kind = "new" if provider == "google" else "legacy"
    assert [result["place_id"] for result in document["results"]] == [f"{kind}-Place {i}" for i in range(5)]
    first = document["results"][0]
    assert first["name"] == "Place 0" and first["vicinity"] == "Place 0, Short"
    assert first["geometry"]["location"] == {"lat": HOME[0], "lng": HOME[1]}
    assert set(first["geometry"]["viewport"]) == {"northeast", "southwest"}
    assert first["types"] == ["cafe", "establishment"] and first["business_status"] == "OPERATIONAL"
    assert document["html_attributions"] and "photos" not in first and "next_page_token" not in document
    [request] = google.requests
    assert request == {"legacy": kind == "legacy", "latitude": HOME[0], "longitude": HOME[1], "radius": 10_000}


def test_without_a_key_google_is_skipped_and_the_answer_reports_it(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(["google", "embedded"], key=None)
    document, _ = whatsat(node, Clients(node).new(HOME), 10, 5)
    assert document["status"] == "OK" and len(document["results"]) == 5
    [message] = document["info_messages"]
    assert "google has no key" in message and VARIABLE in message
    assert google.requests == []
    assert node.status()["places"]["google"]["state"] == "no_key"


@pytest.mark.parametrize("provider", ["google", "google-legacy"])
def test_without_a_key_and_without_another_provider_the_request_is_denied(
        make_node: MakeNode, google: GoogleServer, provider: str) -> None:
    node = make_node([provider], key=None)
    document, _ = whatsat(node, Clients(node).new(HOME))
    assert document["status"] == "REQUEST_DENIED" and document["results"] == []
    assert VARIABLE in document["error_message"]


def test_the_default_is_google_and_then_the_embedded_places(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False)
    herd.environment[VARIABLE] = ""
    herd.start()
    document, _ = whatsat(herd["n0"], Clients(herd["n0"]).new(HOME), 10, 5)  # 5 s, within which they must be loaded
    assert document["status"] == "OK" and VARIABLE in document["info_messages"][0]


def test_the_key_may_be_in_a_file_that_no_other_user_may_read(make_herd: MakeHerd, ports: Ports, google: GoogleServer,
                                                              tmp_path: pathlib.Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    herd = make_herd(alone(1), start=False, settings={"places": {
        "providers": ["google"], "key_env": "HERD_TEST_NO_KEY", "key_file": str(file)} | google.places_settings})
    herd.start()
    node = herd["n0"]
    assert whatsat(node, Clients(node).new(HOME))[0]["status"] == "OK"
    node.stop()
    file.chmod(0o640)
    refused = subprocess.run([os.environ.get("HERD_BIN", "herd-node"), "--config", herd.config_path, "--check", "n0"],
                             capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == 2 and "chmod 600" in refused.stderr + refused.stdout
    assert KEY not in refused.stderr + refused.stdout


def test_max_0_and_radius_0(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node()
    client = Clients(node).new(HOME)
    assert whatsat(node, client, 10, 0)[0] == {"html_attributions": [], "results": [], "status": "OK"}
    assert google.requests == []
    document, _ = whatsat(node, client, 0, 20)
    assert [result["name"] for result in document["results"]] == ["Place 0"]  # the place exactly at that position
    assert google.requests[0]["radius"] == 1


@pytest.mark.parametrize("provider", ["google", "google-legacy"])
def test_nothing_outside_the_radius_is_shown_even_if_google_returns_it(
        make_node: MakeNode, google: GoogleServer, provider: str) -> None:
    node = make_node([provider])
    clients = Clients(node)
    google.play("outside")
    document, _ = whatsat(node, clients.new(HOME), 10)
    assert [result["name"] for result in document["results"]] == ["Place 0"]
    google.play("none")
    document, _ = whatsat(node, clients.new(), 10)
    assert (document["status"], document["results"]) == ("ZERO_RESULTS", [])


@pytest.mark.parametrize("position", [(51.4779, 0.0), (0.0, 36.8), (0.0, 0.0), (51.4779, 0.001)], ids=str)
def test_a_place_whose_coordinate_google_leaves_out_because_it_is_0_is_shown_there(
        make_node: MakeNode, google: GoogleServer, position: Position) -> None:
    node = make_node(["google"])
    google.play("on a meridian")
    document, _ = whatsat(node, Clients(node).new(position), 1)
    assert document["status"] == "OK"
    [result] = document["results"]
    latitude, longitude = position
    assert result["geometry"] == {
        "location": {"lat": latitude, "lng": longitude},
        "viewport": {"northeast": {"lat": latitude, "lng": pytest.approx(longitude + 0.001)},
                     "southwest": {"lat": pytest.approx(latitude - 0.001), "lng": longitude}}}
    wait_for(lambda: node.status()["places"]["google"]["requests"] == {"OK": 1}, "no failure is counted")


def test_a_neighbour_is_answered_from_the_cache_within_its_own_radius(
        make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node()
    clients = Clients(node)
    whatsat(node, clients.new(HOME), 1)
    seen = 0
    for metres in (-30, -20, -10, 10, 20, 30):
        latitude, longitude = shifted(*HOME, metres, metres)
        position = (round(latitude, 6), round(longitude, 6))
        document, _ = whatsat(node, clients.new(position), 1)
        for result in document["results"]:
            location = result["geometry"]["location"]
            assert distance_m(position, (location["lat"], location["lng"])) <= 1000.01
        seen += len(document["results"])
    assert seen > 60 and len(google.requests) <= 4  # at most the four cells that can meet at this point


# The key.

@pytest.mark.parametrize("provider", ["google", "google-legacy"])
def test_the_key_is_in_no_output_of_any_kind(make_node: MakeNode, google: GoogleServer, provider: str) -> None:
    node = make_node([provider, "embedded"], log_level="trace", cache_ttl="0s")
    clients = Clients(node)
    outputs = []
    with Monitored.open(node) as events:
        for fault in ["good", "key in a name", "an error that contains the key", "forbidden (403)", "reset", "not HTTP",
                      "good", "bad request", "redirect (302)", "HTML"] + ["internal error (500)"] * 6:
            google.play(fault)
            outputs.append(json.dumps(whatsat(node, clients.new(), 10, 5)[0]))
        events.wait_for("provider_resting", "herd.WARNING.places.n0")
        for path in ("/", "/healthz", "/readyz", "/metrics", "/status.json", "/nothing"):
            outputs.append(node.get(path)[1])
        outputs.append(events.drain())
    node.signal(signal.SIGHUP)  # a reload logs settings
    wait_for(lambda: node.counter("whatsat") >= 16, "still alive after the reload")
    outputs.append(pathlib.Path(f"/proc/{node.process.pid}/cmdline").read_text())
    node.stop()
    outputs.append(node.log())
    outputs += [file.read_bytes().decode("latin-1") for file in node.herd.state_dir.rglob("*") if file.is_file()]
    assert any("[key]" in output for output in outputs), "the key was never there to be struck out"
    for output in outputs:
        assert KEY not in output and KEY[6:-6] not in output
    assert len(google.requests) > 10
