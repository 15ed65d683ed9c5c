"""Tests that every error text that a user can provoke is as error_texts.txt has it.

A reader can judge all texts at once in that file. HERD_GOLDEN=write writes it from what the node prints:

    HERD_GOLDEN=write ./scripts/test -R "error texts"
"""
import json
import os
import pathlib
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping

from herd_fixture import BINARY, Herd, MakeHerd, Node, alone
from herd_lab.keys import HerdKeys, new_key_pair

GOLDEN = pathlib.Path(__file__).with_name("error_texts.txt")
NODE = '[[node]]\nname = "Hill"\nclients = "127.0.0.1:12000"\nbus = "tcp://127.0.0.1:13000"\n'
SMITH = '[[node]]\nname = "Smith"\nclients = "127.0.0.1:12001"\nbus = "tcp://127.0.0.1:13001"\n'
PLAIN = "[bus]\ncurve = false\n"  # a node that starts with it needs no keys

Case = tuple[str, str]  # (what is done, the error text)
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT")  # of a node that began to start

COMMAND_LINES = [
    "", "Nowhere", "Hill Smith", "--config", "--config none.toml Hill", "--config . Hill", "--log-level loud Hill",
    "--colour Hill",
]

CONFIGURATIONS = [
    "", "[bus\n" + NODE, "[networks]\n" + NODE, "[client]\n" + NODE, "colour = 1\n" + NODE, "herd = 5\n" + NODE,
    "node = [1]\n", "[node]\nname = \"Hill\"\n", "[[node]]\n", NODE + NODE,
    NODE + 'htp = "127.0.0.1:1"\n', NODE + 'peers = ["Hill"]\n', NODE + 'peers = ["Smith"]\n', NODE + "peers = [5]\n",
    NODE + 'peers = ["Smith", "Smith"]\n' + SMITH, NODE + 'name = "a b"\n',
    NODE.replace("Hill", "a b"), NODE.replace("127.0.0.1:12000", "here"), NODE.replace("12000", "70000"),
    NODE.replace("tcp://", ""), PLAIN + NODE.replace("tcp://127.0.0.1", "tcp://192.0.2.1"),
    PLAIN + NODE + 'bus_public = "tcp://192.0.2.1:13000"\n', NODE.replace("tcp://127.0.0.1", "tcp://0.0.0.0"),
    NODE + 'bus_public = "tcp://0.0.0.0:1"\n', NODE + 'monitor = "tcp://a.example:1"\n', "[bus]\ncurve = 1\n" + NODE,
    NODE + 'http = "127.0.0.1:12000"\n', NODE + 'http = "0.0.0.0:9000"\n',
    NODE + "http = 2020-02-02\n", NODE + SMITH.replace("12001", "12000"),
    '[herd]\nname = "a b"\n' + NODE, "[herd]\nname = true\n" + NODE,
    "[clients]\nmax_line_bytes = 1\n" + NODE, "[clients]\nmax_connections = 5.5\n" + NODE,
    '[clients]\nmax_connections = "5"\n' + NODE, "[clients]\nmax_clients = 0\n" + NODE,
    "[clients]\nidle_timeout = 7\n" + NODE, '[clients]\nidle_timeout = "99ms"\n' + NODE,
    '[clients]\nmax_future = "25h"\n' + NODE, '[clients]\ninvalid_arguments = "repl"\n' + NODE,
    '[clients]\ntls = "on"\n' + NODE, '[clients]\ntls = "yes"\n' + NODE,
    '[clients]\ntls = "on"\ntls_cert = "none"\ntls_key = "none"\n' + NODE,
    '[clients]\ntls_min_version = "1.1"\n' + NODE, '[clients]\nfirst_line_timeout = "0s"\n' + NODE,
    "[clients]\nmax_connections_per_address = -1\n" + NODE, NODE.replace("127.0.0.1:12000", "0.0.0.0:12000"),
    "[clients]\nmax_line_bytes = 1023\n" + NODE, '[clients]\ncommands = "none"\n' + NODE,
    '[clients]\nauth = "tokens"\n' + NODE, '[clients]\nauth = "token"\ncommands = "seed"\n' + NODE,
    '[clients]\nauth = "token"\n' + NODE,
    "[bus]\nmax_batch = 0\n" + NODE, "[bus]\nmax_in_flight = 9\n" + NODE,
    '[updates]\nack = "disk"\n' + NODE, "[updates]\nreplicas = 3\n" + NODE, "[updates]\nreplicas = -1\n" + NODE,
    '[places]\nproviders = "embedded"\n' + NODE, '[places]\nproviders = ["embeded"]\n' + NODE,
    '[places]\nproviders = ["embedded", "embedded"]\n' + NODE, "[places]\nproviders = []\n" + NODE,
    '[places]\ngoogle_url = "http://places.example/"\n' + NODE, '[places]\ngoogle_legacy_url = "x"\n' + NODE,
    '[places]\nkey_env = "AIza-Secret"\n' + NODE, '[places]\nkey_file = "none"\n' + NODE,
    '[places]\ntimeout = "5"\n' + NODE, '[places]\ntimeout = "9ms"\n' + NODE,
    "[http]\nallow_remote_http = 1\n" + NODE, "[monitor]\nallow_remote = 1\n" + NODE,
    NODE + 'monitor = "tcp://0.0.0.0:13500"\n', '[http]\nready_timeout = "61s"\n' + NODE,
    '[log]\nlevel = "warn"\n' + NODE, '[log]\nformat = "xml"\n' + NODE,
    '[http]\ntls = "yes"\n' + NODE, '[http]\ntls = "on"\n' + NODE,
    '[http]\ntls = "on"\ntls_cert = "none"\ntls_key = "none"\n' + NODE,
]

