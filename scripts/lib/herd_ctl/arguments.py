"""The command line of scripts/herd."""
from __future__ import annotations

import argparse
import difflib
import functools
import ipaddress
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from . import argument_types as types
from . import kubernetes, tool_arguments, viewers
from .init import GRAPHS, MOST_NODES, Host
from .installation import CONFIGURATION, IS_INSTALLED, SHOWN_CONFIGURATION
from .keygen import IMPORT, RETIRE, REVOKE, ROTATE, Action
from .token_file import LEVELS
from .tokens import end_of
from .trouble import BAD_USAGE

FIRST = "" if IS_INSTALLED else "install missing packages, build, "
COMMANDS = {
    "up": f"{FIRST}start nodes (default: all) and wait until they are ready; replaces a supervisor that is gone or"
          " hangs",
    "down": "stop nodes; without names, all nodes and the supervisor, even if it hangs",
    "restart": "stop and start nodes; with --rolling one after another",
    "status": "show the state of each node; exit status 0: all are up, 3: some are down, 4: none runs, 1: the"
              " supervisor is gone or hangs",
    "logs": "show the last lines of the nodes' logs, rotated ones included; -f follows the logs",
    "reload": "make the nodes read the configuration again, without a restart",
    "kill": "kill a node with SIGKILL, to see how the herd recovers: the supervisor starts the node again",
    "where": "show the record of a client at each node, and mark differences; exit status 3 if there are any; if"
             " clients need tokens, $HERD_TOKEN must be one",
    "near": "show the clients inside a circle, nearest first; if clients need tokens, $HERD_TOKEN must be one",
    "watch": "print the events of a watch as they come: `client ID`, `client BEGINNING*`, `near CLIENT|COORDINATES KM`,"
             " `within SOUTH-WEST NORTH-EAST` or `all`; goes on at another node if one is lost, until Ctrl-C",
    "reset-client": "remove the record of a client from the herd, for example after its clock was wrong; its next"
                    " report counts again",
    "init": "write a configuration for a new herd, of one host, of several, or in Kubernetes",
    "keygen": "make the keys that nodes of this host lack; replace keys; add the public keys of other hosts",
    "token": "make, list and revoke tokens, with which clients show who they are (`auth` under [clients])",
    "prove": "run load, kills and freezes on a private herd, and check that no acknowledged update is lost; exit"
             " status 0 only if none is",
    "bench": "measure this herd against Redis and other servers, side by side; takes minutes",
    **tool_arguments.COMMANDS,
    "help": "show this text, or that of one command",
}
if IS_INSTALLED:  # it measures programs of a source tree
    del COMMANDS["bench"]


SOUTHERN = re.compile(r"-\d+(?:\.\d*)?(?:[+,-].*)?$")  # coordinates south of the equator, or a negative number
WATCHED: dict[str, list[str]] = {"client": ["ID"], "near": ["CLIENT|COORDINATES", "KM"],
                                 "within": ["SOUTH-WEST", "NORTH-EAST"], "all": []}


