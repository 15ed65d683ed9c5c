"""Tests scripts/deps with an apt that is busy, has a dead source or a half-installed system. Stand-ins for apt-get,
dpkg-query and sudo come first in PATH, so that this system is not changed. Their messages are those of apt 2.6."""
from __future__ import annotations

import os
import pathlib
import subprocess
import time

import pytest

DEPS = pathlib.Path(__file__).resolve().parents[2] / "scripts/deps"

APT = r"""#!/bin/bash
echo "$*" >>"$STUB/calls"
case " $* " in
  *" update "*) kind=update ;;
  *" install "*) kind=install ;;
  *) echo "E: Invalid operation" >&2; exit 100 ;;
esac
locked=$(cat "$STUB/$kind.locked" 2>/dev/null || echo 0)  # number of calls
if [[ $locked -gt 0 ]]; then
  echo $((locked - 1)) >"$STUB/$kind.locked"
  cat "$STUB/$kind.lock-words" >&2
  exit 100
fi
for package in "$@"; do
  if grep -qxF -- "$package" "$STUB/unknown" 2>/dev/null; then
    echo "E: Unable to locate package $package" >&2
    failed=1
  fi
done
[[ -z ${failed:-} ]] || exit 100
if [[ -f $STUB/$kind.words ]]; then cat "$STUB/$kind.words" >&2; exit 100; fi
[[ $kind == update ]] || printf '%s\n' "${@:7}" >>"$STUB/installed"
"""
LISTS_LOCK = ("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 17 (unattended-upgr)\n"
              "E: Unable to lock directory /var/lib/apt/lists/\n")
DPKG_LOCK = ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 18 (apt-get)\n"
             "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using "
             "it?\n")


