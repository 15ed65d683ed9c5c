"""systemctl and journalctl for tests on hosts without systemd: one program with two names, which knows the calls of
herd_ctl/units.py. It starts a unit as a process, and never starts one again.

The directory $FAKE_SYSTEMD has for each node NAME.enabled, NAME.pid and NAME.log. $FAKE_COMMAND is the command line of
a node, in JSON, to which the name is added."""
import json
import os
import pathlib
import signal
import sys
import time

HOME = pathlib.Path(os.environ.get("FAKE_SYSTEMD", "."))


def pid_of(name: str) -> int:
    """0 if it does not run."""
    try:
        pid = int((HOME / f"{name}.pid").read_text(encoding="ascii"))
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except (OSError, ValueError):
        return 0
    return 0 if state in "ZX" else pid


def show(name: str) -> str:
    pid, was_started = pid_of(name), (HOME / f"{name}.pid").exists()
    active, sub = ("activating", "auto-restart") if was_started else ("inactive", "dead")
    if pid:
        active, sub = "active", "running"
    enabled = "enabled" if (HOME / f"{name}.enabled").exists() else "disabled"
    return f"Id=herd@{name}.service\nActiveState={active}\nSubState={sub}\nMainPID={pid}\nUnitFileState={enabled}\n"


def start(name: str) -> None:
    import subprocess  # only here: the other calls are faster without it
    if not pid_of(name):
        with open(HOME / f"{name}.log", "ab") as log:
            process = subprocess.Popen([*json.loads(os.environ["FAKE_COMMAND"]), name], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)
        (HOME / f"{name}.pid").write_text(str(process.pid), encoding="ascii")


def stop(name: str) -> None:
    while pid := pid_of(name):
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.05)
    (HOME / f"{name}.pid").unlink(missing_ok=True)


def systemctl(words: list[str]) -> str:
    with open(HOME / "calls", "a", encoding="utf-8") as calls:
        calls.write(" ".join(words) + "\n")
    verb, *rest = [word for word in words if word not in ("--no-ask-password", "--no-pager")]
    names = [word.removeprefix("herd@").removesuffix(".service") for word in rest if word.startswith("herd@")]
    if verb == "show":
        loaded = sorted({path.stem for path in HOME.iterdir() if path.suffix in (".enabled", ".pid")})
        return "\n".join(show(name) for name in [*names, *loaded] if name != "*")
    for name in names:
        if verb == "enable":
            (HOME / f"{name}.enabled").touch()
        elif verb == "disable":
            (HOME / f"{name}.enabled").unlink(missing_ok=True)
        elif verb == "start":
            start(name)
        elif verb == "stop":
            stop(name)
        elif verb == "kill":
            number = next(word for word in rest if word.startswith("--signal=")).partition("=")[2]
            os.kill(pid_of(name), signal.Signals[number])
        elif verb != "reset-failed":
            raise SystemExit(f"Unknown command verb {verb}.")
    return ""


def journalctl(words: list[str]) -> None:
    count = int(next(word for word in words if word.startswith("--lines=")).partition("=")[2])
    for word in words:
        unit = word.partition("_SYSTEMD_UNIT=")[2]
        log = HOME / f"{unit.removeprefix('herd@').removesuffix('.service')}.log"
        if not unit or not log.exists():
            continue
        for line in log.read_text(encoding="utf-8").splitlines()[-count:]:
            print(json.dumps({"_SYSTEMD_UNIT": unit, "MESSAGE": line}) if "--output=json" in words else line)


if __name__ == "__main__":
    if pathlib.Path(sys.argv[0]).name == "systemctl":
        print(systemctl(sys.argv[1:]), end="")
    else:
        journalctl(sys.argv[1:])
