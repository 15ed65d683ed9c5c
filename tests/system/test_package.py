"""Tests the Debian packages and the installed files. The ordinary run does not build the package herd: it examines what
`cmake --install` and the package would install. It builds those of the client libraries, which takes seconds, and uses
them. The long test installs, upgrades and purges the packages in a bare Debian, and prints a transcript."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bare_debian import BareDebian, why_not
from herd_ctl.arguments import COMMANDS
from herd_fixture import BINARY, LONG, REPOSITORY, Herd, Ports, line

INSTALLED_COMMANDS = set(COMMANDS) - {"bench"}
MANUAL = "share/man/man1"
FORMAT = re.compile(r'kFrameMagic = "(\w+)"')
OLDER = "0.0.9"
LIBRARIES = ("libherd-client-dev", "node-herd-client", "python3-herd-client")
NODE = shutil.which("node") or shutil.which("nodejs")
PROGRAM = """\
#include <herd/client.hpp>
int main() {
  try { herd::Client client(herd::Options{}); } catch (const herd::Error&) { return 0; }
  return 1;
}
"""
PROJECT = """\
cmake_minimum_required(VERSION 3.16)
project(uses_herd LANGUAGES CXX)
find_package(herd_client 0.1 CONFIG REQUIRED)
add_executable(program program.cpp)
target_link_libraries(program PRIVATE herd::client)
"""


def run(*words: str | os.PathLike[str], status: int = 0, env: dict[str, str] | None = None) -> str:
    ran = subprocess.run(words, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, text=True, timeout=90,
                         check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ran.returncode == status, f"{words}: status {ran.returncode}\n{ran.stdout}"
    return ran.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A prefix with everything that `cmake --install` installs."""
    folder = tmp_path_factory.mktemp("installed")
    target, rendered = folder / "prefix", folder / "rendered"
    run(sys.executable, "-B", "-m", "herd_pack", "--source", REPOSITORY, "--output", rendered, "--prefix", target,
        "--sysconf", target / "etc", "--state", target / "var/lib/herd", "--program", BINARY,
        env={"PYTHONPATH": str(REPOSITORY / "scripts/lib")})
    shutil.copytree(rendered / "prefix", target)
    shutil.copytree(rendered / "sysconf", target / "etc")
    (target / "bin/herd-node").symlink_to(BINARY)
    return target


# What is installed.

def test_the_installed_command_names_itself_and_installed_files(prefix: pathlib.Path) -> None:
    shown = run(prefix / "bin/herd", "help")
    assert shown.startswith("usage: herd ") and "scripts/herd" not in shown
    assert str(prefix / "etc/herd/herd.toml") in "".join(shown.split()) and "bench" not in shown
    texts = [path for path in prefix.rglob("*") if path.is_file() and not path.is_symlink()
             and "share/doc" not in str(path)]
    assert texts and not [path for path in texts if "scripts/herd" in path.read_text(encoding="utf-8")]
    for command in sorted(INSTALLED_COMMANDS):
        assert f"\n    {command}" in shown


def test_the_installed_sink_runs_and_names_itself(prefix: pathlib.Path) -> None:
    assert run(prefix / "bin/herd-sink", "--help").startswith("usage: herd-sink ")
    assert "CREATE TABLE" in run(prefix / "bin/herd-sink", "--print-sql")
    guide = (prefix / "share/doc/herd/SINK.md").read_text(encoding="utf-8")
    assert "\nherd-sink 127.0.0.1:12140" in guide and "clients/sink" not in guide


def test_the_installed_guide_leaves_out_what_only_a_source_tree_has(prefix: pathlib.Path) -> None:
    source = (REPOSITORY / "docs/INSTALLING.md").read_text(encoding="utf-8")
    guide = (prefix / "share/doc/herd/INSTALLING.md").read_text(encoding="utf-8")
    section = "## Upgrading a source tree\n"
    assert section in source and section not in guide and "git pull" not in guide
    assert len(guide.split("\n## ")) == len(source.split("\n## ")) - 1


