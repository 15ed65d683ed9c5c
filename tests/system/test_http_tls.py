"""Tests `[http] tls = "on"`: pages over TLS, plain text on the port of TLS, new certificates at a reload, the
operator's commands, and crowds of half handshakes that must not delay /healthz."""
import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from certificates import SETTINGS, certificate_name, context_for
from herd_control import MakeControl
from herd_fixture import Herd, MakeHerd, Node, alone, wait_for
from herd_lab.certificate import write_certificate
from talk import memory_peak, settled_memory

PLAIN_CLIENTS = SETTINGS | {"tls": "off"}  # of [clients]: the files only
MIB = 1 << 20


def start(make_herd: MakeHerd, **http_keys: object) -> Herd:
    """One node, n0, with pages over TLS, by the files of [clients]."""
    herd = make_herd(alone(1), start=False, log_level="info",
                     settings={"clients": PLAIN_CLIENTS, "http": {"tls": "on"} | http_keys})
    write_certificate(herd.directory)
    herd["n0"].start(wait=False)
    wait_for(lambda: is_healthy(herd), "it serves /healthz")
    return herd


def get(node: Node, path: str, context: ssl.SSLContext, seconds: float = 20) -> tuple[int, str]:
    connection = http.client.HTTPSConnection("127.0.0.1", node.http_port, context=context, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def is_healthy(herd: Herd) -> bool:
    try:
        return get(herd["n0"], "/healthz", context_for(herd)) == (200, "ok\n")
    except OSError:
        return False


def connect(node: Node, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", node.http_port), 20)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def figure(herd: Herd, name: str) -> float:
    metrics = get(herd["n0"], "/metrics", context_for(herd))[1]
    return float(next(line.rsplit(" ", 1)[1] for line in metrics.splitlines() if line.startswith(name + " ")))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_all_pages_are_served_over_both_versions_of_tls(make_herd: MakeHerd, version: ssl.TLSVersion) -> None:
    herd = start(make_herd)
    node, context = herd["n0"], context_for(herd, version)
    assert get(node, "/readyz", context) == (200, "ready\n")
    assert json.loads(get(node, "/status.json", context)[1])["node"] == "n0"
    assert get(node, "/nowhere", context)[0] == 404
    assert figure(herd, "herd_http_tls_handshakes_total") >= 4
    assert node.say("x\n") == "? x\n"  # clients are still in plain text


def test_curl_checks_the_certificate_and_gets_a_page(make_herd: MakeHerd) -> None:
    herd = start(make_herd)
    url = f"https://127.0.0.1:{herd['n0'].http_port}/healthz"
    command = ["curl", "--silent", "--show-error", "--noproxy", "*"]
    done = subprocess.run([*command, "--cacert", herd.directory / "node.pem", url], capture_output=True, text=True,
                          check=True, timeout=60)
    assert done.stdout == "ok\n"
    assert subprocess.run([*command, url], capture_output=True, check=False, timeout=60).returncode == 60


def test_plain_text_gets_a_hint_in_plain_text(make_herd: MakeHerd) -> None:
    herd = start(make_herd)
    status, body = herd["n0"].get("/healthz")
    assert (status, body) == (400, "this port speaks TLS: use https:// instead of http://\n")


def test_tokens_are_asked_for_over_tls_too(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1), start=False, settings={"clients": PLAIN_CLIENTS, "http": {"tls": "on", "auth": "token"}})
    write_certificate(herd.directory)
    (herd.directory / "tokens.toml").touch(0o600)
    herd["n0"].start(wait=False)
    wait_for(lambda: is_healthy(herd), "it serves /healthz")
    assert get(herd["n0"], "/metrics", context_for(herd))[0] == 401


def test_a_reload_takes_a_new_certificate_and_refuses_a_bad_one(make_herd: MakeHerd) -> None:
    herd = start(make_herd)
    node = herd["n0"]
    first = context_for(herd)
    write_certificate(herd.directory, subject="renewed")  # may take longer than a connection may wait with its request
    with connect(node, first) as old:
        node.signal(signal.SIGHUP)
        wait_for(lambda: node.log().count("event=tls_certificate ") == 2, "the reload")
        wait_for(lambda: is_healthy(herd), "the new certificate is used")
        with connect(node, context_for(herd)) as fresh:
            assert certificate_name(fresh) == "renewed"
        old.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert old.recv(100).startswith(b"HTTP/1.1 200 ")
    context = context_for(herd)
    write_certificate(herd.directory, expired=True)
    node.signal(signal.SIGHUP)
    node.wait_log("event=reload_refused", "which expired at 2020-01-02T00:00:00Z: renew it")
    with connect(node, context) as client:
        assert certificate_name(client) == "renewed"
    (herd.directory / "node.key").write_text("no key")
    node.signal(signal.SIGHUP)
    node.wait_log("contains no private key in PEM form that can be read")
    assert get(node, "/healthz", context)[0] == 200


def test_a_reload_switches_tls_on_and_off_for_new_connections(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    node = herd["n0"]
    write_certificate(herd.directory)
    plain = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=20)
    plain.request("GET", "/healthz")
    assert plain.getresponse().read() == b"ok\n"
    herd.settings = {"http": {"tls": "on", "tls_cert": "node.pem", "tls_key": "node.key"}}
    herd.write_config()
    node.signal(signal.SIGHUP)
    wait_for(lambda: is_healthy(herd), "it speaks TLS")
    plain.request("GET", "/healthz")
    assert plain.getresponse().read() == b"ok\n"
    plain.close()
    herd.settings = {}
    herd.write_config()
    node.signal(signal.SIGHUP)
    wait_for(lambda: node.get("/healthz") == (200, "ok\n"), "TLS is off")


def test_scripts_herd_reads_the_pages_over_tls(make_control: MakeControl) -> None:
    control = make_control(2)
    write_certificate(control.herd.directory)
    control.herd.settings = {"clients": PLAIN_CLIENTS, "http": {"tls": "on"}}
    control.herd.write_config()
    control.run("up")
    rows = json.loads(control.run("status", "--json"))["nodes"]
    assert [row["state"] for row in rows] == ["up", "up"] and all(row["digest"] for row in rows)


# Crowds.

def client_hello(context: ssl.SSLContext) -> bytes:
    """The first message of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


@contextlib.contextmanager
def crowd(node: Node, first: bytes, per_second: int) -> Iterator[list[int]]:
    """Strangers who connect, send these bytes and then nothing. Yields a list with the number of them so far."""
    count, done = [0], threading.Event()

    def connect_all() -> None:
        waiting: list[socket.socket] = []
        begun = time.monotonic()
        while not done.is_set():
            if count[0] > (time.monotonic() - begun) * per_second:
                time.sleep(0.002)
                continue
            with contextlib.suppress(OSError):
                waiting.append(socket.create_connection(("127.0.0.1", node.http_port), 5))
                waiting[-1].sendall(first)
            count[0] += 1
            if len(waiting) == 800:
                waiting.pop(0).close()
        for one in waiting:
            one.close()

    thread = threading.Thread(target=connect_all)
    thread.start()
    try:
        yield count
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("kind", ["half handshakes", "one byte", "silence", "garbage"])
def test_a_crowd_of_handshakes_does_not_delay_healthz(make_herd: MakeHerd, kind: str) -> None:
    herd = start(make_herd)
    node, context = herd["n0"], context_for(herd)
    hello = client_hello(context)
    first = {"half handshakes": hello, "one byte": hello[:1], "silence": b"",
             "garbage": hello[:5] + bytes(len(hello) - 5)}[kind]
    before = settled_memory(node)
    probe = http.client.HTTPSConnection("127.0.0.1", node.http_port, context=context, timeout=30)
    on_open, on_new = [], []
    with crowd(node, first, 400) as strangers:
        wait_for(lambda: strangers[0] > 300, "there is a crowd")
        for _ in range(60):
            begin = time.monotonic()
            probe.request("GET", "/healthz")
            assert probe.getresponse().read() == b"ok\n"
            on_open.append(time.monotonic() - begin)
            begin = time.monotonic()
            assert get(node, "/healthz", context) == (200, "ok\n")
            on_new.append(time.monotonic() - begin)
            time.sleep(0.02)
        memory = memory_peak(node) - before
    probe.close()
    print(f"{kind}: open p50 {sorted(on_open)[30] * 1000:.1f} ms, max {max(on_open) * 1000:.1f} ms; new p50"
          f" {sorted(on_new)[30] * 1000:.1f} ms, max {max(on_new) * 1000:.1f} ms; {memory / MIB:.1f} MiB,"
          f" {strangers[0]} strangers")
    assert sorted(on_open)[54] < 0.5 and sorted(on_new)[54] < 1  # milliseconds on an idle machine
    assert memory < 40 * MIB
    assert is_healthy(herd)
