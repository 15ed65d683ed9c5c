"""up, restart and reload: everything that starts nodes or tells them something new."""
import time

from . import probe
from .herd import reachable
from .show import safe, table
from .trouble import Trouble

READY_SECONDS = 30  # beyond ready_timeout: for a slow machine


def up(herd, daemon, names):
    wanted = herd.choose(names)
    with daemon.lock():
        starter = Starter(herd, daemon)
        try:
            starter.bring_up(wanted)
        except BaseException:  # Ctrl-C too: what this call started must not stay half-started
            starter.undo()
            raise
    print_herd(herd, daemon)
    return 0


def restart(herd, daemon, names, rolling):
    wanted = herd.choose(names)
    daemon.require()
    with daemon.lock():
        starter = Starter(herd, daemon)
        for group in [[node] for node in wanted] if rolling else [wanted]:
            daemon.stop([node.name for node in group])
            starter.bring_up(group)
            if rolling:
                print(f"{group[0].name} is back")
    print_herd(herd, daemon)
    return 0


def reload(herd, daemon):
    """Tells every running node to read the configuration again, and the user what that cannot change."""
    daemon.require()
    with daemon.lock():
        running = daemon.running()
        nodes = [node for node in herd.local if node.name in running]
        for node in nodes:
            daemon.signal(node.name, "HUP")
        daemon.note_live(nodes)
        print(f"Reloaded: {', '.join(node.name for node in nodes) or 'no node runs'}")
        daemon_has = set(daemon.processes())
        old = daemon.config_path.read_text(encoding="utf-8")
        stale = [node.name for node in nodes if node.fingerprint(herd.binary) not in old]
        fresh = [node.name for node in herd.local if node.name not in daemon_has]
        gone = sorted(daemon_has - {node.name for node in herd.local})
        for what, who in (("Changed beyond what a reload can do", stale), ("New", fresh), ("Removed", gone)):
            if who:
                print(f"{what}: {', '.join(who)}. Run scripts/herd up")
    return 0


class Starter:
    """Starts nodes and remembers which, to be able to take it back."""

    def __init__(self, herd, daemon):
        self.herd = herd
        self.daemon = daemon
        self.started = {}  # name: size of its log before
        self.launched = False

    def bring_up(self, wanted):
        daemon = self.daemon
        daemon.write_config()
        names = {node.name for node in wanted}
        if daemon.is_running():
            for name in daemon.apply(names):
                print(f"{name} is no more in the configuration: stopped")
        running = daemon.running()
        to_start = [node for node in wanted if node.name not in running]
        if not to_start:
            print("All of them run already")
        self._check_free(to_start)
        if not daemon.is_running():
            self.launched = True  # before it is: an interruption may come while it detaches itself
            daemon.launch()
        self._reload_changed([node for node in wanted if node.name in running])
        for node in to_start:
            self.started[node.name] = _size(daemon.log_path(node.name))
            daemon.start(node.name)
        daemon.note_live(to_start)
        self._wait_until_ready(wanted)

    def undo(self):
        if self.launched and self.daemon.is_running():
            self.daemon.shutdown()
        elif self.started:
            self.daemon.stop(list(self.started))

    def _check_free(self, nodes):
        for node in nodes:
            process = probe.holder(self.herd.state_dir, node)
            if process:
                raise Trouble(f"{node.name} runs already, outside of this supervisor: stop process {process} first, or"
                              " set HERD_STATE_DIR to have a second herd. Nothing was started")
            taken = probe.taken_port(node)
            if taken:
                role, port = taken
                raise Trouble(f"{node.name} cannot start: port {port} ({role}) is taken by another program. Stop that,"
                              f" or change `{role}` of {node.name} in {self.herd.config}. Nothing was started")

    def _reload_changed(self, nodes):
        live = self.daemon.read_live()
        changed = [node for node in nodes if live.get(node.name) != node.live_fingerprint()]
        for node in changed:
            self.daemon.signal(node.name, "HUP")
            print(f"{node.name} reads the configuration again")
        self.daemon.note_live(changed)

    def _wait_until_ready(self, nodes):
        deadline = time.monotonic() + self.herd.ready_timeout + READY_SECONDS
        waiting = list(nodes)
        while waiting:
            processes = self.daemon.processes()
            for node in waiting:
                if processes[node.name]["statename"] not in ("STARTING", "RUNNING"):
                    raise Trouble(f"{node.name} did not start: {self._last_words(node)}")
            # supervisord counts a process as running after a second: a port that another one answers on is not ours.
            ready = probe.of_all(probe.is_ready, waiting)
            waiting = [node for node in waiting
                       if not ready[node.name] or processes[node.name]["statename"] != "RUNNING"]
            if waiting and time.monotonic() > deadline:
                raise Trouble(f"{waiting[0].name} is not ready after {READY_SECONDS} s: {self._last_words(waiting[0])}")
            time.sleep(0.05)

    def _last_words(self, node):
        """The last line that the node logged since this call started it."""
        path = self.daemon.log_path(node.name)
        try:
            with open(path, "rb") as log:
                size = _size(path)
                log.seek(max(min(self.started.get(node.name, 0), size), size - 16384))
                lines = [line for line in log.read().splitlines() if line.strip()]
        except OSError:
            lines = []
        return safe(lines[-1]) if lines else f"it said nothing, see {path}"


def _size(path):
    return path.stat().st_size if path.exists() else 0


def print_herd(herd, daemon):
    running = daemon.running()
    local = [node for node in herd.local if node.name in running]
    statuses = probe.of_all(probe.read_status, local)
    rows = []
    for node in herd.nodes:
        status = statuses.get(node.name)
        state = f"{probe.peers_up(status)}/{len(node.peers)}" if status else "-" if node.local else "remote"
        rows.append([node.name, node.clients[1], state])
    print(table(["NODE", "CLIENT PORT", "PEERS UP"], rows, right=("CLIENT PORT", "PEERS UP")))
    if local:
        print_session(local)


def print_session(nodes):
    """Lines to paste: told at the first node, asked at another."""
    first = nodes[0]
    other = next((node for node in nodes if node.name == "Campbell"), nodes[-1])
    now = time.time_ns()
    print("\nTo talk to it, paste these, a line at a time:\n")
    print("telnet {} {}".format(*reachable(first.clients)))
    print(f"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 {now // 10**9}.{now % 10**9:09}")
    print("\nand ask another node (Ctrl-] and then quit leave telnet):\n")
    print("telnet {} {}".format(*reachable(other.clients)))
    print("WHATSAT kiwi.cs.ucla.edu 10 3")