def test_the_installed_configuration_is_valid_and_has_the_installed_directories(prefix: pathlib.Path) -> None:
    configuration = prefix / "etc/herd/herd.toml"
    listed = run(BINARY, "--config", configuration, "--list")
    assert f'"state_dir":"{prefix}/var/lib/herd"' in listed.replace(" ", "")
    assert str(prefix / "var/lib/herd/tokens.toml") in listed
    assert configuration.read_text(encoding="utf-8") == (prefix / "share/doc/herd/examples/herd.toml").read_text(
        encoding="utf-8")


def test_a_herd_of_the_installed_files_starts_and_stops(prefix: pathlib.Path) -> None:
    herd = Herd.for_test(line(1), {"places": {"providers": ["google"]}})
    try:
        words = ("--config", str(herd.config_path))
        variables = {"HERD_STATE_DIR": str(herd.state_dir), "HERD_BIN": ""}
        assert "n0" in run(prefix / "bin/herd", "up", *words, env=variables)
        assert " up " in run(prefix / "bin/herd", "status", *words, env=variables)
    finally:
        assert "Stopped: n0" in run(prefix / "bin/herd", "down", *words, env=variables)
        herd.close()


def test_every_command_has_a_manual_page_without_mistakes(prefix: pathlib.Path) -> None:
    pages = {path.stem for path in (prefix / MANUAL).iterdir()}
    assert pages == {"herd", "herd-node", "herd-sink"} | {f"herd-{name}" for name in INSTALLED_COMMANDS - {"help"}}
    for path in sorted((prefix / MANUAL).iterdir()):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(".TH ") and ".SH SYNOPSIS" in text and ".SH DESCRIPTION" in text, path
        if shutil.which("groff"):
            warned = run("groff", "-man", "-Tutf8", "-ww", "-z", path).splitlines()
            assert not [text for text in warned if "cannot adjust line" not in text], path
    token = (prefix / MANUAL / "herd-token.1").read_text(encoding="utf-8")
    assert "\\fB\\-\\-expires\\fR" in token and "ACTIONS" in token
    node = (prefix / MANUAL / "herd-node.1").read_text(encoding="utf-8")
    assert "\\-\\-discard\\-journal" in node


def complete(prefix: pathlib.Path, *words: str) -> list[str]:
    """What bash would offer for the last word."""
    script = prefix / "share/bash-completion/completions/herd"
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; compopt() {{ :; }}; _herd; " \
           'printf "%s\\n" "${COMPREPLY[@]}"'
    return run("bash", "-c", code, env={"HERD_CONFIG": ""}).split()