class Parser(argparse.ArgumentParser):
    def __init__(self, **more: Any):
        super().__init__(allow_abbrev=False, **more)  # --rollin is a mistake, not a rolling restart
        self._negative_number_matcher = SOUTHERN  # of argparse: words that are operands although they begin with -

    def error(self, message: str) -> NoReturn:
        """Prints one line instead of the whole usage."""
        self.exit(BAD_USAGE, f"scripts/herd: {message} (see {self.prog} --help)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Names the nearest command instead of all of them."""
        if action.dest in ("command", "about") and value not in COMMANDS:
            close = difflib.get_close_matches(str(value), COMMANDS, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise argparse.ArgumentError(None, f"there is no command {value!r}{meant}")
        super()._check_value(action, value)


def parser() -> Parser:
    config = Parser(add_help=False)
    config.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                        help=f"the herd's configuration (default: $HERD_CONFIG, else {SHOWN_CONFIGURATION})")
    result = Parser(prog="scripts/herd", parents=[config], description="Runs a herd of nodes " + (
                        "under systemd, or under supervisord where systemd does not run." if IS_INSTALLED else
                        "under supervisord."))
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    of = {name: commands.add_parser(name, help=text, description=text, parents=[config])
          for name, text in COMMANDS.items()}
    for name in ("up", "down", "restart"):
        of[name].add_argument("nodes", metavar="NODE", nargs="*", help="only these (default: all of this host)")
    of["restart"].add_argument("--rolling", action="store_true",
                               help="one after another; each is ready before the next one stops")
    of["status"].add_argument("--json", action="store_true", help="as JSON")
    of["logs"].add_argument("-f", "--follow", action="store_true", help="show new lines as they come")
    of["logs"].add_argument("-n", "--lines", type=types.count, default=20, help="lines of each node (default: 20)")
    of["logs"].add_argument("nodes", metavar="NODE", nargs="*", help="only these (default: all of this host)")
    of["kill"].add_argument("node", metavar="NODE", help="a node of this host")
    of["where"].add_argument("client", metavar="CLIENT", help="its id in IAMAT")
    of["where"].add_argument("--json", action="store_true", help="as JSON")
    of["help"].add_argument("about", metavar="COMMAND", nargs="?", choices=tuple(COMMANDS),
                            help="show the help of this command")
    _add_near(of["near"])
    _add_watch(of["watch"])
    of["reset-client"].add_argument("client", metavar="CLIENT")
    of["reset-client"].add_argument("--json", action="store_true", help="as JSON")
    _add_init(of["init"])
    _add_keygen(of["keygen"])
    _add_token(of["token"], config)
    _add_prove(of["prove"])
    tool_arguments.add(of)
    if not IS_INSTALLED:
        _add_bench(of["bench"])
    return result


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("--rows", metavar="ROW", nargs="+", default=[], help="only these (default: all)")
    bench.add_argument("--rounds", type=types.positive, default=5,
                       help="rounds; the sides alternate (default: 5)")
    bench.add_argument("--seconds", type=types.seconds, default=1.5, help="of each measurement (default: 1.5)")
    bench.add_argument("--quick", action="store_true",
                       help="a hundredth of the clients in the rows of clients that ask and watch; a test")
    bench.add_argument("--instructions", action="store_true",
                       help="also count instructions, under valgrind; takes a minute more")
    bench.add_argument("--against", metavar="PROGRAM", type=_program,
                       help="compare with the herd-node of another build instead of other servers")
    bench.add_argument("--json", metavar="FILE", help="also write all figures of all rounds to this file")
    bench.add_argument("--markdown", metavar="FILE",
                       help="write the figures to this file as tables; of docs/PERFORMANCE.md only the tables")


def _add_near(near: argparse.ArgumentParser) -> None:
    near.add_argument("centre", metavar="CLIENT|COORDINATES", type=types.place,
                      help="the middle: a client's id, or coordinates such as -33.86,151.21 or -33.86+151.21")
    near.add_argument("km", metavar="KM", type=types.kilometres, help="the radius in kilometres, 0 to 20016")
    near.add_argument("--max", metavar="N", type=types.positive, default=20,
                      help="the most clients that are shown (default: 20)")
    near.add_argument("--match", metavar="PREFIX*", type=types.pattern, help="only clients with ids that begin so")
    near.add_argument("--newer", metavar="S", type=types.decimal, help="only reports that are at most S seconds old")
    near.add_argument("--node", metavar="NODE", help="ask this node (default: the first one that answers)")
    near.add_argument("--json", action="store_true", help="as JSON")


def _add_watch(watch: argparse.ArgumentParser) -> None:
    watch.add_argument("what", metavar="WHAT", nargs="+", type=types.word,
                       help="what to watch: see above; the shell needs quotes around a *")
    watch.add_argument("--match", metavar="PREFIX*", type=types.pattern, help="only clients with ids that begin so")
    watch.add_argument("--slack", metavar="KM", type=types.kilometres,
                       help="near: a client leaves only beyond the radius and this distance together")
    watch.add_argument("--dwell", metavar="S", type=types.decimal,
                       help="near, within: a client enters only after S seconds inside")
    watch.add_argument("--every", metavar="S", type=types.decimal, help="at most one move of a client in S seconds")
    watch.add_argument("--beat", metavar="S", type=types.decimal,
                       help="a tick after S seconds without another event, 5 to 3600")
    watch.add_argument("--once", action="store_true", help="only the clients that are inside now, then end")
    watch.add_argument("--node", metavar="NODE", help="begin at this node (default: the first one that answers)")
    watch.add_argument("--json", action="store_true", help="each event as a line of JSON")


def _add_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("--nodes", metavar="N", type=_nodes,
                      help=f"number of nodes, 1 to {MOST_NODES}; required, except with --kubernetes (default:"
                           f" {kubernetes.DEFAULT_NODES})")
    init.add_argument("--graph", choices=GRAPHS, default="ring", help="the links between them (default: ring)")
    init.add_argument("--hosts", metavar="HOST,HOST,…", type=_hosts, default=[],
                      help="spread the nodes over these hosts, names or IP addresses (default: all on this host)")
    init.add_argument("--output", metavar="FILE",
                      help="the file to write, which must not exist; -: standard output (default: herd.toml); with"
                           f" --kubernetes a directory (default: {kubernetes.DEFAULT_DIRECTORY})")
    init.add_argument("--kubernetes", action="store_true",
                      help="write a directory for `kubectl apply -k`; each node is a pod")
    init.add_argument("--image", metavar="NAME", type=_image,
                      help=f"--kubernetes: the image of the nodes (default: {kubernetes.DEFAULT_IMAGE})")
    init.add_argument("--namespace", metavar="NS", type=_namespace,
                      help=f"--kubernetes: the namespace of the herd (default: {kubernetes.DEFAULT_NAMESPACE})")
    init.add_argument("--tls", action="store_true",
                      help="--kubernetes: TLS for clients and for the HTTP pages; needs a certificate")


def _add_keygen(keygen: argparse.ArgumentParser) -> None:
    keygen.add_argument("nodes", metavar="NODE", nargs="*", help="only these (default: all of this host)")
    action = keygen.add_mutually_exclusive_group()
    for kind, operand, text in (
            (ROTATE, "NODE", "add a second key to a node of this host, which is to replace the first"),
            (RETIRE, "NODE", "remove the first of its two keys, and revoke it"),
            (REVOKE, "NODE", "revoke all keys of a node of any host: it is removed, or its key is lost or stolen"),
            (IMPORT, "FILE", "add the keys of another host's public.toml; -: standard input"),
            (viewers.ADD, "NAME", "make the key of a viewer of the monitors beyond loopback, in the file NAME.viewer of"
                                  " the current directory"),
            (viewers.REMOVE, "NAME", "remove the key of a viewer: a reload disconnects it")):
        action.add_argument(f"--{kind}", metavar=operand, dest="action", type=functools.partial(Action, kind),
                            help=text)
    keygen.add_argument("--all", action="store_true", dest="every",
                        help="for nodes of other hosts, too: this host makes the keys of the whole herd, and you copy"
                             " each NAME.secret to its node; for Kubernetes")
    keygen.add_argument("--json", action="store_true", help="as JSON")


def _add_token(token: Parser, config: Parser) -> None:
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    of = {name: actions.add_parser(name, help=text, description=text, parents=[config]) for name, text in (
        ("new", "make a token, and print it once; only its hash is stored"),
        ("list", "show the tokens' names and rights"),
        ("revoke", "remove a token; its connections end at the next reload"))}
    for action in of.values():
        action.add_argument("--json", action="store_true", help="as JSON")
    for name in ("new", "revoke"):
        of[name].add_argument("name", metavar="NAME", help="1 to 63 letters, digits, _ or -")
    for option, text in (("--tell", "clients that it may report: an id, a beginning of ids and *, or * for every client"
                                    " (the default); empty for none; may be repeated"),
                         ("--see", "clients that it may ask for and watch, in the same way")):
        of["new"].add_argument(option, metavar="PATTERN", action="append", help=text)
    of["new"].add_argument("--level", choices=LEVELS, default="all",
                           help="events: only that clients enter or leave, no queries; latest: also where they are;"
                                " all (default: all)")
    of["new"].add_argument("--expires", metavar="DATE", type=_end,
                           help="the last day on which it is valid, in UTC: 2027-01-31, or the time of its end:"
                                " 2027-01-31T12:00:00Z (default: it does not expire)")


def _add_prove(prove: argparse.ArgumentParser) -> None:
    duration = prove.add_mutually_exclusive_group()
    duration.add_argument("--seconds", metavar="S", type=types.seconds,
                          help="duration of the faults (default: 60, or what their numbers need)")
    duration.add_argument("--minutes", metavar="M", type=types.minutes, dest="seconds", help="the same in minutes")
    prove.add_argument("--ack", choices=("memory", "write", "fsync"), default="write",
                       help="acknowledgement level (default: write)")
    prove.add_argument("--replicas", metavar="K", type=types.count, default=0,
                       help="peers that must have an update, too, before it is acknowledged (default: 0)")
    prove.add_argument("--kills", metavar="N", type=types.count,
                       help="number of SIGKILLs (default: follows from the duration; 0 with --ack memory)")
    prove.add_argument("--freezes", metavar="N", type=types.count,
                       help="number of SIGSTOPs (default: follows from the duration)")
    prove.add_argument("--blackouts", metavar="N", type=types.count, default=0,
                       help="number of SIGKILLs of all nodes at once")
    prove.add_argument("--restores", metavar="N", type=types.count, default=0,
                       help="number of SIGKILLs with a restart from an older backup of the journal; needs --replicas")
    kind = prove.add_mutually_exclusive_group()
    kind.add_argument("--chaos", action="store_true",
                      help="every kind of fault, also of the network between the nodes, each every ten seconds")
    kind.add_argument("--hosts", action="store_true",
                      help="each node on a host of its own, a network namespace; kills, freezes, cuts, loss and delay"
                           " of packets, each every ten seconds; needs root")
    kind.add_argument("--table", action="store_true",
                      help="a trial for each kind of fault, and a table of their outcomes")
    prove.add_argument("--wipe", action="store_true", help="killed nodes come back with an empty state directory")
    prove.add_argument("--seed", metavar="N", type=types.count,
                       help="the same seed gives the same faults at the same times")
    prove.add_argument("--connections", metavar="N", type=types.positive, default=50,
                       help="connections of clients (default: 50)")
    prove.add_argument("--depth", metavar="N", type=types.positive, default=16,
                       help="reports in flight on each connection (default: 16)")
    prove.add_argument("--json", action="store_true", help="as JSON")


def _end(text: str) -> str:
    try:
        return end_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date in the future: write it as 2027-01-31") from None


def _nodes(text: str) -> int:
    if not 1 <= types.count(text) <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MOST_NODES}")
    return int(text)