REQUESTS = [
    "\x16\x03\x01", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / FTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    "BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "B" * 40 + " / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /" + "x" * 10000 + " HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: /\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX: \x01\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * 9000 + "\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 200 + "\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
]

ADMIN_LINES = ["", "stop", "reset-client", "reset-client a b", "reset-client unknown-client"]


def shown(text: str) -> str:
    """A case in one short line."""
    text = json.dumps(text)[1:-1]
    return text if len(text) <= 90 else f"{text[:60]}… ({len(text)} characters)"


def plain(text: str, place: pathlib.Path) -> str:
    """The text without paths and process numbers, which differ from run to run."""
    text = text.replace(str(place), "DIR").replace(str(BINARY), "herd-node")
    text = re.sub(r"process \d+", "process PID", text)
    return text.strip() or "(nothing)"


def run(place: pathlib.Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    places = {"HERD_CONFIG": "herd.toml", "HERD_STATE_DIR": str(place / "state")}
    done = subprocess.run([BINARY, *words], cwd=place, capture_output=True, text=True, timeout=30,
                          env=os.environ | places | (env or {}))
    text = "\n".join(line for line in (done.stderr or done.stdout).splitlines() if not LOG_LINE.match(line))
    return f"status {done.returncode}: {plain(text, place)}"


def of_command_lines(place: pathlib.Path) -> Iterator[Case]:
    (place / "herd.toml").write_text(PLAIN + NODE + SMITH)
    for words in COMMAND_LINES:
        yield f"herd-node {words}".strip(), run(place, *words.split())


def of_configurations(place: pathlib.Path) -> Iterator[Case]:
    for text in CONFIGURATIONS:
        (place / "tried.toml").write_text(text)
        case = shown(text.replace(NODE, "NODE ").replace(SMITH, "SMITH "))
        yield case, run(place, "--config", "tried.toml", "--check")


def of_keys(place: pathlib.Path) -> Iterator[Case]:
    """Key files with mistakes. docs/SECURITY.md describes the files."""
    (place / "keyed.toml").write_text('[bus]\nkeys_dir = "keys"\n' + NODE + 'peers = ["Smith"]\n' + SMITH)

    def check() -> str:
        text = run(place, "--config", "keyed.toml", "--check", "Hill")
        for pair, name in pairs.items():
            text = text.replace(pair.public, f"PUBLIC-{name}")
            assert pair.secret not in text
        return text

    pairs = {new_key_pair(pathlib.Path(BINARY)): name for name in ("Hill", "Smith")}
    hill, smith = pairs
    yield "no keys", check()
    keys = HerdKeys(place / "keys", BINARY)
    keys.pairs = {"Hill": [hill]}
    keys.public.nodes = {"Hill": [hill.public], "Smith": [smith.public]}
    keys.write()
    yield "good keys", check()
    secret, public = place / "keys/Hill.secret", place / "keys/public.toml"
    for mode in (0o640, 0o604):
        secret.chmod(mode)
        yield f"the secret has mode {mode:04o}", check()
    secret.chmod(0o600)
    secret.parent.chmod(0o755)
    yield "the folder has mode 0755", check()
    secret.parent.chmod(0o700)
    good = secret.read_text()
    for case, text in (("an empty secret", ""), ("half a secret", good[:good.index("secret =") + 20]),
                       ("a secret without its second line", good[:good.index("secret =")]),
                       ("a secret of another node", good.replace(hill.public, smith.public)),
                       ("a short secret", good[:-3] + '"\n'), ("three secrets", 3 * good)):
        secret.write_text(text)
        yield case, check()
    secret.write_text(good)
    for case, text in (("no public key of a peer", f'[[node]]\nname = "Hill"\nkeys = ["{hill.public}"]\n'),
                       ("one key of two nodes", public.read_text().replace(smith.public, hill.public)),
                       ("a short public key", public.read_text().replace(smith.public, "short")),
                       ("a revoked key of its own", public.read_text().replace("[]", f'["{hill.public}"]')),
                       ("another key of its own", public.read_text().replace(hill.public, "0" * 40)),
                       ("half of public.toml", public.read_text()[:-10])):
        public.write_text(text)
        yield case, check()
        keys.write()
    public.unlink()
    yield "no public.toml", check()


def of_starts(place: pathlib.Path, herd: Herd) -> Iterator[Case]:
    """Errors of a node that cannot start while another one runs."""
    node = next(iter(herd))
    taken = place / "taken.toml"
    taken.write_text(PLAIN + NODE.replace("13000", str(herd.ports.take())).replace("12000", str(node.clients_port)))
    answer = run(place, "--config", "taken.toml", "Hill")
    yield "the client port is in use", answer.replace(str(node.clients_port), "PORT")
    (place / "file").write_text("")
    yield "the state directory is a file", run(place, "Hill", env={"HERD_STATE_DIR": str(place / "file")})
    yield "the state directory cannot be made", run(place, "Hill", env={"HERD_STATE_DIR": "/proc/herd"})
    in_use = {"HERD_STATE_DIR": str(herd.state_dir)}
    config = place / "same.toml"
    config.write_text(PLAIN + NODE.replace("Hill", node.name))
    yield "the state directory is in use", run(place, "--config", "same.toml", node.name, env=in_use).replace(
        str(herd.directory), "DIR")


def of_requests(node: Node) -> Iterator[Case]:
    for request in REQUESTS:
        with socket.create_connection(("127.0.0.1", node.http_port), timeout=10) as connection:
            connection.sendall(request.encode("latin-1"))
            connection.shutdown(socket.SHUT_WR)
            reply = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")
        head, _, body = reply.partition("\r\n\r\n")
        status = head.partition("\r\n")[0].removeprefix("HTTP/1.1 ")
        yield shown(request), f"{status}: {body.strip() or '(nothing)'}" if status else "(closed)"


def of_admin_lines(node: Node) -> Iterator[Case]:
    for line in ADMIN_LINES:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(node.state_dir / "control"))
            connection.sendall(line.encode() + b"\n")
            yield shown(line), b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip() or "(closed)"


def test_every_error_text_is_as_the_golden_file_has_it(make_herd: MakeHerd, tmp_path: pathlib.Path) -> None:
    herd = make_herd(alone(1))
    node = herd["n0"]
    parts = {"Command lines": of_command_lines(tmp_path), "Configurations": of_configurations(tmp_path),
             "Keys": of_keys(tmp_path), "Starts": of_starts(tmp_path, herd), "HTTP requests": of_requests(node),
             "Admin socket": of_admin_lines(node)}
    text = "".join(f"== {title}\n" + "".join(f"-- {case}\n{error}\n" for case, error in cases) + "\n"
                   for title, cases in parts.items())
    if os.environ.get("HERD_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
