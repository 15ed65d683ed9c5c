"""supervisord: its configuration in the state directory, its start, and what is asked of it over its socket.

Programs never start by themselves (autostart=false): `up` says which, and supervisord keeps them running.
"""
import contextlib
import fcntl
import json
import os
import resource
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client

from .trouble import NONE_RUNNING, Trouble

try:
    from supervisor.xmlrpc import SupervisorTransport
except ImportError:
    SupervisorTransport = None

# sun_path has 108 bytes with a NUL; supervisord first binds a name with "." and its process id behind it.
LONGEST_SOCKET_PATH = 107 - len(".4194304")
START_SECONDS = 10
DESCRIPTORS = 1024  # supervisord's own default
QUOTES = ("'", '"')
RUNNING_STATES = ("STARTING", "RUNNING", "BACKOFF")
ALIVE_STATES = RUNNING_STATES + ("STOPPING",)


def _descriptors():
    """What supervisord asks of the system: no more than there is. A node that cannot do with it says so."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)


def quoted(value, more=()):
    """A path (or words with paths) as the configuration of supervisord can hold it, or Trouble."""
    text = str(value)
    # Some options of supervisord expand a percent sign once, some twice: none can be written for all.
    for bad in ("%", "\n", "\t", " ;", " #", *more):
        if bad in text:
            raise Trouble(f"supervisord cannot be told of {text!r}: use paths without {bad!r}")
    return text


def quoted_variable(value):
    """As quoted, for what stands between quotes in a list of variables."""
    return f'"{quoted(value, more=QUOTES)}"'


@contextlib.contextmanager
def writing(path):
    """Around what makes or writes files of the state: what the system refuses becomes one line."""
    try:
        yield
    except OSError as error:
        raise Trouble(f"{error.filename or path} cannot be written ({error.strerror}): make room or permit it, or set"
                      " HERD_STATE_DIR to a directory of your own") from None


class Daemon:
    """The supervisord of one herd. Owns nothing; each call connects anew, so it may come and go."""

    def __init__(self, herd):
        self.herd = herd
        self.directory = herd.state_dir
        self.socket_path = self.directory / "supervisor.sock"
        self.config_path = self.directory / "supervisord.conf"
        self.live_path = self.directory / "live.json"

    def log_path(self, name):
        return self.directory / "logs" / f"{name}.log"

    # What supervisord is told.

    def _program(self, node):
        command = [str(self.herd.binary), "--config", str(self.herd.config), "--", node.name]
        return f"""
