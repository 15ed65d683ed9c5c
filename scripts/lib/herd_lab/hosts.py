"""Hosts that are real to the kernel: a network namespace for each, with an address of its own, and a relay between them
that delays, drops and cuts (packet_relay.py). Needs root and Linux.

    with Hosts.connect(["n0", "n1"]) as hosts:
        herd = PrivateHerd.create(binary, graph, hosts=hosts, curve=True)
        hosts.impair([("n0", "n1")], Condition(loss=1.0))   # n1 no longer receives what n0 sends
        hosts["n1"].set_link("down")                        # its network cable

One process makes the namespaces. In each one it has a TUN device, eth0, which gives it every packet that the host
sends. The namespaces end with that process and this one, so nothing is left after a SIGKILL. There is no way out of
them: a packet for another address is dropped.
"""
from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import select
import shutil
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkProcess
from typing import Self

from herd_ctl.trouble import Trouble

from . import network as net
from .endpoint import CLONE_NEWNET, call_kernel
from .packet_relay import Condition, Lane, PacketRelay
from .processes import become_helper

TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MOST_HOSTS = 250
PACKET = 65_536  # bytes; the MTU is 1500
BURST = 64       # packets that one host may send before the others are asked

LOSS = "loss"    # one packet of five is dropped
CONDITIONS = {net.PASS: Condition(), net.CUT: Condition(loss=1.0), LOSS: Condition(loss=0.2),
              net.DELAY: Condition(delay=0.05)}
FAULTS = (net.CUT, LOSS, net.DELAY)


class Host:
    """One of the hosts: its name, its address and its namespace. `number` counts from 1."""

    def __init__(self, name: str, number: int, version: int, namespace: str):
        self.name = name
        self.number = number
        self.version = version
        self.namespace = namespace  # a file
        self.address = address_of(number, version, 1)

    @property
    def enter(self) -> list[str]:
        """The words before a command line that runs it on this host."""
        return ["nsenter", f"--net={self.namespace}"]

    def ip(self, *words: str) -> None:
        """The command ip on this host."""
        ran = subprocess.run([*self.enter, "ip", *words], capture_output=True, text=True, check=False, timeout=30,
                             env=os.environ | {"PATH": PATH})
        if ran.returncode != 0:
            raise Trouble(f"ip {' '.join(words)} on {self.name}: {ran.stderr.strip()}")

    def set_link(self, state: str) -> None:
        """`state` is "up" or "down": the network cable of the host. Its connections are not reset."""
        self.ip("link", "set", "eth0", state)

    def move(self, last: int) -> None:
        """Replaces the host's address by the one with `last` at its end, 1 to 254."""
        self.ip("addr", "del", f"{self.address}/{prefix(self.version)}", "dev", "eth0")
        self.address = address_of(self.number, self.version, last)
        self.ip("addr", "add", *address_words(self.address, self.version))

    def url(self, port: int) -> str:
        """For `bus` of a node on this host."""
        return f"tcp://[{self.address}]:{port}" if self.version == 6 else f"tcp://{self.address}:{port}"


def address_of(number: int, version: int, last: int) -> str:
    return f"fd77::{number:x}:{last:x}" if version == 6 else f"10.77.{number}.{last}"


def prefix(version: int) -> int:
    return 64 if version == 6 else 16


def address_words(address: str, version: int) -> list[str]:
    """The words after `ip addr add`. Without nodad an IPv6 address could not be used in its first second."""
    return [f"{address}/{prefix(version)}", "dev", "eth0", *(["nodad"] if version == 6 else [])]


