"""The command line of scripts/herd."""
import argparse
import os
import pathlib

from .herd import REPOSITORY
from .trouble import BAD_USAGE

COMMANDS = {
    "up": "install what is missing, build, start nodes (all by default) and wait until they are ready; replaces a"
          " supervisor that is gone or hangs",
    "down": "stop nodes; without a name, all of them and the supervisor, also one that hangs",
    "restart": "stop and start nodes; with --rolling one after another",
    "status": "each node's state; exit status 0 all up, 3 some down, 4 none running; 1 if the supervisor is gone or"
              " hangs",
    "logs": "the last lines of the nodes' logs, also of rotated ones; -f follows",
    "reload": "have the nodes read the configuration again, without a restart",
    "kill": "SIGKILL a node, to see the herd heal: the supervisor starts it again",
    "where": "what each node says of a client, differences marked; exit status 3 if there are any",
    "reset-client": "take back what the herd knows of a client, whose clock may have been wrong, until it is heard again",
    "prove": "load, kills and freezes on a private herd: is anything acknowledged lost? Exit status 0 only if not",
    "bench": "measure this herd against Redis and others, side by side; takes minutes",
    "help": "this text",
}


class Parser(argparse.ArgumentParser):
    def __init__(self, **more):
        super().__init__(allow_abbrev=False, **more)  # --rollin is a mistake, and no rolling restart

    def error(self, message):
        """One line instead of the whole usage."""
        self.exit(BAD_USAGE, f"scripts/herd: {message} (scripts/herd help says more)\n")


def parser():
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                        help="the herd's configuration (default: $HERD_CONFIG, else conf/herd.toml)")
    whole = Parser(prog="scripts/herd", parents=[config], description="Runs a herd of nodes under supervisord.")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    of = {name: commands.add_parser(name, help=text, description=text, parents=[config])
          for name, text in COMMANDS.items()}
    for name in ("up", "down", "restart"):
        of[name].add_argument("nodes", metavar="NODE", nargs="*", help="these alone (default: all of this host)")
    of["restart"].add_argument("--rolling", action="store_true", help="one after another, each ready before the next")
    of["status"].add_argument("--json", action="store_true", help="for programs")
    of["logs"].add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    of["logs"].add_argument("-n", "--lines", type=_count, default=20, help="of each node (default: 20)")
    of["logs"].add_argument("nodes", metavar="NODE", nargs="*", help="these alone (default: all of this host)")
    of["kill"].add_argument("node", metavar="NODE", help="of this host")
    of["where"].add_argument("client", metavar="CLIENT", help="as it names itself in IAMAT")
    of["where"].add_argument("--json", action="store_true", help="for programs")
    of["reset-client"].add_argument("client", metavar="CLIENT")
    of["reset-client"].add_argument("--json", action="store_true", help="for programs")
    _add_prove(of["prove"])
    of["bench"].add_argument("--rows", metavar="ROW", nargs="+", default=[], help="only these (default: all)")
    of["bench"].add_argument("--rounds", type=_positive, default=5, help="of each side, in turns (default: 5)")
    of["bench"].add_argument("--seconds", type=_seconds, default=1.5, help="of each measurement (default: 1.5)")
    of["bench"].add_argument("--instructions", action="store_true",
                             help="also count instructions, under valgrind: a minute more")
    of["bench"].add_argument("--against", metavar="PROGRAM", type=_program,
                             help="compare with the herd-node of another build, instead of with other servers")
    of["bench"].add_argument("--json", metavar="FILE", help="write all figures of all rounds there too")
    of["bench"].add_argument("--markdown", metavar="FILE",
                             help="write the figures there as tables; of docs/PERFORMANCE.md only its tables")
    return whole


def _add_prove(prove):
    prove.add_argument("--seconds", metavar="S", type=_seconds, help="of faults (default: 60, or as many as they want)")
    prove.add_argument("--ack", choices=("memory", "write", "fsync"), default="write", help="default: write")
    prove.add_argument("--replicas", metavar="K", type=_count, default=0,
                       help="peers that must keep an update as well before it is acknowledged (default: 0)")
    prove.add_argument("--kills", metavar="N", type=_count, help="SIGKILLs (default: by the time; at memory none)")
    prove.add_argument("--freezes", metavar="N", type=_count, help="SIGSTOPs (default: by the time)")
    prove.add_argument("--blackouts", metavar="N", type=_count, default=0, help="SIGKILLs of all nodes at once")
    prove.add_argument("--restores", metavar="N", type=_count, default=0,
                       help="SIGKILLs after which an older copy of the node's journal is put back; wants --replicas")
    prove.add_argument("--chaos", action="store_true",
                       help="every kind of fault, of the network between the nodes too, each every ten seconds")
    prove.add_argument("--table", action="store_true", help="each kind of fault by itself, and a table of what came of it")
    prove.add_argument("--wipe", action="store_true", help="killed nodes come back with an empty state directory")
    prove.add_argument("--seed", metavar="N", type=_count, help="the same seed breaks the same nodes at the same times")
    prove.add_argument("--connections", metavar="N", type=_positive, default=50, help="of clients (default: 50)")
    prove.add_argument("--depth", metavar="N", type=_positive, default=16,
                       help="reports in flight, a connection (default: 16)")
    prove.add_argument("--json", action="store_true", help="for programs")


def _program(text: str) -> pathlib.Path:
    path = pathlib.Path(text).absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be run: name the herd-node of another build")
    return path


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _positive(text):
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few")
    return int(text)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 0.1 to 86400 seconds")
    return seconds


def parse(words):
    given = parser().parse_args(words)
    given.config = getattr(given, "config", None) or os.environ.get("HERD_CONFIG") or str(REPOSITORY / "conf/herd.toml")
    return given
