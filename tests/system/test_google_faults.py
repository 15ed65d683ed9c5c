"""Tests failures of Google, in every way that a server on this host can play: the reply to the client, and its time. A
failed Google is not queried for a while, and is used again when it works."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from google_answers import ANSWERS, FAULTS, KEY, LEGACY_FAULTS, Request, Status
from google_herd import HOME, LATEST, TIMEOUT, VARIABLE, Clients, MakeNode, Monitored, whatsat
from google_server import NEW_PATH, GoogleServer, Handler
from herd_fixture import MakeHerd, Ports, alone, wait_for


# Faults.

def expected_status(status: Status, kind: str) -> str:
    return status[kind] if isinstance(status, dict) else status


@pytest.mark.parametrize("provider", ["google", "google-legacy"])
def test_every_fault_has_its_status_and_none_outlasts_the_timeout(make_node: MakeNode, google: GoogleServer,
                                                                  provider: str) -> None:
    """Prints the table of docs/PLACES.md. A good answer between two faults prevents that the breaker opens."""
    kind = "new" if provider == "google" else "legacy"
    node = make_node([provider], cache_ttl="0s", log_level="info")
    clients = Clients(node)
    faults = FAULTS | (LEGACY_FAULTS if kind == "legacy" else {})
    print(f"\n{provider}, timeout {TIMEOUT} s")
    for fault, (_, status) in faults.items():
        google.play(fault)
        document, took = whatsat(node, clients.new())
        print(f"| {fault} | `{document['status']}` | {took * 1000:.0f} ms | {document.get('error_message')} |")
        assert document["status"] == expected_status(status, kind), fault
        assert document["results"] == [] and document["error_message"].startswith(provider), fault
        assert ":" in document["error_message"], f"{fault}: says nothing to do"
        assert KEY not in json.dumps(document), fault
        assert took <= LATEST, fault
        google.play("good")
        document, took = whatsat(node, clients.new())
        assert document["status"] == "OK", f"after {fault}: {document}"


def test_a_fault_hands_over_to_the_next_provider_in_time(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(["google", "embedded"], log_level="info")
    clients = Clients(node)
    for fault in ("forbidden (403)", "silence", "HTML", "redirect (302)"):
        google.play(fault)
        document, took = whatsat(node, clients.new(), 10, 5)
        assert document["status"] == "OK" and document["results"][0]["place_id"].startswith(("geonames", "cities"))
        assert len(document["info_messages"]) == 1 and document["info_messages"][0].startswith("google ")
        assert took <= LATEST, fault


def test_both_apis_of_google_may_be_in_one_chain(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(["google", "google-legacy"])

    def only_legacy(handler: Handler, request: Request) -> None:
        (ANSWERS["good"] if request["legacy"] else FAULTS["forbidden (403)"][0])(handler, request)
    google.play(only_legacy)
    clients = Clients(node)
    document, _ = whatsat(node, clients.new(HOME), 10, 5)
    assert document["results"][0]["place_id"].startswith("legacy-") and "google denies" in document["info_messages"][0]
    google.play("silence")
    document, took = whatsat(node, clients.new(), 10, 5)
    assert document["status"] == "UNKNOWN_ERROR" and took <= LATEST


@pytest.mark.parametrize("where", ["refused", "no such host", "dead DNS", "not TLS", "unknown certificate authority"])
def test_an_unreachable_server_is_an_unknown_error_in_time(make_herd: MakeHerd, ports: Ports, google: GoogleServer,
                                                           tmp_path: pathlib.Path, where: str) -> None:
    environment = {VARIABLE: KEY}
    url = f"http://127.0.0.1:{ports.take()}{NEW_PATH}"
    server = None
    if where == "no such host":
        url = f"https://unknown.invalid{NEW_PATH}"
    elif where == "dead DNS":
        url = f"https://places.googleapis.com{NEW_PATH}"
        environment["LD_PRELOAD"] = slow_resolver(tmp_path)
    elif where == "not TLS":
        url = google.url(NEW_PATH).replace("http:", "https:")
    elif where == "unknown certificate authority":
        server = GoogleServer.start(ports.take(), certificate=own_certificate(tmp_path))
        url = server.url(NEW_PATH)
    herd = make_herd(alone(1), start=False, log_level="info", settings={"places": {
        "providers": ["google"], "timeout": f"{int(TIMEOUT * 1000)}ms", "google_url": url}})
    herd.environment.update(environment)
    herd.start()
    node = herd["n0"]
    document, took = whatsat(node, Clients(node).new(HOME))
    print(f"\n| {where} | `{document['status']}` | {took * 1000:.0f} ms | {document['error_message']} |")
    assert document["status"] == "UNKNOWN_ERROR" and document["results"] == []
    assert took <= LATEST
    begin = time.monotonic()
    node.stop()
    assert time.monotonic() - begin < 3, "a dead name server must not hold up the end"
    if server:
        assert server.requests == [], "the key went to the wrong server"
        server.close()


def slow_resolver(directory: pathlib.Path) -> str:
    """A getaddrinfo that takes half a minute for names, as with a dead name server."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    if "san" in os.environ.get("HERD_BIN", ""):
        pytest.skip("a sanitizer wants to be loaded first")
    source, library = directory / "slow.c", directory / "slow.so"
    source.write_text("""#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
      (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
  if (name && strstr(name, "googleapis")) sleep(30);
  return next(name, service, hints, found);
}
""")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, source, "-ldl"], check=True)
    return str(library)