[program:{node.name}]
command={quoted(shlex.join(command))}
environment=HERD_STATE_DIR={quoted_variable(self.directory)},HERD_FINGERPRINT="{node.fingerprint(self.herd.binary)}"
directory={quoted(self.directory)}
autostart=false
; Whatever ends is started again, but for a bad configuration, which would only end again.
autorestart=unexpected
exitcodes=2
startsecs=1
startretries=3
stopsignal=TERM
stopwaitsecs=10
redirect_stderr=true
stdout_logfile={quoted(self.log_path(node.name))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""

    def config_text(self):
        head = f"""; Written by scripts/herd from {quoted(self.herd.config)}: changes here are lost.
[unix_http_server]
file={quoted(self.socket_path)}
chmod=0600

[supervisord]
logfile={quoted(self.directory / "logs/supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=1
pidfile={quoted(self.directory / "supervisord.pid")}
childlogdir={quoted(self.directory / "logs")}
umask=077
minfds={_descriptors()}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
        return head + "".join(self._program(node) for node in self.herd.local)

    def make_directory(self):
        length = len(os.fsencode(self.socket_path))
        if length > LONGEST_SOCKET_PATH:
            raise Trouble(f"{self.socket_path} is too long for a socket by {length - LONGEST_SOCKET_PATH} bytes: set"
                          " HERD_STATE_DIR (or state_dir) to a shorter path")
        with writing(self.directory):
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            for directory in (self.directory, self.directory / "logs"):
                directory.mkdir(mode=0o700, exist_ok=True)

    def write_config(self):
        self.make_directory()
        text = self.config_text()
        with writing(self.config_path):
            if not self.config_path.exists() or self.config_path.read_text(encoding="utf-8") != text:
                self.config_path.write_text(text, encoding="utf-8")

    @contextlib.contextmanager
    def lock(self):
        """One command at a time may change the herd."""
        self.make_directory()
        path = self.directory / "herd.lock"
        with writing(path):
            file = open(path, "w", encoding="utf-8")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Waiting for another scripts/herd to end", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # Asking it.

    def _call(self):
        if SupervisorTransport is None:
            raise Trouble("supervisor is not installed: run scripts/deps")
        transport = SupervisorTransport(None, None, f"unix://{self.socket_path}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def is_running(self):
        if SupervisorTransport is None:
            raise Trouble("supervisor is not installed: run scripts/deps")
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(os.fsencode(self.socket_path))
            return True
        except PermissionError:
            raise Trouble(f"{self.socket_path} is not yours to use: ask as the user who started that herd, or set"
                          " HERD_STATE_DIR to a directory of your own") from None
        except OSError:
            return False

    def require(self):
        if not self.is_running():
            raise Trouble(f"no herd is running on {self.directory}: start it with scripts/herd up", NONE_RUNNING)

    def processes(self):
        """{name: supervisord's word on it}; empty where no supervisord runs."""
        if not self.is_running():
            return {}
        return {info["name"]: info for info in self._call().getAllProcessInfo()}

    def running(self, states=RUNNING_STATES):
        return {name for name, info in self.processes().items() if info["statename"] in states}

    # Changing what runs.

    def launch(self):
        """Starts supervisord, which detaches itself, and waits until it answers."""
        ran = subprocess.run([sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config_path)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False, start_new_session=True)
        if ran.returncode != 0:
            raise Trouble(f"supervisord did not start: {' '.join(ran.stdout.split())}")
        self._wait(self.is_running, "supervisord does not answer")

    def apply(self, names):
        """Takes the written configuration over: removes what it no longer has; of `names`, adds what is new and stops
        what changed. What stands as it should is not touched."""
        call = self._call()
        added, changed, removed = call.reloadConfig()[0]
        for name in removed + [name for name in changed if name in names]:
            call.stopProcessGroup(name)
            call.removeProcessGroup(name)
        for name in added + [name for name in changed if name in names]:
            call.addProcessGroup(name)
        return removed

    def start(self, name):
        self._call().startProcess(name, False)

    def stop(self, names):
        """Asks all to stop at once, then waits for each."""
        call = self._call()
        running = self.running()
        names = [name for name in names if name in running]
        for name in names:
            self._tolerate(lambda name=name: call.stopProcess(name, False))
        self._wait(lambda: not self.running(ALIVE_STATES) & set(names), "a node does not stop", seconds=20)
        return names

    def signal(self, name, signal):
        self._call().signalProcess(name, signal)

    def shutdown(self):
        """Ends supervisord and with it every node."""
        pid_file = self.directory / "supervisord.pid"
        self._tolerate(lambda: self._call().shutdown())
        self._wait(lambda: not self.is_running() and not pid_file.exists(), "supervisord does not end", seconds=20)

    @staticmethod
    def _tolerate(action):
        """A process that has ended in the meantime need not be stopped any more."""
        with contextlib.suppress(xmlrpc.client.Fault, OSError):
            action()

    @staticmethod
    def _wait(condition, complaint, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Trouble(complaint)
            time.sleep(0.05)

    # Which live settings each node was started or reloaded with.

    def read_live(self):
        try:
            return json.loads(self.live_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def note_live(self, nodes):
        live = self.read_live() | {node.name: node.live_fingerprint() for node in nodes}
        with writing(self.live_path):
            self.live_path.write_text(json.dumps(live), encoding="utf-8")