class Hosts:
    """All hosts, and the relay between them. A lane is (name of the sender, name of the receiver)."""

    def __init__(self, process: ForkProcess, commands: Pipe, hosts: Mapping[str, Host], descriptors: Sequence[int]):
        """For connect()."""
        self._process = process
        self._commands = commands
        self._hosts = hosts
        self._descriptors = descriptors  # of the namespaces

    @classmethod
    def connect(cls, names: Sequence[str], *, version: int = 4, seed: int = 0) -> Self:
        """Makes the hosts. `version` of IP is 4 or 6; they have addresses of no other version. Trouble, a sentence, if
        this machine does not allow it."""
        if os.geteuid() != 0:
            raise Trouble("hosts of their own need root: network namespaces and TUN devices")
        for command in ("ip", "nsenter"):
            if shutil.which(command, path=PATH) is None:
                raise Trouble(f"hosts of their own need the command {command}: install iproute2 and util-linux")
        assert 1 <= len(names) <= MOST_HOSTS, names
        context = multiprocessing.get_context("fork")
        commands, theirs = context.Pipe()
        process = context.Process(target=_run, args=(len(names), version, seed, theirs), daemon=True)
        process.start()
        theirs.close()
        made: list[int] | str = commands.recv()
        if isinstance(made, str):
            process.join()
            raise Trouble(f"network namespaces or TUN devices cannot be made here: {made}")
        own = [os.open(f"/proc/{process.pid}/fd/{number}", os.O_RDONLY) for number in made]
        hosts = {name: Host(name, number, version, f"/proc/{os.getpid()}/fd/{descriptor}")
                 for number, (name, descriptor) in enumerate(zip(names, own), 1)}
        return cls(process, commands, hosts, own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def between(self, some: Iterable[str], others: Iterable[str]) -> list[net.LaneName]:
        """The lanes from the first group to the second."""
        return [(one, other) for one in some for other in others]

    def impair(self, lanes: Iterable[net.LaneName], condition: Condition) -> None:
        """Gives the lanes this condition. Returns when it counts for every packet that is sent from then on."""
        numbers = [(self[sender].number, self[receiver].number) for sender, receiver in lanes]
        self._commands.send((numbers, condition))
        self._commands.recv()

    def set(self, lane: net.LaneName, mode: str) -> None:
        """One of FAULTS, or PASS."""
        self.impair([lane], CONDITIONS[mode])

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        for descriptor in self._descriptors:
            os.close(descriptor)


# In the process of the relay.

def _run(count: int, version: int, seed: int, commands: Pipe) -> None:
    become_helper()
    try:
        made = [_make_host(number, version) for number in range(1, count + 1)]
    except (OSError, subprocess.CalledProcessError) as error:
        commands.send(getattr(error, "stderr", None) or str(error))
        return
    commands.send([namespace for namespace, _ in made])
    with contextlib.suppress(EOFError):
        _Forwarder([device for _, device in made], commands, seed).run()


def _make_host(number: int, version: int) -> tuple[int, int]:
    """(descriptor of the namespace, descriptor of its eth0)"""
    call_kernel("unshare", CLONE_NEWNET)
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TUN | IFF_NO_PI))
    add = " ".join(["addr", "add", *address_words(address_of(number, version, 1), version)])
    subprocess.run(["ip", "-batch", "-"], input=f"link set lo up\n{add}\nlink set eth0 up\n", text=True, check=True,
                   capture_output=True, env=os.environ | {"PATH": PATH})
    return namespace, device


class _Forwarder:
    def __init__(self, devices: Sequence[int], commands: Pipe, seed: int):
        self.devices = dict(enumerate(devices, 1))
        self.numbers = {device: number for number, device in self.devices.items()}
        self.commands = commands
        self.relay = PacketRelay(seed)

    def run(self) -> None:
        """Returns never; EOFError if the other end of the pipe is gone."""
        with select.epoll() as ready:
            for descriptor in (*self.numbers, self.commands.fileno()):
                ready.register(descriptor, select.EPOLLIN)
            while True:
                for descriptor, _ in ready.poll(self.relay.wait(time.monotonic())):
                    if descriptor == self.commands.fileno():
                        self._obey()
                    else:
                        self._forward(descriptor)
                for to, packet in self.relay.due(time.monotonic()):
                    self._deliver(to, packet)

    def _obey(self) -> None:
        lanes: list[Lane]
        lanes, condition = self.commands.recv()
        for lane in lanes:
            self.relay.conditions[lane] = condition
        self.commands.send(None)

    def _forward(self, device: int) -> None:
        for _ in range(BURST):
            try:
                packet = os.read(device, PACKET)
            except OSError:  # no further packet, or the device is down
                return
            accepted = self.relay.accept(self.numbers[device], packet, time.monotonic())
            if accepted:
                self._deliver(*accepted)

    def _deliver(self, to: int, packet: bytes) -> None:
        with contextlib.suppress(OSError, KeyError):  # the device is down or its queue is full; there is no such host
            os.write(self.devices[to], packet)
