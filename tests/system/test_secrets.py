"""Tests that no secret appears where others may read it: in command lines, environments, logs, status, metrics, events,
error texts, journals and core dumps. The secrets are keys of the bus, of TLS and of a web service, and tokens of
clients. All nodes log at the level trace."""
import base64
import hashlib
import os
import pathlib
import re
import resource
import signal
import subprocess
from collections.abc import Iterator

import pytest
from zmq.utils import z85

from certificates import SETTINGS, context_for, say
from google_answers import KEY
from google_herd import Monitored
from google_server import GoogleServer
from herd_control import Control
from herd_fixture import BINARY, Herd, MakeHerd, Node, line, wait_for
from herd_lab.certificate import write_certificate
from herd_lab.private_herd import Settings

CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
TOKEN = "herd_" + "t" * 43
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()
MISTYPED = "herd_" + "m" * 43  # with this, a client sends the token of another herd, for example
REPORT = f"AUTH {MISTYPED}\nAUTH {TOKEN}\nIAMAT kiwi +34.06-118.44 5\nWHATSAT kiwi 1 5\n"


def settings_with_secrets(google: GoogleServer) -> Settings:
    return {"clients": SETTINGS | {"auth": "token"},
            "places": {"providers": ["google"], "timeout": "5s", "key_env": "HERD_TEST_NO_KEY",
                       "key_file": "google.key"} | google.places_settings}


def write_secrets(herd: Herd) -> None:
    write_certificate(herd.directory)
    herd.directory.joinpath("google.key").write_text(KEY + "\n")
    herd.directory.joinpath("google.key").chmod(0o600)
    herd.directory.joinpath("tokens.toml").write_text(
        f'[[token]]\nname = "kiwis"\nsha256 = "{HASH}"\ntell = ["*"]\nsee = ["*"]\nlevel = "all"\n')
    herd.directory.joinpath("tokens.toml").chmod(0o600)


def secrets_of(herd: Herd) -> dict[str, bytes]:
    """{name: the secret}; of binary keys also their 32 bytes."""
    assert herd.keys is not None
    secrets = {"API key": KEY.encode(), "token": TOKEN.encode(), "mistyped token": MISTYPED.encode()}
    for name, [pair] in herd.keys.pairs.items():
        secrets[f"bus key of {name}"] = pair.secret.encode()
        secrets[f"bus key of {name}, binary"] = z85.decode(pair.secret.encode())
    pem = herd.directory.joinpath("node.key").read_text().split("\n")
    secrets["TLS key"] = pem[2].encode()  # the second of its lines; the first is the same for each key of its kind
    found = re.search(b"\x04\x20(.{32})", base64.b64decode("".join(pem[1:-2])), re.S)
    assert found, "a key of P-256"
    secrets["TLS key, binary"] = found[1]
    return secrets


def found_in(content: bytes, secrets: dict[str, bytes]) -> list[str]:
    return [name for name, secret in secrets.items() if secret in content]


@pytest.fixture(name="herd")
def two_nodes_with_secrets(make_herd: MakeHerd, google: GoogleServer) -> Herd:
    herd = make_herd(line(2), start=False, settings=settings_with_secrets(google), log_level="trace", curve=True)
    write_secrets(herd)
    herd.start()
    herd.wait_linked()
    return herd


def use_secrets(herd: Herd) -> None:
    """Each secret is used: a client over TLS with a token asks for places of Google, on an encrypted bus."""
    answer = say(herd["n0"], context_for(herd), REPORT)
    assert answer.startswith("? AUTH\nOK kiwis ") and '"status":"OK"' in answer, answer


def state_files(herd: Herd) -> Iterator[pathlib.Path]:
    """Every file in the directory of the herd but those that are there to hold a secret."""
    for path in herd.directory.rglob("*"):
        if path.is_file() and path.suffix not in (".secret", ".key"):
            yield path


def test_outputs_of_a_node_contain_no_secret(herd: Herd) -> None:
    node, secrets = herd["n0"], secrets_of(herd)
    with Monitored.open(node) as monitored:
        use_secrets(herd)
        pages = "".join(node.get(path)[1] for path in ("/status.json", "/metrics", "/healthz", "/readyz", "/secret"))
        process = pathlib.Path(f"/proc/{node.process.pid}")
        shown = [pages.encode(), monitored.drain().encode(),
                 process.joinpath("cmdline").read_bytes(), process.joinpath("environ").read_bytes()]
    assert len(pages) > 1000 and all(found_in(text, secrets) == [] for text in shown)
    node.stop()
    files = list(state_files(herd))
    assert {"n0.log", "journal"} <= {path.name for path in files}
    for path in files:
        assert found_in(path.read_bytes(), secrets) == [], path


