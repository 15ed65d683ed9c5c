"""Entry point: reads the command line, runs the command, and prints an error as one line with an exit status."""
from __future__ import annotations

import io
import os
import sys
import xmlrpc.client
from typing import Any

from . import arguments, doctor, kubernetes, owner, started, units_up
from .backup import backup, restore
from .demo import demo
from .doctor_facts import of_broken_configuration
from .down import down, kill
from .export import export
from .herd import Herd, read_herd
from .import_ import import_
from .init import GRAPHS, init
from .installation import IS_INSTALLED
from .keygen import keygen
from .logs import logs
from .near import near
from .reset import reset_client
from .status import status, where
from .tokens import token
from .top import top
from .trouble import Trouble
from .units import Units, manager_of
from .up import reload, restart, up
from .watch import watch

INTERRUPTED = 130  # the status of a shell: 128 and the number of SIGINT
TOOLS = ("top", "tap", "doctor", "trace", "demo", "export", "import")
MONITOR_COMMANDS = ("tap", "trace")
LAB_COMMANDS = ("prove", "bench")
# These change or read what belongs to the user of the nodes.
OWNERS_COMMANDS = ("up", "down", "restart", "status", "logs", "reload", "kill", "keygen", "token", "reset-client",
                   "doctor", "top")
# These need no valid configuration.
AS_STARTED = ("down", "status", "logs", "kill", "where", "near", "watch", "reset-client", *TOOLS)


def herd_of(given: Any) -> Herd:
    """The configured herd. If the configuration is invalid, commands of AS_STARTED get the herd as it was started."""
    try:
        return read_herd(given.config)
    except Trouble as trouble:
        herd = started.find(given.config, stopped_too=given.command == "logs") if given.command in AS_STARTED else None
        if herd is None:
            raise
        first, *more = str(trouble).splitlines()
        rest = f" (and {len(more)} more)" if more else ""
        print(f"scripts/herd: {first}{rest}. Until that is corrected, this is the herd as it was started",
              file=sys.stderr)
        return herd


def monitor_command(herd: Herd, given: Any) -> int:
    """The commands that need python3-zmq, which the others must not need."""
    from .tap import tap
    from .trace import trace
    return {"tap": tap, "trace": trace}[given.command](herd, given)


def run(given: Any) -> int:
    if given.command == "help":
        arguments.parser().parse_args([given.about, "--help"] if given.about else ["--help"])
        return 0
    if given.command == "init":
        if given.kubernetes:
            plan = kubernetes.Plan(GRAPHS[given.graph](given.nodes), given.graph, given.image, given.namespace,
                                   given.tls)
            return kubernetes.write(plan, given.output)
        return init(given.nodes, given.graph, given.hosts, given.output)
    if given.command in LAB_COMMANDS:
        from herd_lab import commands  # only here: the other commands start a third faster without it
        return commands.run(given)
    try:
        herd = herd_of(given)
    except Trouble as trouble:
        if given.command != "doctor":
            raise
        return doctor.show(of_broken_configuration(given.config, str(trouble)), given.json)
    if given.command in MONITOR_COMMANDS:
        return monitor_command(herd, given)
    if IS_INSTALLED and given.command in OWNERS_COMMANDS:
        owner.act_as_owner(herd.state_dir)
    daemon = manager_of(herd)
    by_systemd = {
        "up": lambda units: units_up.up(herd, units, given.nodes),
        "down": lambda units: units_up.down(herd, units, given.nodes),
        "restart": lambda units: units_up.restart(herd, units, given.nodes, given.rolling),
        "logs": lambda units: units_up.logs(herd, units, given.nodes, given.follow, given.lines),
    }
    if isinstance(daemon, Units) and given.command in by_systemd:
        return by_systemd[given.command](daemon)
    return {
        "up": lambda: up(herd, daemon, given.nodes),
        "down": lambda: down(herd, daemon, given.nodes),
        "restart": lambda: restart(herd, daemon, given.nodes, given.rolling),
        "status": lambda: status(herd, daemon, given.json),
        "logs": lambda: logs(herd, daemon, given.nodes, given.follow, given.lines),
        "reload": lambda: reload(herd, daemon),
        "kill": lambda: kill(herd, daemon, given.node),
        "where": lambda: where(herd, given.client, given.json),
        "near": lambda: near(herd, given),
        "watch": lambda: watch(herd, given),
        "keygen": lambda: keygen(herd, given.nodes, given.action, given.every, given.json),
        "token": lambda: token(herd, given),
        "reset-client": lambda: reset_client(herd, given.client, given.json),
        "demo": lambda: demo(herd, given),
        "export": lambda: export(herd, given),
        "backup": lambda: backup(herd, given),
        "restore": lambda: restore(herd, given),
        "import": lambda: import_(herd, given),
        "doctor": lambda: doctor.doctor(herd, daemon, given.json),
        "top": lambda: top(herd, daemon, given.once, given.json),
    }[given.command]()


def main() -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    given = arguments.parse(sys.argv[1:])
    if os.environ.get("HERD_PARSE_ONLY"):  # scripts/herd checks the command line before it builds
        return 0
    try:
        result = run(given)
        sys.stdout.flush()
        return result
    except Trouble as trouble:
        print(f"scripts/herd: {trouble}", file=sys.stderr)
        return trouble.status
    except xmlrpc.client.Fault as fault:
        print(f"scripts/herd: supervisord refused: {fault.faultString}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `scripts/herd logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # That of a socket has no name.
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        if isinstance(error, PermissionError):
            text += ": run this as the user that runs the herd, or change the permissions"
        print(f"scripts/herd: {text}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
