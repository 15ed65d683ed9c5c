"""A faulty network between the nodes of a private herd. A TCP proxy is in each lane, which is one direction of one
link; all proxies run in one process. This needs neither root nor features of the kernel.

    network = Network.of(graph, ports)          # before the herd: its configuration must name the proxies
    herd = PrivateHerd.create(..., bus_public=network.bus_public)
    network.start({node.name: node.bus_port for node in herd})
    network.set(("n0", "n1"), SILENT)           # messages of n0 no longer reach n1; those of n1 reach n0
    network.set(("n0", "n1"), PASS)
    network.end()

A node sends its updates, and its acknowledgements of the peer's updates, on its own lane. When one lane fails, the link
works in one direction; when both lanes fail, the link is cut.
"""
from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import socket
import struct
from collections.abc import Mapping
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkProcess

from herd_ctl.graphs import Graph

from .ports import Ports
from .processes import become_helper

LaneName = tuple[str, str]  # (sender, receiver)

PASS = "pass"
CUT = "cut"              # connections are closed, new ones too
SILENT = "silent"        # nothing arrives; all bytes arrive when the fault ends, as TCP repeats them
HALF_OPEN = "half-open"  # the receiver's side is closed; the sender's side stays open, and its bytes are dropped
DELAY = "delay"          # everything arrives 200 ms late
TRICKLE = "trickle"      # one byte arrives at a time
CORRUPT = "corrupt"      # a bit is flipped now and then
RESET = "reset"          # connections are reset again and again, in the middle of a message
FAULTS = (CUT, SILENT, HALF_OPEN, DELAY, TRICKLE, CORRUPT, RESET)

DELAY_SECONDS = 0.2
MOST_DELAYED = 64        # pieces on their way; then the sender waits
PIECE = 65_536           # bytes read at once
TRICKLE_PAUSE = 0.001    # seconds between two bytes
CORRUPTED = 0.05         # share of the pieces
RESET_AT = 0.1           # share of the pieces


def lanes_of(graph: Graph) -> list[LaneName]:
    """Both directions of every link, in a fixed order."""
    lanes: set[LaneName] = set()
    for name, peers in graph.items():
        for peer in peers:
            lanes |= {(name, peer), (peer, name)}
    return sorted(lanes)


