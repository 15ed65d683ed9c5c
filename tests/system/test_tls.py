"""Tests clients that speak TLS: versions, half-close, plain text on the wrong port, handshakes that are slow or many,
and new certificates at a reload."""
import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from certificates import certificate_name, connect, context_for, herd_with_tls, read_answer, say
from herd_control import MakeControl
from herd_fixture import MakeHerd, alone, wait_for
from herd_lab.certificate import write_certificate
from talk import fresh, now

REPORT = "IAMAT kiwi +34.068930-118.445127 1520023934\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_reports_and_asks_over_tls(make_herd: MakeHerd, version: ssl.TLSVersion) -> None:
    herd = herd_with_tls(make_herd)
    node = herd["n0"]
    with connect(node, context_for(herd, version)) as client:
        assert client.version() == {VERSIONS[0]: "TLSv1.2", VERSIONS[1]: "TLSv1.3"}[version]
        stream = client.makefile("rwb")
        for line in (REPORT, REPORT, "WHATSAT kiwi 1 0\n"):
            stream.write(line.encode())
            stream.flush()
        assert stream.readline().startswith(b"AT n0 ")
        assert stream.readline() == b"IGNORE\n"
        assert stream.readline().startswith(b"AT n0 ")
    assert fresh(node)["counters"]["tls_handshakes"] == 1
    assert fresh(node)["tls_handshakes_under_way"] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_that_half_closes_gets_all_replies_and_then_the_end(make_herd: MakeHerd,
                                                                     version: ssl.TLSVersion) -> None:
    herd = herd_with_tls(make_herd)
    lines = [f"word{i}" for i in range(20_000)]
    assert say(herd["n0"], context_for(herd, version), "\n".join(lines)) == "".join(f"? {line}\n" for line in lines)