def test_error_texts_contain_no_secret(herd: Herd) -> None:
    """Files of secrets with mistakes: at a reload, and at a start."""
    node, secrets = herd["n0"], secrets_of(herd)
    assert herd.keys is not None
    bus, tls = herd.keys.path / "n0.secret", herd.directory / "node.key"
    damaged = {bus: (b'secret = "', b'secret = "!'), tls: (b"PRIVATE", b"PUBLIC"),
               herd.directory / "google.key": (b"AIza", b"A Iza"),
               herd.directory / "tokens.toml": (HASH.encode(), TOKEN.encode())}  # in place of its hash
    shown = b""
    for path, (old, new) in damaged.items():
        good = path.read_bytes()
        for content in (good.replace(old, new), good[:-20]):
            assert content != good
            path.write_bytes(content)
            before = node.log().count("refused")
            node.signal(signal.SIGHUP)
            if path != herd.directory / "google.key":  # a reload does not read it
                wait_for(lambda: node.log().count("refused") > before, f"{path.name} is refused")
            ran = subprocess.run([BINARY, "--config", herd.config_path, "--check", "n0"], capture_output=True,
                                 check=False, env=os.environ | herd.environment)
            shown += ran.stdout + ran.stderr
        path.write_bytes(good)
    assert shown.count(b"n0.secret") >= 2 and found_in(shown, secrets) == []
    assert found_in(node.log_path.read_bytes(), secrets) == []


def test_processes_of_scripts_herd_have_no_secret_in_command_line_or_environment(google: GoogleServer) -> None:
    herd = Herd.for_test(line(2), settings_with_secrets(google), log_level=None, curve=True)
    write_secrets(herd)
    control, secrets = Control(herd), secrets_of(herd)
    try:
        control.run("up")
        use_secrets(herd)
        pids = [*control.pids().values(), control.supervisor_pid()]
        for pid in pids:
            for name in ("cmdline", "environ"):
                assert found_in(pathlib.Path(f"/proc/{pid}/{name}").read_bytes(), secrets) == []
        control.environment["HERD_TOKEN"] = TOKEN  # `where` is a client, and its environment is the operator's
        shown = "".join(control.run(*words) for words in (
            ["status", "--json"], ["logs"], ["where", "kiwi"], ["keygen", "--json"], ["reload"]))
        assert found_in(shown.encode(), secrets) == []
        assert [str(path) for path in state_files(herd) if found_in(path.read_bytes(), secrets)] == []
    finally:
        control.close()


def crash(node: Node, directory: pathlib.Path) -> bytes:
    """Ends the node with SIGABRT and returns its core dump."""
    node.may_die = True
    node.signal(signal.SIGABRT)
    node.process.wait(20)
    [core] = directory.glob("core*")
    content = core.read_bytes()
    core.unlink()
    return content


@pytest.mark.skipif(bool(os.environ.get("HERD_SANITIZED")), reason="a sanitizer switches core dumps off")
def test_a_core_dump_contains_no_secret(make_herd: MakeHerd, google: GoogleServer, tmp_path: pathlib.Path) -> None:
    pattern = CORE_PATTERN.read_text("ascii").strip()
    if not pattern.startswith("core") or resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip(f"the kernel writes no core dump to the current directory: core_pattern is {pattern}")
    herd = make_herd(line(2), start=False, settings=settings_with_secrets(google), curve=True)
    write_secrets(herd)
    node, secrets = herd["n0"], secrets_of(herd)
    node.wrapper = ["sh", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"', str(tmp_path)]
    herd.start()
    use_secrets(herd)
    core = crash(node, tmp_path)
    assert core.startswith(b"\x7fELF") and len(core) < 1 << 20 and found_in(core, secrets) == []
    # A complete core dump has them, so this test would find them.
    node.start()
    use_secrets(herd)
    pathlib.Path(f"/proc/{node.process.pid}/coredump_filter").write_text("0x33", "ascii")
    assert "bus key of n0, binary" in found_in(crash(node, tmp_path), secrets)
