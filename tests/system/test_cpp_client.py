"""Tests clients/cpp: a project outside of herd (cpp_client) finds and builds the installed library and its examples,
which then talk to real nodes, and to servers that answer as no node should."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from certificates import SETTINGS
from client_scenes import MembersOf, Take, continue_at_another_node, ports, read_to, report_three, two_nodes
from herd_fixture import LIGHT, LONG, REPOSITORY, Herd, MakeHerd, Ports, line
from herd_lab.certificate import write_certificate
from scripted_lines import Answer, ScriptedLines
from talk import now, piped
from tcp_relay import TcpRelay
from test_tokens import entry, write

CLANG = shutil.which("clang++")
CLIENT = REPOSITORY / "clients/cpp"
PROJECT = REPOSITORY / "tests/system/cpp_client"
PATIENCE = 60  # seconds: the limit of any step on a loaded machine
BUILD_PATIENCE = 600
TOKEN, WATCHER = "herd_" + "c" * 43, "herd_" + "e" * 43
INFO = b"INFO herd=x node=n0 version=1 protocol=1 auth=none tls=off time=1 max_line=1024 " \
       b"commands=IAMAT,WHEREIS,NEAR,WITHIN,COUNT,WATCH\n"


@pytest.fixture(name="programs", scope="module")
def built_programs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of the programs, built against an installed library."""
    folder = tmp_path_factory.mktemp("cpp_client")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    for command in (
            ["cmake", "-S", CLIENT, "-B", folder / "library", *generator],
            ["cmake", "--install", folder / "library", "--prefix", folder / "prefix"],
            ["cmake", "-S", PROJECT, "-B", folder / "build", *generator, f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}",
             f"-DEXAMPLES={CLIENT / 'examples'}", f"-DALL_PROGRAMS={'ON' if LONG else 'OFF'}"],
            ["cmake", "--build", folder / "build", "--parallel", "2"]):
        done = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=False,
                              timeout=BUILD_PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build"


@pytest.fixture(name="herd", scope="module")
def herd_of_two() -> Iterator[Herd]:
    with two_nodes() as herd:
        yield herd


def run(program: pathlib.Path, *words: str, status: int = 0, token: str = "") -> tuple[str, str]:
    """Runs a program that must end with this status: (output, errors)."""
    done = subprocess.run([program, *words], text=True, capture_output=True, check=False, timeout=PATIENCE,
                          env=os.environ | ({"HERD_TOKEN": token} if token else {}))
    assert done.returncode == status, done
    return done.stdout, done.stderr


@contextlib.contextmanager
def watching(programs: pathlib.Path, what: str, *words: str, token: str = "") -> Iterator[Take]:
    """A watch in a process of its own. The function gives the words of its next event: name, client, is_resumed, and
    the members."""
    with subprocess.Popen([programs / "driver", "watch", what, *words], text=True, stdout=subprocess.PIPE,
                          env=os.environ | ({"HERD_TOKEN": token} if token else {})) as process:
        try:
            yield lambda: piped(process.stdout).readline().split()
        finally:
            process.kill()


@pytest.mark.skipif(not LONG, reason="to build this program takes 3 s of a core: run with --long")
def test_a_project_without_tls_needs_no_openssl(programs: pathlib.Path) -> None:
    assert run(programs / "plain") == ("", "")
    linked = subprocess.run(["ldd", programs / "plain"], text=True, capture_output=True, check=True).stdout
    assert "libssl" not in linked


SOURCES = [*sorted((CLIENT / "examples").glob("*.cpp")), *sorted(PROJECT.glob("*.cpp"))]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


@pytest.mark.skipif(CLANG is None, reason="Clang is not installed: apt-get install clang")
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_clang_has_no_warning_for_the_library_and_its_examples(source: pathlib.Path) -> None:
    for standard in ("c++17", "c++20") if LONG else ("c++17",):
        done = subprocess.run([CLANG or "", f"-std={standard}", *WARNINGS, "-I", CLIENT / "include", "-I",
                               CLIENT / "examples", "-fsyntax-only", source], text=True, capture_output=True,
                              check=False, timeout=BUILD_PATIENCE)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_it_asks_and_reports_as_the_line_protocol_does(programs: pathlib.Path, herd: Herd) -> None:
    answers = run(programs / "driver", "ask", "-", *ports(herd))[0].splitlines()
    assert "AT " + answers[0] == herd["n0"].knows("kiwi")
    assert answers[1:4] == ["0", "kiwi 1 truck-1 1.112 0", "2 1 3 1"]
    assert answers[4].startswith("error refused the client in the centre is not known")
    assert answers[5].startswith("error refused ")
    assert answers[6] == "-118.01"  # the connection still works after a refusal
    count, late, first, second = run(programs / "driver", "report", "-", *ports(herd))[0].splitlines()
    assert count == "199" and "the report of late is refused: " in late and "time" in late.partition("refused: ")[2]
    assert first.split()[3:] == ["twice", "-1.5000000+180.0000000", "5.000000000"] and second == "IGNORE"