def test_openssl_s_client_is_a_client(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    node = herd["n0"]
    with subprocess.Popen(["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
                           str(herd.directory / "node.pem"), "-connect", f"127.0.0.1:{node.clients_port}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdin and client.stdout
        client.stdin.write(REPORT.encode())
        client.stdin.flush()
        assert client.stdout.readline().startswith(b"AT n0 ")
        client.terminate()


def test_tls_1_2_is_refused_where_1_3_is_the_oldest(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd, tls_min_version="1.3")
    with pytest.raises(ssl.SSLError):
        connect(herd["n0"], context_for(herd, ssl.TLSVersion.TLSv1_2)).close()
    connect(herd["n0"], context_for(herd)).close()
    herd["n0"].wait_log("event=tls_handshake_failed from=127.0.0.1:", "unsupported protocol")
    assert fresh(herd["n0"])["counters"]["tls_handshakes_failed"] == 1


def test_plain_text_on_a_port_of_tls_gets_a_hint(make_herd: MakeHerd) -> None:
    node = herd_with_tls(make_herd)["n0"]
    assert node.say(REPORT).startswith("This port speaks TLS")
    answer = node.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n") and f"127.0.0.1:{node.http_port}" in answer
    node.wait_log("event=plain_text_refused from=127.0.0.1:")
    counters = fresh(node)["counters"]
    assert counters["tls_plain_text"] == 2 and counters["iamat_stored"] == 0


def test_tls_on_a_port_of_plain_text_gets_a_hint(make_herd: MakeHerd) -> None:
    node = make_herd(alone(1))["n0"]
    with node.connect() as plain, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a").do_handshake()
    with node.connect() as client:
        client.sendall(outgoing.read())
        assert read_answer(client).startswith(b"This port does not speak TLS")
    assert fresh(node)["counters"]["tls_not_spoken"] == 2
    assert fresh(node)["counters"]["unknown_commands"] == 0


def test_half_a_handshake_is_ended_and_so_is_a_connection_without_a_line(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd, first_line_timeout="1s")
    node = herd["n0"]
    with node.connect() as half, node.connect() as silent, connect(node, context_for(herd)) as idle:
        half.sendall(b"\x16\x03\x01\x02")
        wait_for(lambda: node.status()["tls_handshakes_under_way"] == 1, "it has begun")
        begin = time.monotonic()
        assert half.recv(1) == b"" and silent.recv(1) == b"" and idle.recv(1) == b""
        assert time.monotonic() - begin < 6
    counters = fresh(node)["counters"]
    assert counters["tls_handshakes_timed_out"] == 1 and counters["connections_without_line"] == 2
    assert fresh(node)["tls_handshakes_under_way"] == 0


def test_many_handshakes_at_once_all_succeed_and_do_not_delay_other_clients(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    node, context = herd["n0"], context_for(herd)
    latencies: list[float] = []
    done = threading.Event()

    def report() -> None:
        with connect(node, context) as client:
            stream = client.makefile("rwb")
            while not done.is_set():
                begin = time.monotonic()
                stream.write(f"IAMAT busy +1+1 {now()}\n".encode())
                stream.flush()
                assert stream.readline().startswith(b"AT n0 ")
                latencies.append(time.monotonic() - begin)
    reporter = threading.Thread(target=report)
    reporter.start()
    try:
        wait_for(lambda: len(latencies) > 10, "it reports")
        del latencies[:]
        with contextlib.ExitStack() as stack:
            waiting = []
            for _ in range(200):
                client = context.wrap_socket(stack.enter_context(node.connect(30)), server_hostname="127.0.0.1",
                                             do_handshake_on_connect=False)
                client.setblocking(False)
                with contextlib.suppress(ssl.SSLWantReadError):
                    client.do_handshake()  # sends the first message
                waiting.append(stack.enter_context(client))
            for client in waiting:
                client.settimeout(30)
                client.do_handshake()
                client.sendall(b"x\n")
                assert client.recv(100) == b"? x\n"
            assert len(latencies) > 10
    finally:
        done.set()
        reporter.join()
    assert fresh(node)["counters"]["tls_handshakes"] == 201
    assert sorted(latencies)[len(latencies) * 9 // 10] < 0.5  # a few milliseconds on an idle machine


def test_many_slow_clients_do_not_keep_others_out(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd, max_connections=2000)
    node = herd["n0"]
    with contextlib.ExitStack() as stack:
        for i in range(300):
            slow = stack.enter_context(node.connect())
            slow.sendall(b"\x16" if i % 2 else b"")
        wait_for(lambda: node.status()["tls_handshakes_under_way"] == 150, "150 have begun")
        assert node.status()["connections"] == 300
        assert say(node, context_for(herd), REPORT).startswith("AT n0 ")


# Certificates.

def test_a_reload_takes_a_new_certificate_and_connections_continue(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    node = herd["n0"]
    with connect(node, context_for(herd)) as old:
        assert certificate_name(old) == "localhost"
        write_certificate(herd.directory, subject="renewed")
        node.signal(signal.SIGHUP)
        wait_for(lambda: node.log().count("event=tls_certificate ") == 2, "the reload")
        with connect(node, context_for(herd)) as fresh_one:
            assert certificate_name(fresh_one) == "renewed"
        old.sendall(b"still here\n")
        assert old.recv(100) == b"? still here\n"


def test_a_reload_refuses_files_that_are_broken_or_expired_and_keeps_the_old_certificate(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    node, context = herd["n0"], context_for(herd)
    write_certificate(herd.directory, "other")
    write_certificate(herd.directory, "expired", expired=True)
    certificate, key = herd.directory / "node.pem", herd.directory / "node.key"
    good = certificate.read_bytes(), key.read_bytes()

    def refused(reason: str) -> None:
        before = node.log().count("event=reload_refused")
        node.signal(signal.SIGHUP)
        wait_for(lambda: node.log().count("event=reload_refused") == before + 1, "the reload is refused")
        node.wait_log(reason)
        with connect(node, context) as client:
            assert certificate_name(client) == "localhost"
    certificate.write_bytes(good[0][:len(good[0]) // 2])
    refused("that cannot be read")
    certificate.write_bytes(good[0])
    shutil.copy(herd.directory / "other.key", key)
    refused("does not belong to the first certificate")
    shutil.copy(herd.directory / "expired.pem", certificate)
    shutil.copy(herd.directory / "expired.key", key)
    refused("which expired at 2020-01-02T00:0")
    key.unlink()
    refused("cannot be read (No such file or directory)")
    certificate.write_bytes(good[0])
    key.write_bytes(good[1])
    key.chmod(0o600)
    node.signal(signal.SIGHUP)
    wait_for(lambda: node.log().count("event=tls_certificate ") == 2, "the good pair is read again")


def test_a_node_starts_with_an_expired_certificate_and_warns(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd, expired=True)
    herd["n0"].wait_log("warning n0 event=tls_certificate_not_valid", "it expired at 2020-01-02T00:0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert say(herd["n0"], context, REPORT).startswith("AT n0 ")


def test_a_reload_switches_tls_on_and_off_for_new_connections(make_herd: MakeHerd) -> None:
    herd = make_herd(alone(1))
    node = herd["n0"]
    write_certificate(herd.directory)
    with node.connect() as plain:
        plain.sendall(b"a\n")
        assert plain.recv(100) == b"? a\n"
        herd.settings = {"clients": {"tls": "on", "tls_cert": "node.pem", "tls_key": "node.key"}}
        herd.write_config()
        node.signal(signal.SIGHUP)
        node.wait_log("event=reloaded key=clients.tls_key")
        assert say(node, context_for(herd), REPORT).startswith("AT n0 ")
        plain.sendall(b"b\n")
        assert plain.recv(100) == b"? b\n"
        herd.settings = {}
        herd.write_config()
        node.signal(signal.SIGHUP)
        wait_for(lambda: node.say("c") == "? c\n", "TLS is off")


# scripts/herd.

def test_scripts_herd_speaks_tls_to_its_nodes(make_control: MakeControl) -> None:
    control = make_control(2)
    write_certificate(control.herd.directory)
    control.herd.settings = {"clients": {"tls": "on", "tls_cert": "node.pem", "tls_key": "node.key"}}
    control.herd.write_config()
    printed = control.run("up")
    assert f"openssl s_client -quiet -connect 127.0.0.1:{control.herd['n0'].clients_port}" in printed
    assert say(control.herd["n0"], context_for(control.herd), REPORT).startswith("AT n0 ")
    wait_for(lambda: control.run("where", "kiwi").count("+34.068930") == 2, "both nodes show it")


def test_a_client_that_closes_its_side_of_tcp_without_the_end_of_tls_is_closed(make_herd: MakeHerd) -> None:
    herd = herd_with_tls(make_herd)
    node = herd["n0"]
    with connect(node, context_for(herd)) as client:
        client.sendall(b"IAMAT cut +1+1 5")
        client.shutdown(socket.SHUT_WR)  # of TCP alone
        wait_for(lambda: node.status()["connections"] == 0, "it is closed")
    assert fresh(node)["counters"]["iamat_stored"] == 0