def own_certificate(directory: pathlib.Path) -> pathlib.Path:
    """A self-signed certificate for 127.0.0.1, with its key in one file."""
    openssl = shutil.which("openssl") or pytest.skip("no openssl")
    key, certificate = directory / "tls.key", directory / "tls.crt"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    both = directory / "tls.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


# Recovery.

def test_a_failed_google_is_not_queried_for_a_while_and_then_used_again(
        make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(["google", "embedded"])
    clients = Clients(node)
    with Monitored.open(node) as events:
        google.play("internal error (500)")
        for _ in range(20):
            document, _ = whatsat(node, clients.new(), 10, 1)
            assert document["status"] == "OK" and document["info_messages"]
        requests = len(google.requests)
        assert 5 <= requests < 10, "it was queried again and again, or never"
        events.wait_for("provider_resting", "herd.WARNING.places.n0")
        google.play("good")

        def back() -> bool:
            return "info_messages" not in whatsat(node, clients.new(), 10, 1)[0]
        begin = time.monotonic()
        wait_for(back, "Google is queried again")
        print(f"\n20 lookups of a broken Google: {requests} requests; back after {time.monotonic() - begin:.1f} s")
        events.wait_for("provider_ready", "herd.INFO.places.n0")
    node.wait_log("event=places_provider_resting provider=google", "event=places_provider_ready provider=google")


def test_an_old_answer_is_used_if_there_is_no_new_one(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node(cache_ttl="50ms")
    client = Clients(node).new(HOME)
    assert whatsat(node, client, 1)[0]["status"] == "OK"
    google.play("unavailable (503)")
    document = {}

    def stale() -> bool:
        document.update(whatsat(node, client, 1)[0])
        return "info_messages" in document
    wait_for(stale, "the answer is old")
    assert document["status"] == "OK" and len(document["results"]) == 20
    assert "HTTP 503" in document["info_messages"][0] and "s old" in document["info_messages"][-1]


def test_equal_lookups_at_the_same_time_are_one_request(make_node: MakeNode, google: GoogleServer) -> None:
    node = make_node()
    client = Clients(node).new(HOME)

    def slowly(handler: Handler, request: Request) -> None:
        handler.google.closing.wait(0.3)
        ANSWERS["good"](handler, request)
    google.play(slowly)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(node.connect()) for _ in range(50)]
        for connection in connections:
            connection.sendall(f"WHATSAT {client} 10 20\n".encode())
        for connection in connections:
            reply = b""
            while not reply.endswith(b"\n\n"):
                reply += connection.recv(1 << 20)
            assert b'"status":"OK"' in reply
    assert len(google.requests) == 1