def test_wrong_arguments_are_found_before_anything_is_sent(programs: pathlib.Path) -> None:
    errors = run(programs / "driver", "wrong", "-", "127.0.0.1:9")[0].splitlines()
    assert len(errors) == 18 and all(error.startswith("error argument ") for error in errors), errors


def test_a_watch_is_resumed_without_a_gap_or_a_repeat(programs: pathlib.Path, herd: Herd) -> None:
    node = herd["n0"]
    node.say(f"IAMAT a-1 +10+10 {now()}\nIAMAT a-2 +10+10 {now()}\nIAMAT a-3 +50+50 {now()}\n")
    with TcpRelay(herd.ports.take(), node.clients_port) as relay, \
            watching(programs, "box", f"127.0.0.1:{relay.port}") as take:
        assert read_to(take, "ready")[-1][3:] == ["a-1", "a-2"]
        node.say(f"IAMAT a-2 +10+10 {now()}\n")
        assert take() == ["move", "a-2", "0", "a-1", "a-2"]
        relay.cut()
        assert take()[0] == "lost"
        node.say(f"IAMAT a-1 +50+50 {now()}\nIAMAT a-3 +10+10 {now()}\n")
        relay.mend()
        after = [event for event in read_to(take, "ready") if event[0] != "lost"]
        assert after[0][:3] == ["watching", "-", "1"]
        assert sorted(event[:2] for event in after[1:-1]) == [["here", "a-3"], ["leave", "a-1"]]
        assert after[-1][3:] == ["a-2", "a-3"]


def test_it_continues_at_another_node_when_one_freezes_or_is_killed(programs: pathlib.Path,
                                                                    make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings=LIGHT, log_level="info")
    report_three(herd)

    def ask_second() -> None:
        assert run(programs / "driver", "where", "-", *ports(herd))[0] == f"1 {ports(herd)[1]}\n"
    with watching(programs, "kiwi", *ports(herd)) as take:
        events = continue_at_another_node(herd, MembersOf(take, lambda event: event[3:]), ask_second)
    assert "lost" in [event[0] for event in events]
    walk = ["--steps", "3", "--pause", "0", "phone-1", "34,-118", ports(herd)[1], ports(herd)[0]]
    assert run(programs / "phone", *walk)[0].count("AT n0 ") == 3
    assert "+34.0000180-118.0000000" in (herd["n0"].knows("phone-1") or "")


