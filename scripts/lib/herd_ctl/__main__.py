"""Entry: reads the command line, runs the command, turns trouble into one line and an exit status."""
import os
import sys
import xmlrpc.client

from . import arguments
from .bench import bench
from .daemon import Daemon
from .herd import read_herd
from .logs import logs
from .prove import prove
from .reset import reset_client
from .prove_table import prove_table
from .status import status, where
from .trouble import Trouble
from .up import reload, restart, up

INTERRUPTED = 130  # as a shell says it: 128 and SIGINT


def down(herd, daemon, names):
    wanted = herd.choose(names)
    if not daemon.is_running():
        print("No herd is running")
        return 0
    with daemon.lock():
        if names:
            stopped = daemon.stop([node.name for node in wanted])
        else:
            stopped = sorted(daemon.running())
            daemon.shutdown()
    print(f"Stopped: {', '.join(stopped) or 'nothing was running'}")
    return 0


def kill(herd, daemon, name):
    herd.choose([name])
    daemon.require()
    process = daemon.processes().get(name)
    if process is None or process["statename"] != "RUNNING":
        raise Trouble(f"{name} is not running")
    daemon.signal(name, "KILL")
    print(f"{name} (process {process['pid']}) is killed: the supervisor starts it again")
    return 0


def run(given):
    if given.command == "help":
        arguments.parser().print_help()
        return 0
    if given.command == "bench":  # its herds are its own
        return bench(given)
    herd = read_herd(given.config)
    if given.command == "prove":
        if given.table:
            return prove_table(herd.binary, {node.name: node.peers for node in herd.nodes}, given)
        return prove(herd, given)
    daemon = Daemon(herd)
    return {
        "up": lambda: up(herd, daemon, given.nodes),
        "down": lambda: down(herd, daemon, given.nodes),
        "restart": lambda: restart(herd, daemon, given.nodes, given.rolling),
        "status": lambda: status(herd, daemon, given.json),
        "logs": lambda: logs(herd, daemon, given.nodes, given.follow, given.lines),
        "reload": lambda: reload(herd, daemon),
        "kill": lambda: kill(herd, daemon, given.node),
        "where": lambda: where(herd, given.client, given.json),
        "reset-client": lambda: reset_client(herd, given.client, given.json),
    }[given.command]()


def main():
    sys.stdout.reconfigure(errors="backslashreplace")
    given = arguments.parse(sys.argv[1:])
    if os.environ.get("HERD_PARSE_ONLY"):  # scripts/herd asks before it builds
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
        what = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"scripts/herd: {what}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