class Connection:
    """One connection of a sender, and the connection to the receiver that belongs to it."""

    def __init__(self, lane: Lane, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.lane = lane
        self.reader = reader  # from the sender
        self.writer = writer  # to the sender
        self.onward: asyncio.StreamWriter | None = None  # to the receiver; None: bytes are dropped
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.tasks.append(asyncio.create_task(self.run()))

    async def run(self) -> None:
        try:
            if self.lane.mode != HALF_OPEN:
                reader, self.onward = await asyncio.open_connection("127.0.0.1", self.lane.target)
                no_delay(self.onward)
                self.tasks.append(asyncio.create_task(self.back(reader)))
            while piece := await self.reader.read(PIECE):
                while self.lane.mode == SILENT:
                    await self.lane.changed.wait()
                await self.forward(piece)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.close()

    async def back(self, reader: asyncio.StreamReader) -> None:
        """Forwards the bytes of the receiver: ZMTP's greeting and nothing else."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                while self.lane.mode == SILENT:
                    await self.lane.changed.wait()
                self.writer.write(piece)
                await self.writer.drain()
        if self.onward is not None:  # the receiver ended the connection, not a fault
            self.close()

    async def forward(self, piece: bytes) -> None:
        onward, mode = self.onward, self.lane.mode
        if onward is None:
            return
        if mode == DELAY or self.lane.delayed > 0:  # a later piece must not overtake an earlier one
            self.lane.delayed += 1
            await self.lane.late.put((asyncio.get_running_loop().time() + DELAY_SECONDS, self, piece))
            return
        if mode == TRICKLE:
            for at in range(len(piece)):
                onward.write(piece[at:at + 1])
                await asyncio.sleep(TRICKLE_PAUSE)
                if self.lane.mode != TRICKLE:
                    onward.write(piece[at + 1:])
                    break
        elif mode == CORRUPT and self.lane.random.random() < CORRUPTED:
            onward.write(with_flipped_bit(piece, self.lane.random))
        elif mode == RESET and self.lane.random.random() < RESET_AT:
            onward.write(piece[:self.lane.random.randrange(len(piece))])
            await onward.drain()
            reset(onward)
            reset(self.writer)
        else:
            onward.write(piece)
        await onward.drain()

    def half_open(self) -> None:
        """The receiver sees the end of the connection, the sender does not."""
        onward, self.onward = self.onward, None
        if onward is not None:
            onward.close()

    def close(self) -> None:
        self.lane.connections.discard(self)
        for writer in (self.writer, self.onward):
            if writer is not None:
                writer.close()
        self.onward = None
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()


class Lane:
    """The listener that the sender connects to instead of the receiver, which listens on the port `target`."""

    def __init__(self, target: int, seed: str):
        self.target = target
        self.mode = PASS
        self.random = random.Random(seed)
        self.changed = asyncio.Event()
        self.connections: set[Connection] = set()
        self.late: asyncio.Queue[tuple[float, Connection, bytes]] = asyncio.Queue(MOST_DELAYED)
        self.delayed = 0  # pieces in `late`, and the one in delivery

    async def open(self, port: int) -> None:
        self.deliverer = asyncio.create_task(self.deliver())
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", port)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == CUT:
            writer.close()
        else:
            no_delay(writer)
            connection = Connection(self, reader, writer)
            self.connections.add(connection)
            connection.start()

    async def deliver(self) -> None:
        """Forwards each delayed piece when it is due."""
        while True:
            at, connection, piece = await self.late.get()
            await asyncio.sleep(max(0, at - asyncio.get_running_loop().time()))
            if connection.onward is not None:
                with contextlib.suppress(OSError):
                    connection.onward.write(piece)
                    await connection.onward.drain()
            self.delayed -= 1

    def set(self, mode: str) -> None:
        self.mode = mode
        self.changed.set()  # tasks that wait look at the mode again
        self.changed = asyncio.Event()
        for connection in list(self.connections):
            if mode == CUT:
                connection.close()
            elif mode == HALF_OPEN:
                connection.half_open()


def with_flipped_bit(piece: bytes, source: random.Random) -> bytes:
    changed = bytearray(piece)
    changed[source.randrange(len(piece))] ^= 1 << source.randrange(8)
    return bytes(changed)


def no_delay(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with RST: bytes that were not read yet are lost."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _serve(ports: Mapping[LaneName, int], targets: Mapping[str, int], commands: Pipe, seed: int) -> None:
    lanes = {lane: Lane(targets[lane[1]], f"{seed}{lane}") for lane in ports}
    for lane, port in ports.items():
        await lanes[lane].open(port)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(commands.fileno(), asked.set)
    commands.send(None)  # ready
    while True:
        await asked.wait()
        asked.clear()
        while commands.poll():
            lane, mode = commands.recv()
            lanes[lane].set(mode)


def _run(ports: Mapping[LaneName, int], targets: Mapping[str, int], commands: Pipe, seed: int) -> None:
    become_helper()
    with contextlib.suppress(EOFError):
        asyncio.run(_serve(ports, targets, commands, seed))


class Network:
    """The proxies of all lanes."""

    def __init__(self, ports: Mapping[LaneName, int], seed: int):
        """For of(). `ports`: those at which the proxies will listen."""
        self.ports = ports
        self.seed = seed
        self._process: ForkProcess | None = None

    @classmethod
    def of(cls, graph: Graph, ports: Ports, seed: int = 0) -> Network:
        """Takes a port for each lane of the graph. Starts nothing."""
        return cls({lane: ports.take() for lane in lanes_of(graph)}, seed)

    @property
    def bus_public(self) -> dict[LaneName, int]:
        """For PrivateHerd: the port at which each node finds each of its peers."""
        return dict(self.ports)

    def start(self, targets: Mapping[str, int]) -> None:
        """`targets`: {name: the port that its bus binds}. Returns when all lanes work."""
        context = multiprocessing.get_context("fork")
        self._commands, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(self.ports, targets, theirs, self.seed), daemon=True)
        self._process.start()
        theirs.close()
        self._commands.recv()

    def set(self, lane: LaneName, mode: str) -> None:
        self._commands.send((lane, mode))

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