class Apt:
    """The stand-ins. `environment` is that of the script, `path` the folder of their files, `missing` the packages that
    are not installed."""

    def __init__(self, path: pathlib.Path, environment: dict[str, str], missing: list[str]):
        self.path = path
        self.environment = environment
        self.missing = missing

    @classmethod
    def create(cls, path: pathlib.Path) -> Apt:
        """Writes the stand-ins into the folder `path`."""
        programs = path / "bin"
        programs.mkdir()
        names = subprocess.run([DEPS, "--list"], capture_output=True, text=True, check=True).stdout.split()
        missing = ["faketime", "telnet"]
        there = "".join(f"installed {name}, \\n" for name in names if name not in missing)
        for name, text in {"apt-get": APT, "dpkg-query": f"#!/bin/bash\nprintf '{there}'\n",
                           "sudo": '#!/bin/bash\nexec "$@"\n'}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        more = {"PATH": f"{programs}:{os.environ['PATH']}", "STUB": str(path), "LC_ALL": "C"}
        return cls(path, os.environ | more, missing)

    def say(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def lock(self, kind: str, words: str, calls: int) -> None:
        self.say(f"{kind}.locked", str(calls))
        self.say(f"{kind}.lock-words", words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([DEPS, *words], env=self.environment, capture_output=True, text=True, timeout=120,
                              check=False)

    @property
    def calls(self) -> list[str]:
        path = self.path / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def installed(self) -> list[str]:
        path = self.path / "installed"
        return sorted(path.read_text().split()) if path.exists() else []


@pytest.fixture
def apt(tmp_path: pathlib.Path) -> Apt:
    return Apt.create(tmp_path)


def test_only_missing_packages_are_installed(apt: Apt) -> None:
    ran = apt.run()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split(": ")[1].split() == sorted(apt.missing, reverse=True)
    assert apt.installed == apt.missing
    assert [call.split()[3] for call in apt.calls] == ["update", "install"]


def test_dev_includes_the_packages_of_lint_and_lists_each_package_once(apt: Apt) -> None:
    selections: list[list[str]] = [[], ["--lint"], ["--dev"], ["--lint", "--dev"]]
    base, lint, dev, both = (apt.run(*options, "--list").stdout.split() for options in selections)
    assert "cppcheck" not in base and "cppcheck" in lint
    assert set(base) < set(lint) < set(dev) == set(both)
    assert len(both) == len(set(both))


def test_nothing_runs_when_all_packages_are_installed(apt: Apt) -> None:
    (apt.path / "bin/dpkg-query").write_text("#!/bin/bash\nprintf 'installed %s, \\n' $(\"$DEPS\" --list)\n")
    apt.environment["DEPS"] = str(DEPS)
    ran = apt.run()
    assert (ran.returncode, ran.stdout, ran.stderr, apt.calls) == (0, "", "", [])


@pytest.mark.parametrize("kind, words, holder", [("update", LISTS_LOCK, "process 17 (unattended-upgr)"),
                                                 ("install", DPKG_LOCK, "process 18 (apt-get)")])
def test_the_script_waits_for_another_apt_and_names_it_once(apt: Apt, kind: str, words: str, holder: str) -> None:
    apt.lock(kind, words, calls=2)
    ran = apt.run()
    assert ran.returncode == 0 and apt.installed == apt.missing
    [line] = ran.stderr.splitlines()
    assert line.startswith(f"scripts/deps: waiting for {holder}, which holds apt's lock (at most ")
    assert len([call for call in apt.calls if f" {kind} " in f" {call} "]) == 3


def test_apt_itself_waits_for_the_lock_of_dpkg(apt: Apt) -> None:
    apt.run()
    assert all("DPkg::Lock::Timeout=5" in call for call in apt.calls)


def test_the_wait_ends_at_its_bound_and_names_the_holder_of_the_lock(apt: Apt) -> None:
    apt.lock("update", LISTS_LOCK, calls=1_000_000)
    began = time.monotonic()
    ran = apt.run("--wait", "1")
    assert ran.returncode == 1 and time.monotonic() - began < 60
    last = ran.stderr.splitlines()[-1]
    assert last == ("scripts/deps: process 17 (unattended-upgr) still holds apt's lock after 1 s: "
                    "wait until it is done, then run this again")
    assert apt.installed == []


@pytest.mark.parametrize("words", [["--wait"], ["--wait", "x"], ["--wait", "-1"], ["--wait", "1.5"]], ids=str)
def test_a_wait_that_is_not_a_number_is_refused(apt: Apt, words: list[str]) -> None:
    ran = apt.run(*words)
    assert ran.returncode == 2 and ran.stderr.startswith("scripts/deps: --wait needs a number of seconds")


def test_a_lock_without_permission_is_not_waited_for(apt: Apt) -> None:
    words = "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\n"
    apt.say("install.words", words)
    ran = apt.run()
    assert ran.returncode == 1 and words in ran.stderr and "waiting" not in ran.stderr
    assert ran.stderr.endswith("scripts/deps: apt-get could not install the packages: its errors above say why\n")


@pytest.mark.parametrize("words", [
    "E: Failed to fetch https://dead.example/dists/x/InRelease  Could not resolve 'dead.example'\n",
    "E: The repository 'https://dead.example bookworm Release' does not have a Release file.\n",
    "E: The repository 'https://dead.example bookworm InRelease' is not signed.\n"])
def test_a_dead_source_is_named_and_packages_of_the_others_are_installed(apt: Apt, words: str) -> None:
    apt.say("update.words", "W: Some words.\n" + words)
    ran = apt.run()
    assert ran.returncode == 0 and apt.installed == apt.missing
    assert ran.stderr == ("scripts/deps: apt-get update failed for a package source; continuing with the others:\n"
                          "W: Some words.\n" + words)


def test_packages_that_no_source_has_are_named_and_the_others_installed(apt: Apt) -> None:
    apt.say("unknown", "faketime\n")
    ran = apt.run()
    assert ran.returncode == 1 and apt.installed == ["telnet"]
    assert ran.stderr.splitlines()[-1].startswith("scripts/deps: no package source has faketime: enable ")


def test_when_no_source_has_a_package_the_script_stops(apt: Apt) -> None:
    apt.say("unknown", "faketime\ntelnet\n")
    ran = apt.run()
    assert ran.returncode == 1 and len(apt.calls) == 2
    assert "no package source has telnet faketime: " in ran.stderr.splitlines()[-1]


@pytest.mark.parametrize("words, remedy", [
    ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. \n",
     "an earlier installation was interrupted. Run 'dpkg --configure -a' as root"),
    ("E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).\n",
     "some packages of this system are only partly installed. Run 'apt-get --fix-broken install' as root"),
    ("E: Malformed entry 1 in list file /etc/apt/sources.list.d/x.list (Suite)\n"
     "E: The list of sources could not be read.\n", "apt cannot read its list of sources: repair or remove the file")])
def test_a_broken_system_gets_the_command_that_repairs_it(apt: Apt, words: str, remedy: str) -> None:
    apt.say("install.words", words)
    ran = apt.run()
    assert ran.returncode == 1
    assert words in ran.stderr and ran.stderr.splitlines()[-1].startswith(f"scripts/deps: {remedy}")
