"""Tests scripts/image: bad arguments; and with HERD_LONG the image of the package in $HERD_DEB, run by crun with the
configuration that the image describes. Running it needs root, crun and umoci, and the test is skipped where the kernel
or the host does not allow it."""
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import LONG, REPOSITORY, Ports, wait_for
from herd_lab.endpoint import Endpoint
from talk import now

IMAGE = REPOSITORY / "scripts/image"
DEB = os.environ.get("HERD_DEB", "")
STOP_SECONDS = 5  # the promise of docs/KUBERNETES.md


def run(*words: str | pathlib.Path, status: int = 0, seconds: float = 30, **more: Any) -> str:
    ran = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False, **more)
    assert ran.returncode == status, f"{words}: status {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stderr if status else ran.stdout


@pytest.mark.parametrize("words, text", [
    ([], "--deb is missing"), (["--deb"], "--deb needs a value"), (["--deb", ""], "--deb needs a value"),
    (["--deb", "none.deb"], "there is no file none.deb"), (["--deb", "text.deb"], "text.deb is not a Debian package"),
    (["--deb", "/tmp"], "there is no file /tmp"), (["--cache"], "--cache needs a value"),
    (["more"], "unknown argument more")])
def test_a_wrong_command_line_gives_one_line_and_writes_nothing(tmp_path: pathlib.Path, words: list[str],
                                                                text: str) -> None:
    if words == ["--deb", "text.deb"] and not (shutil.which("mmdebstrap") and shutil.which("umoci")):
        pytest.skip("mmdebstrap or umoci is not installed: scripts/deps --image")
    (tmp_path / "text.deb").write_text("text")
    error = run(IMAGE, *words, status=2, cwd=tmp_path)
    assert error.startswith(f"scripts/image: {text}") and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.deb"]


class Container:
    """A container of the image on the network of this host, with a volume for the state."""

    def __init__(self, place: pathlib.Path, archive: pathlib.Path, ports: Ports):
        self.bundle, self.volume, self.crun = place / "bundle", place / "volume", place / "crun"
        self.clients, self.http, bus = (ports.take() for _ in range(3))
        layout = place / "layout"
        layout.mkdir()
        run("tar", "-C", layout, "-xf", archive)
        tag = json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"][
            "org.opencontainers.image.ref.name"]
        run("umoci", "unpack", "--image", f"{layout}:{tag}", self.bundle, seconds=300)
        self.volume.mkdir()
        owner = (self.bundle / "rootfs/var/lib/herd").stat()
        os.chown(self.volume, owner.st_uid, owner.st_gid)  # as container engines do with a new volume
        (place / "herd.toml").write_text(
            'herd.state_dir = "/var/lib/herd"\nbus.curve = false\n[[node]]\nname = "solo"\n'
            f'clients = "127.0.0.1:{self.clients}"\nbus = "tcp://127.0.0.1:{bus}"\nhttp = "127.0.0.1:{self.http}"\n')
        self.config = json.loads((self.bundle / "config.json").read_text())
        self._adapt(place / "herd.toml")
        self.process: subprocess.Popen[bytes] | None = None
        self.runs = 0

    def _adapt(self, herd_toml: pathlib.Path) -> None:
        """What an engine adds to the configuration of the image."""
        self.config["process"]["args"] += ["solo"]
        self.config["process"]["env"] += ["HERD_CONFIG=/etc/herd/herd.toml"]
        self.config["process"]["terminal"] = False
        self.config["root"]["readonly"] = True
        self.config["mounts"] = [mount for mount in self.config["mounts"] if mount["type"] != "cgroup"
                                 and mount["destination"] != "/var/lib/herd"]
        for source, target, mode in ((herd_toml, "/etc/herd/herd.toml", "ro"), (self.volume, "/var/lib/herd", "rw")):
            self.config["mounts"].append({"destination": target, "type": "bind", "source": str(source),
                                          "options": ["rbind", mode]})
        linux = self.config["linux"]
        linux["namespaces"] = [space for space in linux["namespaces"] if space["type"] not in ("network", "cgroup")]
        (self.bundle / "config.json").write_text(json.dumps(self.config))

    def start(self) -> None:
        self.runs += 1
        self.process = subprocess.Popen(["crun", "--root", self.crun, "--cgroup-manager=disabled", "run", "--bundle",
                                         self.bundle, f"herd-test-{os.getpid()}-{self.runs}"], stderr=subprocess.PIPE)

        def ready() -> bool:
            assert self.process and self.process.stderr
            if self.process.poll() is not None:
                text = self.process.stderr.read().decode(errors="replace")
                if "event=" not in text:
                    pytest.skip(f"crun cannot run a container here: {text.strip()}")
                pytest.fail(f"the node ended with status {self.process.returncode}: {text}")
            return self.page("/readyz") == "ready\n"
        wait_for(ready, "the node is ready", 60)

    def page(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as reply:
                return str(reply.read().decode())
        except OSError:
            return ""

    def say(self, text: str) -> str:
        with Endpoint(self.clients).connect(10) as connection:
            connection.sendall(text.encode() + b"\n")
            connection.shutdown(1)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def stop(self) -> float:
        """SIGTERM; returns the seconds until the end."""
        assert self.process
        began = time.monotonic()
        run("crun", "--root", self.crun, "kill", f"herd-test-{os.getpid()}-{self.runs}", "TERM")
        assert self.process.wait(30) == 0
        self.process = None
        return time.monotonic() - began

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            subprocess.run(["crun", "--root", self.crun, "delete", "--force", f"herd-test-{os.getpid()}-{self.runs}"],
                           check=False, timeout=30)
            self.process.wait(30)


@pytest.fixture
def archive(tmp_path: pathlib.Path) -> pathlib.Path:
    if not LONG or not DEB:
        pytest.skip("takes minutes: set HERD_LONG, and HERD_DEB to a package that scripts/package has built")
    missing = [name for name in ("mmdebstrap", "umoci", "crun") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and scripts/deps --image; missing: {', '.join(missing) or 'root'}")
    output = tmp_path / "herd.tar"
    printed = run(IMAGE, "--deb", DEB, "--output", output, seconds=1800)
    assert printed == f"{output}\n"
    return output


@pytest.fixture
def container(tmp_path: pathlib.Path, archive: pathlib.Path, ports: Ports) -> Iterator[Container]:
    made = Container(tmp_path, archive, ports)
    yield made
    made.end()


def test_a_node_of_the_image_answers_stops_at_sigterm_and_keeps_its_state(container: Container) -> None:
    assert container.config["process"]["user"]["uid"] == container.config["process"]["user"]["gid"] == 10001
    assert container.config["process"]["args"][0] == "/usr/bin/herd-node"
    assert not container.config["process"].get("capabilities", {}).get("effective") or \
        container.config["process"]["user"]["uid"] != 0
    container.start()
    assert container.page("/healthz") == "ok\n"
    assert container.say(f"IAMAT kiwi +1+2 {now()}").startswith("AT solo ")
    assert container.stop() < STOP_SECONDS
    container.start()
    assert container.say("WHATSAT kiwi 1 0").startswith("AT solo ")
    assert container.stop() < STOP_SECONDS
    rootfs = container.bundle / "rootfs"
    assert not list((rootfs / "var/cache").glob("apt/archives/*.deb")) and not (rootfs / "usr/bin/apt-get").exists()
