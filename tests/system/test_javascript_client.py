"""Tests clients/javascript with Node: its own tests, and its library and examples against real nodes: answers, watches
that are resumed, a killed node, a frozen node, tokens and TLS. Left out where Node is not installed."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from certificates import SETTINGS
from client_scenes import MembersOf, Take, continue_at_another_node, ports, read_to, report_three, two_nodes
from herd_fixture import LIGHT, REPOSITORY, Herd, MakeHerd, line, wait_for
from herd_lab.certificate import write_certificate
from talk import now, piped
from tcp_relay import TcpRelay
from test_tokens import entry, write

NODE = shutil.which("node") or shutil.which("nodejs")
CLIENT = REPOSITORY / "clients/javascript"
PATIENCE = 60  # seconds: the limit of any step on a loaded machine
TIMEOUT_MS = 2000  # for an answer: a frozen node is noticed after it, and a loaded machine must be faster
TOKEN, WATCHER = "herd_" + "j" * 43, "herd_" + "w" * 43

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed: apt-get install nodejs")

# Answers several questions, as one document.
ASK = """
const { Herd } = await import(process.argv[1]);
const herd = new Herd(process.argv.slice(2), { token: process.env.HERD_TOKEN, timeout: +process.env.TIMEOUT_MS });
const [kiwi, nemo, near, box, count] = [
  await herd.where("kiwi"), await herd.where("nemo"), await herd.near({ client: "kiwi", km: 5, match: "truck-*" }),
  await herd.within({ sw: "33,-119", ne: "35,-117", max: 1 }),
  await herd.count({ at: { latitude: 34, longitude: -118 }, km: 5 })];
const rest = await herd.within({ sw: "33,-119", ne: "35,-117", after: box.next });
console.log(JSON.stringify({ kiwi, nemo, near, box, rest, count, node: herd.node }));
"""

# Prints each event of a watch, and the members after it.
WATCH = """
const { Herd, Members } = await import(process.argv[1]);
const herd = new Herd(process.argv.slice(3), { token: process.env.HERD_TOKEN, timeout: +process.env.TIMEOUT_MS });
const members = new Members();
for await (const event of herd.watch(JSON.parse(process.argv[2]))) {
  members.apply(event);
  const about = event.data.client ?? event.data.resumed ?? event.data.error?.kind ?? null;
  console.log(JSON.stringify([event.event, about, [...members.clients.keys()].sort()]));
}
"""


@pytest.fixture(name="herd", scope="module")
def herd_of_two() -> Iterator[Herd]:
    with two_nodes() as herd:
        yield herd


@pytest.fixture(name="own_tests", scope="module", autouse=True)
def start_own_tests() -> Iterator[subprocess.Popen[str]]:
    """The library's own tests, which mostly wait: they run beside the other tests of this file."""
    with subprocess.Popen([NODE or "", "--test", str(CLIENT / "test")], text=True, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def urls(herd: Herd) -> list[str]:
    return [f"http://127.0.0.1:{node.http_port}" for node in herd]


def environment(token: str, trusts: str) -> dict[str, str]:
    given = {"HERD_TOKEN": token, "NODE_EXTRA_CA_CERTS": trusts, "TIMEOUT_MS": str(TIMEOUT_MS)}
    return os.environ | {name: value for name, value in given.items() if value}


def run(*words: object, status: int = 0, token: str = "", trusts: str = "") -> tuple[str, str]:
    """Runs a script that must end with this status: (output, errors). `trusts` is a file of certificates."""
    done = subprocess.run([NODE or "", *map(str, words)], text=True, capture_output=True, check=False, timeout=PATIENCE,
                          env=environment(token, trusts))
    assert done.returncode == status, done
    return done.stdout, done.stderr


def run_all(*commands: tuple[list[object], int]) -> list[tuple[str, str]]:
    """Runs scripts at the same time, each of which must end with its status: [(output, errors)]."""
    with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda command: run(*command[0], status=command[1]), commands))


def script(code: str, *words: str) -> list[str]:
    return ["--input-type=module", "--eval", code, (CLIENT / "herd.js").as_uri(), *words]


@contextlib.contextmanager
def watching(query: dict[str, Any], *nodes: str, token: str = "", trusts: str = "") -> Iterator[Take]:
    """A watch in a process of its own. The function gives its next event."""
    with subprocess.Popen([NODE or "", *script(WATCH, json.dumps(query), *nodes)], text=True, stdout=subprocess.PIPE,
                          env=environment(token, trusts)) as process:
        try:
            yield lambda: json.loads(piped(process.stdout).readline())
        finally:
            process.kill()


def test_it_asks_what_the_line_protocol_answers(herd: Herd) -> None:
    answers = json.loads(run(*script(ASK, *urls(herd)))[0])
    at_line = herd["n0"].knows("kiwi") or ""
    kiwi = answers["kiwi"]
    assert at_line.split()[1:] == ["n0", f"{kiwi['difference']:+.9f}", "kiwi", kiwi["coordinates"], kiwi["time"]]
    assert answers["nemo"] is None
    assert [client["client"] for client in answers["near"]["clients"]] == ["truck-1"]
    both = answers["box"]["clients"] + answers["rest"]["clients"]
    assert sorted(client["client"] for client in both) == ["emu", "kiwi", "truck-1"] and answers["rest"]["next"] is None
    assert answers["count"] == 3