@pytest.mark.skipif(not LONG, reason="to build this example takes 5 s of a core: run with --long")
def test_the_geofence_prints_the_clients_that_leave(programs: pathlib.Path, herd: Herd) -> None:
    herd["n0"].say(f"IAMAT b-1 +20+20 {now()}\nIAMAT b-2 +20+20 {now()}\n")
    with subprocess.Popen([programs / "geofence", "20,20", "5", *ports(herd)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as fence:
        assert piped(fence.stdout).readline() == "INSIDE b-1 b-2\n"
        herd["n0"].say(f"IAMAT b-2 +1+1 {now()}\n")
        assert piped(fence.stdout).readline() == "LEAVE b-2\n"
        fence.send_signal(signal.SIGINT)
        assert fence.wait(PATIENCE) == 0


def test_the_examples_have_help_and_clear_errors(programs: pathlib.Path, herd: Herd) -> None:
    dead = herd.ports.take()
    for name, wrong, refused in (
            ("dispatcher", ["kiwi", "x", *ports(herd)], ["nemo", "5", *ports(herd)]),
            ("geofence", ["kiwi", "5"], ["nemo", "5", *ports(herd)]),
            ("phone", ["kiwi", "5", *ports(herd)], ["kiwi", "34,-118", f"127.0.0.1:{dead}"])):
        if name != "phone" and not LONG:
            continue  # not built
        assert run(programs / name, "--help")[0].startswith(f"usage: {name} ")
        for words, status in ((wrong, 2), (["--colour", "x"], 2), (refused, 1)):
            output, error = run(programs / name, *words, status=status)
            assert output == "" and error.startswith(f"{programs / name}: ") and error.count("\n") == 1, error
        if name == "dispatcher":
            assert run(programs / name, "--max", "1", "34,-118", "5", *ports(herd))[0].startswith("kiwi 0 km")
            assert run(programs / name, "--max", "1", "--", "34,-118", "5", *ports(herd))[0].startswith("kiwi 0 km")


def test_tokens_and_tls(programs: pathlib.Path, make_herd: MakeHerd) -> None:
    herd = make_herd(line(1), start=False, settings=LIGHT | {"clients": SETTINGS | {"auth": "token"}})
    write_certificate(herd.directory)
    write(herd, entry("all", TOKEN) + entry("watcher", WATCHER).replace('level = "all"', 'level = "events"'))
    herd.start()
    trust = ["--ca", str(herd.directory / "node.pem")]
    phone = [*trust, "--steps", "1", "kiwi", "34,-118", *ports(herd)]
    assert run(programs / "phone", *phone, token=TOKEN)[0].startswith("AT n0 ")
    assert "refuses the token" in run(programs / "phone", *phone, status=1, token="herd_wrong")[1]
    where = ["where", "-", *ports(herd)]
    assert run(programs / "driver", *trust, *where, token=TOKEN)[0].startswith("1 ")
    assert "refused the node needs a token" in run(programs / "driver", *trust, *where)[0]
    assert "refused the node does not permit" in run(programs / "driver", *trust, *where, token=WATCHER)[0]
    write_certificate(herd.directory, name="other")
    other = ["--ca", str(herd.directory / "other.pem")]
    assert "the certificate: " in run(programs / "driver", *other, *where, token=TOKEN)[0]
    assert "speaks TLS" in run(programs / "driver", *where)[0]
    with watching(programs, "34,-118", *trust, *ports(herd), token=WATCHER) as take:
        assert read_to(take, "ready")[1:] == [["enter", "kiwi", "0", "kiwi"], ["ready", "-", "0", "kiwi"]]


def node(line_: str, last: bytes | None) -> bytes | None:
    """Answers INFO and WHY as a node does, and the other commands by `last`."""
    return INFO if line_ == "INFO" else b"WHY a reason\n" if line_ == "WHY" else last


@pytest.mark.parametrize(("command", "answer", "error"), [
    ("where", lambda line_: b"", "unavailable"),                               # never answers
    ("where", lambda line_: None, "unavailable"),                              # closes at once
    ("where", lambda line_: b"HTTP/1.1 400 Bad Request\n", "protocol"),
    ("where", lambda line_: b"x" * 9000, "protocol"),                          # a line without an end
    ("where", lambda line_: b"? INFO\n", "refused"),                           # commands = "seed"
    ("where", lambda line_: node(line_, b"nonsense\n"), "protocol"),
    ("where", lambda line_: node(line_, b"AT n0 +1 kiwi +x-2 5\n"), "protocol"),
    ("near", lambda line_: node(line_, b"AT n0 +1 kiwi +1-2 5\n" * 1003), "protocol"),
    ("near", lambda line_: node(line_, b"IS\n"), "protocol"),
    ("near", lambda line_: node(line_, b"? NEAR\n"), "refused"),
    ("watch", lambda line_: node(line_, b"WATCHING w 1234567890abcdef new\n! w 0 END too many\n"), "ended"),
    ("watch", lambda line_: node(line_, b"WATCHING w 1234567890abcdef new\n! w 0 STRANGE x\n"), "protocol"),
    ("watch", lambda line_: node(line_, b"WATCHING w 1234567890abcdef new\nAT\n"), "protocol"),
    ("watch", lambda line_: node(line_, b"? WATCH w ALL\n"), "refused"),
    ("watch", lambda line_: node(line_, b"what\n"), "protocol"),
])
def test_a_server_that_is_no_node_gives_an_error(programs: pathlib.Path, ports: Ports, command: str, answer: Answer,
                                                 error: str) -> None:
    with ScriptedLines(ports.take(), answer) as server:
        output = run(programs / "driver", command, "all", f"127.0.0.1:{server.port}")[0].splitlines()
    assert output[-1].startswith(f"error {error} "), output


def test_a_server_that_sends_line_after_line_slowly_does_not_hold_a_query(programs: pathlib.Path, ports: Ports) -> None:
    def drip(line_: str) -> bytes | None:
        asked = server.sockets[-1]  # the next connection comes while this one still gets lines
        asked.settimeout(PATIENCE)
        if line_.startswith("NEAR"):
            with contextlib.suppress(OSError):
                for _ in range(100):
                    asked.sendall(b"AT n0 +1 kiwi +1-2 5\n")
                    time.sleep(0.1)
        return node(line_, b"")
    with ScriptedLines(ports.take(), drip) as server:
        began = time.monotonic()
        output = run(programs / "driver", "near", "-", f"127.0.0.1:{server.port}")[0]
        assert "error unavailable" in output and "no reply within 500 ms" in output
        assert time.monotonic() - began < 9  # three tries; one answer would take 10 s


def test_a_node_that_ends_each_watch_is_not_asked_without_a_pause(programs: pathlib.Path, ports: Ports) -> None:
    began = b"WATCHING w 1234567890abcdef new\n! w 5 READY 0\n! w 5 END stopping\n"
    with ScriptedLines(ports.take(), lambda line_: node(line_, began)) as server:
        with watching(programs, "all", f"127.0.0.1:{server.port}") as take:
            for _ in range(4):
                assert [event[0] for event in read_to(take, "end")] == ["watching", "ready", "end"]
            # The pauses before the second, third and fourth are at least 50, 100 and 200 ms.
            assert server.connections <= 5
