"""The network between the nodes of a private herd, with everything that networks do: a TCP proxy in each lane, which is
one direction of one link, in a process of its own. It needs neither root nor anything of the kernel.

    network = Network(graph, ports)             # before the herd, whose configuration must name the proxies:
    herd = PrivateHerd(..., bus_public=network.bus_public)
    network.start({node.name: node.bus_port for node in herd})
    network.set(("n0", "n1"), SILENT)           # n0's words no longer reach n1; n1's reach n0
    network.set(("n0", "n1"), PASS)
    network.end()

A node's updates and its acknowledgements of the other's go by its own lane, so a lane that fails is a link that works
one way only, and both lanes of a link that fail are a cut.
"""
import asyncio
import contextlib
import ctypes
import multiprocessing
import random
import signal
import socket
import struct

from .private_herd import PR_SET_PDEATHSIG

PASS = "pass"
CUT = "cut"              # connections are closed, and new ones too
SILENT = "silent"        # nothing comes through; what was said comes when it is over, as TCP has it
HALF_OPEN = "half-open"  # the receiver's side is closed; the sender's stays open for good, and swallows what is said
DELAY = "delay"          # all comes, 200 ms late
TRICKLE = "trickle"      # one byte comes at a time
CORRUPT = "corrupt"      # a bit is turned over now and then
RESET = "reset"          # connections are reset again and again, in the middle of what is said
FAULTS = (CUT, SILENT, HALF_OPEN, DELAY, TRICKLE, CORRUPT, RESET)

DELAY_SECONDS = 0.2
MOST_DELAYED = 64        # pieces on their way; then the sender waits
PIECE = 65_536           # bytes read at once
TRICKLE_PAUSE = 0.001    # seconds between two bytes
CORRUPTED = 0.05         # of the pieces
RESET_AT = 0.1           # of the pieces


def lanes_of(graph):
    """Both directions of every link, in a fixed order."""
    lanes = set()
    for name, peers in graph.items():
        for peer in peers:
            lanes |= {(name, peer), (peer, name)}
    return sorted(lanes)


class Connection:
    """One connection of a sender, and the one to the receiver behind it."""

    def __init__(self, lane, reader, writer):
        self.lane = lane
        self.reader = reader  # from the sender
        self.writer = writer  # to it
        self.onward = None    # to the receiver; None: swallow
        self.tasks = [asyncio.create_task(self.run())]

    async def run(self):
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

    async def back(self, reader):
        """What the receiver says: ZMTP's greeting and nothing else."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                while self.lane.mode == SILENT:
                    await self.lane.changed.wait()
                self.writer.write(piece)
                await self.writer.drain()
        if self.onward is not None:  # the receiver has ended it, not a fault
            self.close()

    async def forward(self, piece):
        onward, mode = self.onward, self.lane.mode
        if onward is None:
            return
        if mode == DELAY or self.lane.delayed > 0:  # what comes later must not overtake
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
            onward.write(turned_over(piece, self.lane.random))
        elif mode == RESET and self.lane.random.random() < RESET_AT:
            onward.write(piece[:self.lane.random.randrange(len(piece))])
            await onward.drain()
            reset(onward)
            reset(self.writer)
        else:
            onward.write(piece)
        await onward.drain()

    def half_open(self):
        """The receiver sees its end, the sender sees nothing."""
        onward, self.onward = self.onward, None
        if onward is not None:
            onward.close()

    def close(self):
        self.lane.connections.discard(self)
        for writer in (self.writer, self.onward):
            if writer is not None:
                writer.close()
        self.onward = None
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()


class Lane:
    """The listener that the sender takes for the receiver."""

    def __init__(self, target, seed):
        self.target = target
        self.mode = PASS
        self.random = random.Random(seed)
        self.changed = asyncio.Event()
        self.connections = set()
        self.late = asyncio.Queue(MOST_DELAYED)
        self.delayed = 0  # pieces in `late`, and the one that is just being delivered

    async def open(self, port):
        self.deliverer = asyncio.create_task(self.deliver())
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", port)

    def accept(self, reader, writer):
        if self.mode == CUT:
            writer.close()
        else:
            no_delay(writer)
            self.connections.add(Connection(self, reader, writer))

    async def deliver(self):
        """What was delayed, when its time has come."""
        while True:
            at, connection, piece = await self.late.get()
            await asyncio.sleep(max(0, at - asyncio.get_running_loop().time()))
            if connection.onward is not None:
                with contextlib.suppress(OSError):
                    connection.onward.write(piece)
                    await connection.onward.drain()
            self.delayed -= 1

    def set(self, mode):
        self.mode = mode
        self.changed.set()  # whoever waits looks again
        self.changed = asyncio.Event()
        for connection in list(self.connections):
            if mode == CUT:
                connection.close()
            elif mode == HALF_OPEN:
                connection.half_open()


def turned_over(piece, source):
    changed = bytearray(piece)
    changed[source.randrange(len(piece))] ^= 1 << source.randrange(8)
    return bytes(changed)


def no_delay(writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def reset(writer):
    """Ends with RST: what was not read yet is gone."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _serve(ports, targets, commands, seed):
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


def _run(*arguments):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started this
    with contextlib.suppress(EOFError):
        asyncio.run(_serve(*arguments))


class Network:
    def __init__(self, graph, ports, seed=0):
        self.ports = {lane: ports.take() for lane in lanes_of(graph)}
        self.seed = seed
        self._process = None

    @property
    def lanes(self):
        return list(self.ports)

    @property
    def bus_public(self):
        """For PrivateHerd: where each node finds each of its peers."""
        return dict(self.ports)

    def start(self, targets):
        """`targets`: {name: the port that its bus binds}. Returns when all lanes pass."""
        context = multiprocessing.get_context("fork")
        self._commands, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(self.ports, targets, theirs, self.seed), daemon=True)
        self._process.start()
        theirs.close()
        self._commands.recv()

    def set(self, lane, mode):
        self._commands.send((lane, mode))

    def end(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