def test_a_watch_is_resumed_without_a_gap_or_a_repeat(herd: Herd) -> None:
    node = herd["n0"]
    node.say(f"IAMAT a-1 +10+10 {now()}\nIAMAT a-2 +10+10 {now()}\nIAMAT a-3 +50+50 {now()}\n")
    with TcpRelay(herd.ports.take(), node.http_port) as relay, \
            watching({"at": "10,10", "km": 1, "match": "a-*"}, f"http://127.0.0.1:{relay.port}") as take:
        assert read_to(take, "ready")[-1][2] == ["a-1", "a-2"]
        node.say(f"IAMAT a-2 +10+10 {now()}\n")
        assert take() == ["move", "a-2", ["a-1", "a-2"]]
        relay.cut()
        assert take()[0] == "lost"
        node.say(f"IAMAT a-1 +50+50 {now()}\nIAMAT a-3 +10+10 {now()}\n")
        relay.mend()
        after = [event for event in read_to(take, "ready") if event[0] != "lost"]
        assert after[0][:2] == ["watching", True]
        assert sorted(event[:2] for event in after[1:-1]) == [["here", "a-3"], ["leave", "a-1"]]
        assert after[-1][2] == ["a-2", "a-3"]


def test_examples_continue_at_another_node_when_one_freezes_or_is_killed(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings=LIGHT, log_level="info")
    report_three(herd)

    def ask_second() -> None:
        assert json.loads(run(*script(ASK, *urls(herd)))[0])["node"] == urls(herd)[1]
    with watching({"near": "kiwi", "km": 5, "beat": 5}, *urls(herd)) as take:
        events = continue_at_another_node(herd, MembersOf(take, lambda event: event[2]), ask_second)
    assert ["lost", "timeout"] in [event[:2] for event in events]
    walk = ["--steps", "3", "--pause", "0", "phone-1", "34,-118", ports(herd)[1], ports(herd)[0]]
    assert run(CLIENT / "examples/phone.js", *walk)[0].count("AT n0 ") == 3
    wait_for(lambda: "+34.0000180-118.0000000" in (herd["n0"].knows("phone-1") or ""), "the last step is stored")


def test_the_examples_have_help_and_clear_errors(herd: Herd) -> None:
    dead = herd.ports.take()
    for name, wrong, refused in (
            ("dispatcher", ["kiwi", "5", "--colour", *urls(herd)], ["nemo", "5", *urls(herd)]),
            ("geofence", ["kiwi", "x", *urls(herd)], ["nemo", "5", *urls(herd)]),
            ("phone", ["kiwi", "5", *ports(herd)], ["kiwi", "34,-118", f"127.0.0.1:{dead}"])):
        example = CLIENT / f"examples/{name}.js"
        (usage, _), *failures = run_all(([example, "--help"], 0), ([example, *wrong], 2), ([example, *refused], 1))
        assert usage.startswith(f"usage: {name}.js ")
        for output, error in failures:
            assert output == "" and error.startswith(f"{name}.js: ") and error.count("\n") == 1, error
    assert run(CLIENT / "examples/dispatcher.js", "--max", "1", "34,-118", "5", *urls(herd))[0].startswith("kiwi 0 km")


def test_tokens_and_tls(make_herd: MakeHerd) -> None:
    clients = SETTINGS | {"auth": "token"}
    herd = make_herd(line(1), start=False, settings=LIGHT | {"clients": clients, "http": {"tls": "on"}})
    write_certificate(herd.directory)
    write(herd, entry("all", TOKEN) + entry("watcher", WATCHER).replace('level = "all"', 'level = "events"'))
    herd["n0"].start(wait=False)
    herd["n0"].wait_log("event=started ")
    certificate = str(herd.directory / "node.pem")
    secure = urls(herd)[0].replace("http:", "https:")
    phone: list[str | pathlib.Path] = [CLIENT / "examples/phone.js", "--steps", "1", "kiwi", "34,-118"]
    assert run(*phone[:3], "--ca", certificate, *phone[3:], *ports(herd), token=TOKEN)[0].startswith("AT n0 ")
    assert "refuses the token" in run(*phone[:3], "--ca", certificate, *phone[3:], *ports(herd), status=1,
                                      token="herd_wrong")[1]
    assert "certificate" in run(*phone[:3], "--ca", os.devnull, *phone[3:], *ports(herd), status=1)[1]
    near = [CLIENT / "examples/dispatcher.js", "34,-118", "5", secure]
    assert run(*near, token=TOKEN, trusts=certificate)[0].startswith("kiwi 0 km")
    assert "401" in run(*near, status=1, trusts=certificate)[1]
    assert "403" in run(*near, status=1, token=WATCHER, trusts=certificate)[1]
    assert "certificate" in run(*near, status=1, token=TOKEN)[1]
    with watching({"at": "34,-118", "km": 5}, secure, token=WATCHER, trusts=certificate) as take:
        assert read_to(take, "ready")[1:] == [["enter", "kiwi", ["kiwi"]], ["ready", None, ["kiwi"]]]


def test_a_page_of_another_site_may_not_read_answers(herd: Herd) -> None:
    """clients/javascript/README.md, "In a browser"."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", herd["n0"].http_port)) as connection:
        for method, status in (("GET", 200), ("OPTIONS", 405)):
            connection.request(method, "/v1/where/kiwi", headers={
                "Origin": "https://other.example", "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization"})
            response = connection.getresponse()
            response.read()
            assert response.status == status
            assert not [name for name in response.headers if name.lower().startswith("access-control-")]
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_its_own_tests_pass(own_tests: subprocess.Popen[str]) -> None:
    output, _ = own_tests.communicate(timeout=PATIENCE)
    assert own_tests.returncode == 0 and "\n# fail 0\n" in output.replace("ℹ", "#"), output