def test_the_completion_offers_commands_options_nodes_and_words(prefix: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert set(complete(prefix, "herd", "")) == INSTALLED_COMMANDS
    assert complete(prefix, "herd", "stat") == ["status"]
    assert complete(prefix, "herd", "kill", "") == ["Hill", "Jaquez", "Smith", "Campbell", "Singleton"]
    assert complete(prefix, "herd", "keygen", "--rotate", "S") == ["Smith", "Singleton"]
    assert complete(prefix, "herd", "restart", "--ro") == ["--rolling"]
    assert complete(prefix, "herd", "token", "") == ["new", "list", "revoke"]
    assert "--expires" in complete(prefix, "herd", "token", "new", "--")
    assert complete(prefix, "herd", "init", "--graph", "r") == ["ring", "random"]
    other = tmp_path / "other.toml"
    other.write_text('[herd]\nname = "x"\n\n[[node]]\nname = "n7"\n', encoding="utf-8")
    assert complete(prefix, "herd", "--config", str(other), "up", "") == ["n7"]
    assert complete(prefix, "herd", "import", str(tmp_path / "oth")) == [str(other)]


# systemd.

def test_systemd_knows_every_key_of_the_units_and_finds_little_exposure(prefix: pathlib.Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing")
    folder = prefix / "lib/systemd/system"
    verified = run_any("systemd-analyze", "verify", folder / "herd@n0.service", folder / "herd.target")
    assert "Unknown" not in verified and "Failed to parse" not in verified and "Invalid" not in verified, verified
    judged = run("systemd-analyze", "security", "--offline=true", "--threshold=20", folder / "herd@.service")
    assert "OK" in judged.splitlines()[-1]


def run_any(*words: str | os.PathLike[str]) -> str:
    """The output; `verify` fails for manual pages that are not installed on this host."""
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          check=False).stdout


# The packages of the client libraries.

@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root directory with the files of the three packages."""
    missing = [name for name in ("dh", "dh_python3", "lintian", "mmdebstrap") if not shutil.which(name)]
    if missing:
        pytest.skip(f"{missing[0]} is missing (scripts/deps --package)")
    folder = tmp_path_factory.mktemp("libraries")
    packages = build(folder / "build", "--clients")
    assert tuple(package.name.partition("_")[0] for package in packages) == LIBRARIES
    for package in packages:
        run("dpkg-deb", "-x", package, folder / "root")
    return folder / "root"


def compile_program(root: pathlib.Path, folder: pathlib.Path) -> None:
    """Builds and runs a program with the C++ library that is installed below this root, where there is a compiler."""
    if not shutil.which("c++"):
        return
    folder.mkdir()
    (folder / "program.cpp").write_text(PROGRAM)
    (folder / "CMakeLists.txt").write_text(PROJECT)
    run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={root}/usr")
    run("cmake", "--build", folder / "build")
    assert run(folder / "build/program") == ""


def test_the_packages_of_the_client_libraries_have_the_libraries_and_their_examples(libraries: pathlib.Path) -> None:
    installed = {str(path.relative_to(libraries)) for path in libraries.rglob("*") if path.is_file()}
    for source, target in (("clients/python/herd_client", "usr/lib/python3/dist-packages/herd_client"),
                           ("clients/cpp/include/herd", "usr/include/herd"),
                           ("clients/python/examples", "usr/share/doc/python3-herd-client/examples"),
                           ("clients/cpp/examples", "usr/share/doc/libherd-client-dev/examples"),
                           ("clients/javascript/examples", "usr/share/doc/node-herd-client/examples")):
        wanted = {f"{target}/{path.relative_to(REPOSITORY / source)}" for path in (REPOSITORY / source).rglob("*")
                  if path.is_file() and path.suffix != ".pyc"}
        assert wanted and wanted == {path for path in installed if path.startswith(f"{target}/")}
    assert {f"usr/share/nodejs/herd-client/{name}" for name in (
        "package.json", "common.js", "herd.js", "herd.d.ts", "reporter.js", "reporter.d.ts")} <= installed
    assert (libraries / "usr/share/javascript/herd-client/herd.js").is_file()
    assert all((libraries / f"usr/share/doc/{name}/copyright").is_file() for name in LIBRARIES)


def test_programs_use_the_client_libraries_of_the_packages(libraries: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = libraries / "usr/lib/python3/dist-packages"
    shown = run("/usr/bin/python3", "-c", "import herd_client; print(herd_client.__file__)",
                env={"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"})
    assert shown == f"{path}/herd_client/__init__.py\n"
    compile_program(libraries, tmp_path / "project")
    if NODE:
        shown = run(NODE, "--input-type=module", "--eval", f"""
            import {{ Herd }} from "{libraries}/usr/share/nodejs/herd-client/herd.js";
            import {{ Reporter }} from "{libraries}/usr/share/nodejs/herd-client/reporter.js";
            console.log(typeof Herd, typeof Reporter);""")
        assert shown == "function function\n"
    for example in (libraries / "usr/share/doc/node-herd-client/examples").iterdir():
        assert '"../' not in example.read_text() and '"/usr/share/nodejs/herd-client/herd.js"' in example.read_text()


# The maintainer scripts and scripts/package.

def frame(magic: bytes, payload: bytes = b"a payload of some bytes") -> bytes:
    """A frame of bus/journal/journal_frames.hpp, with any hashes."""
    return magic + len(payload).to_bytes(4, "little") + bytes(24) + payload


@pytest.mark.parametrize("content, is_refused", [
    (frame(b"HJ04"), True), (frame(b"HJ10"), True), (frame(b"HJ03"), False), (frame(b"HJ02"), False),
    (frame(b"HJ02") + frame(b"HJ03", b"HJ04") + frame(b"HJ04"), True),  # a node of HJ04 has continued the file
    (frame(b"HJ03", b"HJ04" * 20), False), (frame(b"HJ03") + b"HJ04", False), (bytes(100), False), (b"", False)])
def test_a_version_that_cannot_read_the_journal_is_refused(tmp_path: pathlib.Path, content: bytes,
                                                           is_refused: bool) -> None:
    source = (REPOSITORY / "bus/journal/journal_frames.hpp").read_text(encoding="utf-8")
    found = FORMAT.search(source)
    assert found and found[1] == "HJ03", "the cases above are for HJ03"
    node = tmp_path / "nodes/n 0"
    node.mkdir(parents=True)
    (node / "journal").write_bytes(content)
    text = (REPOSITORY / "debian/herd.preinst.in").read_text(encoding="utf-8")
    script = tmp_path / "preinst"
    script.write_text(text.replace("@JOURNAL_FORMAT@", found[1]).replace("/var/lib/herd", str(tmp_path)),
                      encoding="utf-8")
    for action in (["install"], ["upgrade", "0.1.0"]):
        shown = run("sh", script, *action, status=1 if is_refused else 0)
        assert shown.count("\n") == (1 if is_refused else 0)
        assert not is_refused or "keep the newer version" in shown
    assert run("sh", script, "abort-upgrade", "0.1.0") == ""


@pytest.mark.parametrize("words, reason", [
    (["--version"], "--version needs a value"), (["--version", "1.0-1"], "1.0-1 is no version"),
    (["--version", "1.0; true"], "is no version"), (["--directory"], "--directory needs a value"),
    (["--fast"], "unknown argument --fast"), (["--directory", str(REPOSITORY)], "choose another --directory")])
def test_wrong_arguments_of_scripts_package_are_refused_at_once(words: list[str], reason: str) -> None:
    shown = run(REPOSITORY / "scripts/package", *words, status=2)
    assert reason in shown and shown.count("\n") == 1


def test_the_package_has_the_version_of_the_program() -> None:
    program = re.search(r"project\(herd VERSION ([0-9.]+)", (REPOSITORY / "CMakeLists.txt").read_text())
    package = re.match(r"herd \(([0-9.]+)\)", (REPOSITORY / "debian/changelog").read_text())
    assert program and package and program[1] == package[1]


# The package in a bare Debian.

@pytest.fixture
def debian(tmp_path: pathlib.Path) -> Iterator[BareDebian]:
    made = BareDebian(tmp_path)
    yield made
    made.close()


def build(folder: pathlib.Path, *words: str) -> list[pathlib.Path]:
    """The packages of this tree, made by scripts/package; herd is the last one."""
    ran = subprocess.run([REPOSITORY / "scripts/package", "--quiet", "--no-lint", "--directory", folder, *words],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=7200, check=True)
    return [pathlib.Path(text) for text in ran.stdout.splitlines() if text.endswith(".deb")]


def ask(port: int, text: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.settimeout(10)
        connection.sendall(text.encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def use_libraries(debian: BareDebian, packages: list[pathlib.Path], port: int) -> None:
    """Installs the packages of the client libraries; an example reports to the node with this client port."""
    debian.run("apt-get install -y -qq --no-install-recommends "
               + " ".join(f"/root/{package.name}" for package in packages))
    shown = debian.run("python3 /usr/share/doc/python3-herd-client/examples/phone.py --reports 1 phone"
                       f" 127.0.0.1:{port} && herd where phone")
    assert "phone is at " in shown and "no answer" not in shown


def use_ports(debian: BareDebian, ports: Ports) -> dict[str, int]:
    """Gives the nodes of the package's configuration other ports; returns them by the first ones."""
    path = debian.root / "etc/herd/herd.toml"
    text = path.read_text(encoding="utf-8")
    chosen = {port: ports.take() for port in sorted(set(re.findall(r"127\.0\.0\.1:(12[1-4]4\d)", text)))}
    path.write_text(re.sub(r"127\.0\.0\.1:(12[1-4]4\d)", lambda found: f"127.0.0.1:{chosen[found[1]]}", text),
                    encoding="utf-8")
    return chosen


@pytest.mark.skipif(not LONG, reason="takes minutes: HERD_LONG is not set")
def test_the_package_lives_and_leaves_nothing_in_a_bare_debian(debian: BareDebian, ports: Ports,
                                                               tmp_path: pathlib.Path) -> None:
    folder = REPOSITORY / "build/package"
    older, (*of_libraries, newer) = build(folder / "older", "--version", OLDER)[-1], build(folder)
    for package in (older, newer, *of_libraries):
        shutil.copy(package, debian.root / "root")
    debian.run("apt-get update -qq")
    debian.run("apt-get install -y -qq --no-install-recommends libtomlplusplus3")
    before = debian.files()
    debian.run("! command -v c++ && ! command -v systemctl")
    debian.run(f"apt-get install -y -qq --no-install-recommends /root/{older.name}")
    port = use_ports(debian, ports)
    debian.run("herd up && herd status")
    assert "stat" in debian.run("stat -c 'stat %U %a %n' /var/lib/herd /var/lib/herd/keys/*.secret")
    assert ask(port["12140"], f"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 {time.time():.9f}").startswith("AT Hill +")
    debian.run("herd where kiwi.cs.ucla.edu")
    use_libraries(debian, of_libraries, port["12141"])
    compile_program(debian.root, tmp_path / "project")
    debian.run("echo '# an edit' >>/etc/herd/herd.toml")

    debian.run(f"apt-get install -y -qq --no-install-recommends /root/{newer.name}")
    assert "an edit" in debian.run("tail -n 1 /etc/herd/herd.toml")
    assert debian.run("herd status").count(" up ") == 5
    assert ask(port["12143"], "WHATSAT kiwi.cs.ucla.edu 10 1").startswith("AT Hill +")
    debian.run("herd down")

    # A journal that only a newer version reads; then one that both read.
    debian.run("cp -a /var/lib/herd/nodes/Hill/journal /root/journal; "
               "printf HJ99 | dd of=/var/lib/herd/nodes/Hill/journal conv=notrunc status=none")
    assert "keep the newer version" in debian.run(f"dpkg -i /root/{older.name}", status=1)
    debian.run("dpkg --audit; cp -a /root/journal /var/lib/herd/nodes/Hill/journal")
    debian.run(f"apt-get install -y -qq --allow-downgrades --no-install-recommends /root/{older.name}")
    debian.run("herd up")
    assert ask(port["12144"], "WHATSAT kiwi.cs.ucla.edu 10 1").startswith("AT Hill +")
    debian.run(f"apt-get purge -y -qq {' '.join(LIBRARIES)}")
    assert len(debian.running("herd-node")) == 5
    debian.run("apt-get purge -y -qq herd && ! getent passwd herd")
    assert not debian.running("herd-node")
    assert debian.files() == before


@pytest.fixture(autouse=True)
def skip_without_debian(request: pytest.FixtureRequest) -> None:
    if "debian" in request.fixturenames and LONG and why_not():
        pytest.skip(why_not())
