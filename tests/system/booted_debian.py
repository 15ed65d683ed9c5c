"""A Debian that boots: systemd is process 1 of a bare Debian, in namespaces of its own. It has a loopback interface,
and no other network. Needs root, and a kernel that lets root mount cgroup2 in a namespace."""
from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess

import bare_debian
from bare_debian import BareDebian
from herd_fixture import TimedOut, wait_for
from herd_lab.processes import end_with_parent

BOOT_SECONDS = 120
PACKAGES = "systemd systemd-sysv dbus libtomlplusplus3"  # the last one is what herd depends on

NAMESPACES = ["unshare", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child=SIGKILL"]
# Puts itself into the control group $1, and starts the next script in new namespaces.
OUTER = f"""
echo $$ >"$1/cgroup.procs"
exec {' '.join(NAMESPACES)} sh -ec "$3" sh "$2"
"""
# Process 1 of the namespaces: makes the folder $1 the root, with what systemd expects of a container manager, and
# becomes systemd.
INNER = """
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for each in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${each%:*}" c 1 "${each#*:}"; done
mknod -m 666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


class CannotBoot(Exception):
    """systemd does not come up here; the text has the reason."""


def cgroup2() -> pathlib.Path | None:
    """Where the control groups of version 2 are mounted."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    return next((pathlib.Path(words[1]) for words in mounts if words[2] == "cgroup2"), None)


def why_not() -> str:
    """Why nothing can boot here; empty if it may."""
    if reason := bare_debian.why_not():
        return reason
    if not cgroup2():
        return "no cgroup2 is mounted"
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False, timeout=60)
    return tried.stderr.strip() if tried.returncode else ""


class BootedDebian(BareDebian):
    """Between boots its files stay. boot() and power_off() may be called again and again."""

    def __init__(self, folder: pathlib.Path):
        super().__init__(folder)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "boot.log"
        self.group = (cgroup2() or pathlib.Path("/sys/fs/cgroup")) / f"herd-test-{os.getpid()}"
        self.run("apt-get update -qq")
        self.run(f"apt-get install -y -qq --no-install-recommends {PACKAGES}")

    def boot(self) -> None:
        """Returns when all units have started. CannotBoot if systemd does not answer."""
        try:
            self.group.mkdir()
        except OSError as error:
            raise CannotBoot(f"{self.group} cannot be made: {error.strerror}") from None
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["sh", "-ec", OUTER, "sh", self.group, self.root, INNER], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)
        try:
            pid = wait_for(self._first_process, "systemd has started", BOOT_SECONDS)
            self.enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                          "--wdns=/"]
            wait_for(lambda: self.run("systemctl is-system-running --wait", None).strip() in ("running", "degraded"),
                     "systemd has started all units", BOOT_SECONDS)
        except TimedOut as late:
            raise CannotBoot(f"{late}: {self.log.read_text(errors='replace')[-500:]}") from None

    def _first_process(self) -> int | None:
        """The process 1 of the namespaces, by its id on the host, once it is systemd."""
        assert self.process
        if self.process.poll() is not None:
            raise CannotBoot(self.log.read_text(errors="replace")[-500:])
        thread = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
        for child in (thread / "children").read_text(encoding="ascii").split():
            if pathlib.Path(f"/proc/{child}/comm").read_text(encoding="ascii") == "systemd\n":
                return int(child)
        return None

    def power_off(self) -> None:
        """At once, as if the host lost its power: all processes inside are killed."""
        self.enter = ["chroot", self.root]
        if self.process:
            first = None
            with contextlib.suppress(CannotBoot, OSError):
                first = self._first_process()
            with contextlib.suppress(ProcessLookupError):
                os.kill(first or self.process.pid, signal.SIGKILL)
            self.process.wait(60)
            self.process = None
        if self.group.exists():
            wait_for(lambda: "populated 0" in (self.group / "cgroup.events").read_text(encoding="ascii"),
                     "all processes have ended", 60)
            for path in sorted(self.group.rglob("*/"), reverse=True):
                path.rmdir()
            self.group.rmdir()

    def close(self) -> None:
        self.power_off()
        super().close()
