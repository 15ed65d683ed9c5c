"""Asking a node from outside: its HTTP, its client port, and whether its ports are free."""
import concurrent.futures
import fcntl
import http.client
import json
import socket

from .herd import ROLES, reachable

TIMEOUT = 2.0  # seconds; a node that lives answers within milliseconds


def _get(node, path):
    connection = http.client.HTTPConnection(*reachable(node.http), timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def is_ready(node):
    """What /readyz says; of a node without HTTP, whether it takes clients."""
    try:
        if node.http:
            return _get(node, "/readyz")[0] == 200
        socket.create_connection(reachable(node.clients), TIMEOUT).close()
        return True
    except (OSError, http.client.HTTPException):
        return False


def read_status(node):
    """/status.json as a dictionary, None if there is no answer."""
    if not node.http:
        return None
    try:
        status, body = _get(node, "/status.json")
        return json.loads(body) if status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def peers_up(status):
    return sum(1 for link in links_of(status) if link.get("state") == "up")


def links_of(status):
    links = (status or {}).get("links", {})
    return list(links.values()) if isinstance(links, dict) else links


def updates(status):
    """Changes of the store so far, told by clients or heard from peers."""
    counters = (status or {}).get("counters", {})
    return counters.get("iamat_stored", 0) + counters.get("bus_updates_merged", 0)


def ask(node, line):
    """The first line of the reply to a line, as bytes without its end; None if there is no answer."""
    try:
        with socket.create_connection(reachable(node.clients), TIMEOUT) as connection:
            connection.sendall(line + b"\n")
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as reply:
                return reply.readline().rstrip(b"\n") or None
    except OSError:
        return None


def taken_port(node):
    """(role, port) of the first port of the node that some program has already, else None."""
    for role in ROLES:
        address = getattr(node, role)
        if address and not _is_free(address):
            return role, address[1]
    return None


def holder(state_dir, node):
    """The process, as text, that has locked the node's state directory; None if it is free."""
    try:
        with open(state_dir / "nodes" / node.name / "lock", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return lock.read().strip() or "unknown"
    except OSError:
        return None


def _is_free(address):
    for family, kind, protocol, _, where in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the node: what only lingers is free
            try:
                attempt.bind(where)
                attempt.listen(1)
            except OSError:
                return False
    return True


def of_all(question, nodes):
    """{name: question(node)}, asked of all at once: a node that hangs costs its own time-out only."""
    if not nodes:
        return {}
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        return dict(zip([node.name for node in nodes], pool.map(question, nodes)))
