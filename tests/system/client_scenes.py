"""What the tests of the client libraries share: two nodes with three clients, and nodes that fail under a watch. An
event of a watch is a list that begins with its name."""
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

from herd_fixture import LIGHT, Herd, herds_that_end, line
from talk import now

Take = Callable[[], list[Any]]  # the next event


def report_three(herd: Herd) -> None:
    """kiwi, and two other clients within 2 km of it."""
    herd["n0"].say(f"IAMAT kiwi +34-118 {now()}\nIAMAT truck-1 +34.01-118 {now()}\nIAMAT emu +34-118.01 {now()}\n")
    herd.wait_converged(3)


@contextlib.contextmanager
def two_nodes() -> Iterator[Herd]:
    """Two nodes that know these three clients."""
    with herds_that_end() as make:
        herd = make(line(2), settings=LIGHT, log_level="info")
        report_three(herd)
        yield herd


def ports(herd: Herd) -> list[str]:
    return [f"127.0.0.1:{node.clients_port}" for node in herd]


def read_to(take: Take, name: str) -> list[list[Any]]:
    """The events up to one of this name."""
    events = [take()]
    while events[-1][0] != name:
        events.append(take())
    return events


class MembersOf:
    """The members of a watch after each event: what `members` makes of the event."""

    def __init__(self, take: Take, members: Callable[[list[Any]], list[str]]) -> None:
        self.take = take
        self.members = members

    def until(self, expected: list[str]) -> list[list[Any]]:
        """The events up to the one after which these are the members."""
        events = [self.take()]
        while self.members(events[-1]) != expected:
            events.append(self.take())
        return events


def continue_at_another_node(herd: Herd, watch: MembersOf, ask_second: Callable[[], None]) -> list[list[Any]]:
    """While a client watches 5 km around kiwi, the first of two nodes freezes, and later the second is killed. Each
    time the watch continues at the other. `ask_second` asks a question while the first is frozen. Returns the events
    until the first change."""
    first, second = herd["n0"], herd["n1"]
    watch.until(["emu", "truck-1"])
    first.signal(signal.SIGSTOP)
    try:
        ask_second()
        second.say(f"IAMAT rhea +34-118 {now()}\n")
        events = watch.until(["emu", "rhea", "truck-1"])
    finally:
        first.signal(signal.SIGCONT)
    herd.wait_converged(4)
    second.kill()
    first.say(f"IAMAT wren +34-118 {now()}\n")
    watch.until(["emu", "rhea", "truck-1", "wren"])
    return events