def _host(word: str) -> Host:
    """As herd-node judges it: a text of digits and points only is a wrong IPv4 address, and not a name."""
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", word) and not re.fullmatch(r"[0-9.]+", word):
            return word
    raise argparse.ArgumentTypeError(f"{word!r} is neither a host name nor an IP address: write some, separated by"
                                     " commas")


def _hosts(text: str) -> list[Host]:
    hosts = [_host(word) for word in text.split(",")]
    twice = next((host for host in hosts if hosts.count(host) > 1), None)
    if twice:
        raise argparse.ArgumentTypeError(f"{twice} is there twice: once is enough")
    if any(not isinstance(host, str) and (host.is_unspecified or host.is_multicast) for host in hosts):
        raise argparse.ArgumentTypeError(f"{text!r} contains an address that no host has: write the hosts' own ones")
    return hosts


def _image(text: str) -> str:
    """A reference to an image: a name with an optional host, and a tag or a digest."""
    if not re.fullmatch(r"[a-z0-9][a-zA-Z0-9._:/@-]{0,254}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of an image: write it as registry.example/herd:1.0")
    return text


def _namespace(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a namespace: write 1 to 63 letters a to z, digits"
                                         " or -")
    return text


def _check_init(reader: Parser, given: argparse.Namespace) -> None:
    """Completes and checks the arguments that depend on each other."""
    if given.kubernetes:
        if given.hosts:
            reader.error("--hosts and --kubernetes exclude each other: Kubernetes chooses the hosts")
        given.nodes = given.nodes or kubernetes.DEFAULT_NODES
        given.output = given.output or kubernetes.DEFAULT_DIRECTORY
        given.image = given.image or kubernetes.DEFAULT_IMAGE
        given.namespace = given.namespace or kubernetes.DEFAULT_NAMESPACE
        if given.output == "-":
            reader.error("--kubernetes writes several files: name a directory with --output")
        return
    for option in ("image", "namespace", "tls"):
        if getattr(given, option):
            reader.error(f"--{option} is only for --kubernetes: remove it, or add --kubernetes")
    if given.nodes is None:
        reader.error("--nodes is missing: write the number of nodes")
    given.output = given.output or "herd.toml"


