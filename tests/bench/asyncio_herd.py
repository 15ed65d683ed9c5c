"""A herd of the classic design, for comparison: asyncio servers that flood AT lines over permanent connections.

    python3 asyncio_herd.py NAME NAME=CLIENTS_PORT,PEERS_PORT... LINK...      a link is written Hill-Smith

One process runs the server NAME of the herd that the other arguments describe. Clients send IAMAT and WHATSAT; the
document of a WHATSAT is empty, because places are not compared. All data is in memory. Updates that arrive while a link
is down are lost at that peer, as in this design. To be fair to the design, connections stay open, output is written
once for each batch, and only new updates are forwarded.
"""
from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping

CHUNK = 256 * 1024
RETRY_SECONDS = 0.1


class Server:
    """One server. `ports`: {server: (port of clients, port of peers)}."""

    def __init__(self, name: bytes, ports: Mapping[bytes, tuple[int, ...]], peers: list[bytes]):
        self.name = name
        self.ports = ports
        self.peers = peers
        self.known: dict[bytes, tuple[int, bytes]] = {}  # client: (time in nanoseconds, AT line)
        self.outputs: dict[bytes, asyncio.StreamWriter] = {}  # by peer, while there is a connection
        self.pending: list[tuple[bytes, bytes | None]] = []  # (line, source) to forward after this chunk
        self.merged = 0

    def learn(self, client: bytes, when: int, line: bytes, source: bytes | None) -> bool:
        """Stores and floods a line if it is newer than the known one; returns whether it is."""
        known = self.known.get(client)
        if known is not None and known[0] >= when:
            return False
        self.known[client] = (when, line)
        self.merged += 1
        self.pending.append((line, source))
        return True

    def flood(self) -> None:
        """One write to each peer, with all new lines except those that came from it."""
        if not self.pending:
            return
        for peer, writer in self.outputs.items():
            lines = b"".join(line for line, source in self.pending if source != peer)
            if lines:
                writer.write(lines)
        self.pending.clear()

    def answer(self, line: bytes, now: int) -> bytes:
        words = line.split()
        if not words:
            return b""
        if words[0] == b"IAMAT" and len(words) == 4:
            seconds, _, fraction = words[3].partition(b".")
            try:
                when = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0") or 0)
            except ValueError:
                return b"? " + line + b"\n"
            difference = now - when
            sign = b"-" if difference < 0 else b"+"
            difference = abs(difference)
            reply = b"AT %s %s%d.%09d %s %s %s\n" % (self.name, sign, difference // 1_000_000_000,
                                                     difference % 1_000_000_000, words[1], words[2], words[3])
            self.learn(words[1], when, reply, None)
            return reply
        if words[0] == b"WHATSAT" and len(words) == 4 and words[1] in self.known:
            return self.known[words[1]][1] + b'{"html_attributions":[],"results":[],"status":"OK"}\n\n'
        if words[0] == b"COUNT":  # for the benchmark: updates that were new here
            return b"%d\n" % self.merged
        return b"? " + line + b"\n"

    async def serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        try:
            while chunk := await reader.read(CHUNK):
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                now = time.time_ns()
                writer.write(b"".join([self.answer(line, now) for line in lines]))
                self.flood()
                # Clients wait for slow peers. Peers never wait, or a ring of full outputs would be a deadlock.
                for output in [writer, *self.outputs.values()]:
                    await output.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve_peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The other end sends its name first, then AT lines."""
        rest = b""
        try:
            peer = (await reader.readline()).strip()
            while chunk := await reader.read(CHUNK):
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    words = line.split()
                    seconds, _, fraction = words[5].partition(b".")
                    when = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0") or 0)
                    self.learn(words[3], when, line + b"\n", peer)
                self.flood()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def hold_link(self, peer: bytes) -> None:
        """Connects to the peer, again and again."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[peer][1])
                writer.write(self.name + b"\n")
                self.outputs[peer] = writer
                await reader.read()  # peers send nothing on this connection: it returns when the link is gone
            except OSError:
                pass
            self.outputs.pop(peer, None)
            await asyncio.sleep(RETRY_SECONDS)

    async def run(self) -> None:
        clients, peers = self.ports[self.name]
        await asyncio.start_server(self.serve_client, "127.0.0.1", clients)
        await asyncio.start_server(self.serve_peer, "127.0.0.1", peers)
        await asyncio.gather(*(self.hold_link(peer) for peer in self.peers))


def main() -> None:
    name = sys.argv[1].encode()
    ports: dict[bytes, tuple[int, ...]] = {}
    peers: list[bytes] = []
    for word in sys.argv[2:]:
        if "=" in word:
            server, _, pair = word.partition("=")
            ports[server.encode()] = tuple(int(port) for port in pair.split(","))
        else:
            ends = [end.encode() for end in word.split("-")]
            if name in ends:
                peers += [end for end in ends if end != name]
    asyncio.run(Server(name, ports, peers).run())


if __name__ == "__main__":
    main()
