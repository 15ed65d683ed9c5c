"""A bare Debian in a folder, for the long tests of the package: no compiler, no systemd. Made once with mmdebstrap, and
kept as an archive in build/package. Needs root."""
from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess

from herd_fixture import REPOSITORY

ARCHIVE = REPOSITORY / "build/package/bookworm.tar"
MAKE_SECONDS, RUN_SECONDS = 1800, 900
# herd_ctl needs supervisor where systemd does not run; the rest is what herd depends on, so that apt fetches it once.
INCLUDED = "python3,adduser,ca-certificates,supervisor,libcurl4,libssl3,libzmq5,libspdlog1.10,libprometheus-cpp-core1.0"
# What apt and dpkg write for any package, and mount points.
KEPT_BY_APT = ("/var/lib/apt", "/var/cache", "/var/log", "/var/lib/dpkg", "/proc", "/dev", "/run/adduser", "/root")
KEPT_BY_ADDUSER = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
                   "/etc/.pwd.lock"}


def why_not() -> str:
    """Why there can be no bare Debian here; empty if there can."""
    if os.geteuid() != 0:
        return "needs root"
    return "" if shutil.which("mmdebstrap") else "needs mmdebstrap (scripts/deps --package)"


class BareDebian:
    def __init__(self, folder: pathlib.Path):
        self.root = folder / "root"
        self.enter: list[str | pathlib.Path] = ["chroot", self.root]  # the words before a command inside
        self.root.mkdir()
        if not ARCHIVE.exists():
            ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
            fresh = ARCHIVE.with_suffix(".new.tar")
            subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", fresh], check=True,
                           timeout=MAKE_SECONDS)
            fresh.rename(ARCHIVE)
        subprocess.run(["tar", "-x", "-C", self.root, "-f", ARCHIVE], check=True, timeout=RUN_SECONDS)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        self.run("test -c /dev/null || mknod -m 666 /dev/null c 1 3")

    def run(self, command: str, status: int | None = 0) -> str:
        """Runs a shell command inside, and prints it with its output, which it returns. It must end with `status`."""
        ran = subprocess.run([*self.enter, "sh", "-c", command], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_SECONDS, check=False,
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                                  "LC_ALL": "C.UTF-8", "HOME": "/root"})
        print(f"# {command}\n{ran.stdout}", flush=True)
        assert status is None or ran.returncode == status, f"{command}: status {ran.returncode}\n{ran.stdout}"
        return ran.stdout

    def files(self) -> set[str]:
        """The files that a package can leave."""
        found = self.run("find / -xdev >/root/files; wc -l </root/files") and (
            self.root / "root/files").read_text(encoding="utf-8").splitlines()
        return {path for path in found if not path.startswith(KEPT_BY_APT)} - KEPT_BY_ADDUSER

    def running(self, program: str) -> list[int]:
        """The processes of this program inside. Those of the host have another root directory."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "comm").read_text().strip() == program and (path / "root").samefile(self.root):
                    found.append(int(path.name))
        return found

    def close(self) -> None:
        self.run("command -v herd >/dev/null && herd down", status=None)
        subprocess.run(["umount", self.root / "proc"], check=False)
        if not os.path.ismount(self.root / "proc"):
            shutil.rmtree(self.root, ignore_errors=True)