def _program(text: str) -> pathlib.Path:
    path = pathlib.Path(text).absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be run: name the herd-node of another build")
    return path


def _watched(reader: Parser, words: list[str]) -> str:
    """The words after WATCH and its tag in the language of the nodes."""
    kind, *operands = words
    if kind not in WATCHED:
        reader.error(f"{kind!r} cannot be watched: use {', '.join(WATCHED)}")
    if len(operands) != len(WATCHED[kind]):
        words_after = f"{len(operands)} word{'' if len(operands) == 1 else 's'}"
        reader.error(f"`watch {kind}` has {words_after} after it: write it as"
                     f" `{' '.join(['watch', kind, *WATCHED[kind]])}`")
    if kind in ("near", "within"):
        operands = [types.place(operand) for operand in operands]
    return " ".join([kind.upper(), *operands])


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line without its first word; exits with a message if it makes no sense."""
    reader = parser()
    given, unknown = reader.parse_known_args(words)
    reader.prog = f"scripts/herd {given.command}"  # its errors name the --help of the command
    if unknown:
        reader.error(f"unrecognized arguments: {' '.join(unknown)}")
    if given.command == "keygen" and given.nodes and given.action:
        reader.error(f"{given.nodes[0]} is one argument too many: --{given.action.kind} has only the one after it")
    if given.command == "init":
        _check_init(reader, given)
    if given.command == "watch":
        given.what = _watched(reader, given.what)
    given.config = getattr(given, "config", None) or os.environ.get("HERD_CONFIG") or str(CONFIGURATION)
    return given
