"""Tests that the examples of the three client libraries behave alike: a wrong address, no client that is near, a node
that fails. JavaScript is left out where Node is not installed, C++ in short runs, because it must be built."""
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from client_scenes import ports, two_nodes
from herd_fixture import LIGHT, LONG, REPOSITORY, Herd, MakeHerd, line, wait_for
from talk import piped

CLIENTS = REPOSITORY / "clients"
NODE = shutil.which("node") or shutil.which("nodejs")
PATIENCE = 60  # seconds: the limit of any step on a loaded machine
AT_ONCE = 15   # seconds: much less than the deadline of a command (30 s), also on a loaded machine


@dataclasses.dataclass(frozen=True)
class Language:
    """How the examples of one library are started."""

    name: str
    begin: dict[str, list[str]]  # the first words of the command line, by the name of the example

    def urls(self, example: str, addresses: list[str]) -> list[str]:
        """The addresses as the example expects them: JavaScript asks over HTTP."""
        return [f"http://{address}" for address in addresses] \
            if self.name == "javascript" and example != "phone" else addresses

    def phone(self, *addresses: str) -> list[str]:
        walk = ["ibis", *addresses, "--reports", "1"] if self.name == "python" \
            else ["--steps", "1", "ibis", "34,-118", *addresses]
        return [*self.begin["phone"], *walk]

    def dispatcher(self, *addresses: str, where: str = "34,-118", match: str = "*") -> list[str]:
        nodes = self.urls("dispatcher", list(addresses))
        words = [where, *nodes, "--km", "5"] if self.name == "python" else [where, "5", *nodes]
        return [*self.begin["dispatcher"], "--match", match, *words]

    def geofence(self, *addresses: str) -> list[str]:
        where = ["34", "-118"] if self.name == "python" else ["34,-118"]
        return [*self.begin["geofence"], *where, "5", *self.urls("geofence", list(addresses))]


def built(folder: pathlib.Path, example: str) -> str:
    """The program, built as clients/cpp/README.md shows."""
    program = str(folder / example)
    subprocess.run(["g++", "-std=c++17", "-I", CLIENTS / "cpp/include", CLIENTS / f"cpp/examples/{example}.cpp", "-o",
                    program, "-lssl", "-lcrypto"], check=True, timeout=600)
    return program


@pytest.fixture(name="language", scope="module", params=["python", "javascript", "cpp"])
def each_language(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Language:
    name, examples = request.param, ("phone", "dispatcher", "geofence")
    if name == "python":
        return Language(name, {each: [sys.executable, str(CLIENTS / f"python/examples/{each}.py")]
                               for each in examples})
    if name == "javascript":
        if NODE is None:
            pytest.skip("Node is not installed: apt-get install nodejs")
        return Language(name, {each: [NODE, str(CLIENTS / f"javascript/examples/{each}.js")] for each in examples})
    if not LONG:
        pytest.skip("to build these examples takes half a minute: run with --long")
    folder = tmp_path_factory.mktemp("examples")
    return Language(name, {each: [built(folder, each)] for each in examples})


@pytest.fixture(name="herd", scope="module")
def herd_of_two() -> Iterator[Herd]:
    with two_nodes() as herd:
        yield herd


def http_ports(herd: Herd) -> list[str]:
    return [f"127.0.0.1:{node.http_port}" for node in herd]


def nodes_for(language: Language, herd: Herd) -> list[str]:
    """For the examples that ask."""
    return http_ports(herd) if language.name == "javascript" else ports(herd)


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=os.environ | {"PYTHONPATH": str(CLIENTS / "python")})


def outcome(command: list[str]) -> tuple[int, str, str]:
    """The exit status, the output and the errors of one call."""
    with start(command) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output, errors


def test_if_all_nodes_refuse_the_connection_one_line_says_so_at_once(herd: Herd, language: Language) -> None:
    dead = [f"127.0.0.1:{herd.ports.take()}" for _ in range(2)]
    for command in (language.phone(*dead), language.dispatcher(*dead)):
        began = time.monotonic()
        status, output, errors = outcome(command)
        assert status == 1 and output == "" and errors.count("\n") == 1, (command, errors)
        assert "refused" in errors.lower() and any(address in errors for address in dead), errors
        assert time.monotonic() - began < AT_ONCE, command


def test_a_node_that_refuses_is_passed_over_in_silence(herd: Herd, language: Language) -> None:
    dead = f"127.0.0.1:{herd.ports.take()}"
    status, output, errors = outcome(language.dispatcher(dead, *nodes_for(language, herd), match="truck-*"))
    assert (status, errors) == (0, "") and output.startswith("truck-1 "), (output, errors)
    status, output, errors = outcome(language.phone(dead, *ports(herd)))
    assert (status, errors) == (0, "") and output.count("\n") == 1, (output, errors)


def test_if_no_client_is_near_one_line_says_so(herd: Herd, language: Language) -> None:
    nodes = nodes_for(language, herd)
    for where, match in (("10,10", "*"), ("34,-118", "bus-*"), ("kiwi", "bus-*")):
        status, output, errors = outcome(language.dispatcher(*nodes, where=where, match=match))
        assert status == 0 and output == "", (output, errors)
        assert errors.endswith(": no client within 5 km has reported within 300 s\n") and errors.count("\n") == 1
    status, output, errors = outcome(language.dispatcher(*nodes, where="nemo"))
    assert status == 1 and output == "" and errors.count("\n") == 1 and "is not known" in errors, errors


def test_a_text_that_is_no_address_is_one_line_and_status_2(language: Language) -> None:
    for text in ("127.0.0.1:0", "nowhere"):
        status, output, errors = outcome(language.phone(text))
        assert status == 2 and output == "" and errors.count("\n") == 1 and text in errors, (status, errors)


def test_a_geofence_names_a_failed_node_and_tries_again(herd: Herd, language: Language) -> None:
    dead = f"127.0.0.1:{herd.ports.take()}"
    with start(language.geofence(dead, dead)) as fence:
        for _ in range(2):
            shown = piped(fence.stderr).readline()
            assert dead in shown and "refused" in shown.lower() and shown.endswith("; trying again\n"), shown
        fence.send_signal(signal.SIGINT)
        assert fence.wait(PATIENCE) == 0


def test_a_phone_in_python_goes_on_when_nodes_fail_after_its_start(make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings=LIGHT, log_level="info")
    phone = [sys.executable, str(CLIENTS / "python/examples/phone.py"), "ibis", *ports(herd), "--every", "0.1"]
    with start(phone) as process:
        def walk(steps: int) -> None:
            for _ in range(steps):
                assert piped(process.stdout).readline().startswith("ibis is at ")
        walk(2)
        herd["n0"].kill()
        before = herd["n1"].counter("iamat_stored")
        wait_for(lambda: herd["n1"].counter("iamat_stored") > before + 2, "it reports to the next node", PATIENCE)
        herd["n1"].kill()
        herd["n0"].start()
        wait_for(lambda: herd["n0"].counter("iamat_stored") > 2, "it reports to the first node again", PATIENCE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and errors == ""
