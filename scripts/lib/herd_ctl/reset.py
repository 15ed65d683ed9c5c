"""Resetting a client: an operator removes its record from the herd, through the admin socket of a running node."""
from __future__ import annotations

import json
import os
import pathlib
import re
import socket
from typing import Any

from . import order, processes
from .herd import Herd, Node
from .show import safe
from .trouble import BAD_USAGE, NONE_RUNNING, Trouble

GRACE_SECONDS = 3.0   # after `ack_timeout`, in which the node itself reports a failure
LONGEST_ACK_TIMEOUT = 60.0
NO_ID = re.compile(rb"[\x00-\x20\x7f\xff]")
MAX_CLIENT_BYTES = 255


def checked(client: str) -> bytes:
    """The client's id as bytes. Trouble if it is no valid id."""
    name = os.fsencode(client)
    if not name or len(name) > MAX_CLIENT_BYTES or NO_ID.search(name):
        raise Trouble(f"'{safe(name)}' is not a client's id: use 1 to {MAX_CLIENT_BYTES} bytes without blanks and"
                      " control bytes", BAD_USAGE)
    return name


def say(directory: str | pathlib.Path, line: bytes,
        seconds: float = LONGEST_ACK_TIMEOUT + GRACE_SECONDS) -> dict[str, Any] | None:
    """Sends one line to the admin socket of the node with this state directory. Returns its reply as a dictionary; None
    if no node listens there. Waits at most `seconds`."""
    try:
        descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise _not_permitted(directory) from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(f"/proc/self/fd/{descriptor}/control")  # the path itself may be too long for a socket
            connection.sendall(line + b"\n")
            with connection.makefile("rb") as reply:
                answer: dict[str, Any] = json.loads(reply.readline())
                return answer
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError:
        raise _not_permitted(directory) from None
    except (OSError, ValueError) as problem:
        raise Trouble(f"the node of {directory} accepted the command, but did not answer: try again"
                      f" ({problem})") from None
    finally:
        os.close(descriptor)


def _not_permitted(directory: str | pathlib.Path) -> Trouble:
    return Trouble(f"{directory} belongs to another user: run this as the user that runs the herd")


def answer_seconds(node: Node) -> float:
    milliseconds = node.live_settings.get("updates.ack_timeout")
    return float(milliseconds) / 1000 + GRACE_SECONDS if milliseconds else LONGEST_ACK_TIMEOUT + GRACE_SECONDS


def without_socket(herd: Herd, names: list[str]) -> str:
    """A sentence for each of these nodes that runs without an admin socket; empty if there is none."""
    running = [node for node in processes.running_nodes(herd.state_dir, names).values() if node.name in names]
    return "; ".join(f"{node.name} runs (process {node.pid}), but its socket "
                     f"{herd.state_dir / 'nodes' / node.name / 'control'} is missing. The node creates it again within"
                     f" seconds: try again; if that fails, run scripts/herd restart {node.name}" for node in running)


def reset_client(herd: Herd, client: str, as_json: bool) -> int:
    name = checked(client)
    answer = None
    silent = []
    frozen = {node.name: node.pid for node in order.frozen_nodes(herd.state_dir, [node.name for node in herd.local])}
    for node in herd.local:
        if node.name in frozen:
            continue
        latest = say(herd.state_dir / "nodes" / node.name, b"reset-client " + name, answer_seconds(node))
        if latest is None:
            silent.append(node.name)
        answer = latest or answer
        if answer and answer["result"] != "unknown":
            break
    if frozen and (answer is None or answer["result"] == "unknown"):
        order.warn_of_frozen(herd)
        raise Trouble("no other node of this host knows that client" if answer else
                      "no other node of this host answers")
    missing = without_socket(herd, silent) if answer is None or answer["result"] == "unknown" else ""
    if answer is None and missing:
        raise Trouble(missing)
    if answer is None:
        raise Trouble("no node of this host is running: scripts/herd up starts them", NONE_RUNNING)
    if answer["result"] == "error":
        raise Trouble(answer["message"])
    if answer["result"] == "unknown":
        raise Trouble(f"no running node of this host knows a client '{safe(name)}'"
                      + (f", but not all nodes could be asked: {missing}" if missing else ""))
    if as_json:
        print(json.dumps(answer | {"client": safe(name)}))
    elif answer["result"] == "already":
        print(f"{safe(name)} is reset already, and has not reported since")
    else:
        print(f"{safe(name)} is reset at {answer['node']}, which sends the reset to all nodes: WHATSAT replies ? until"
              " the client reports again")
    return 0
