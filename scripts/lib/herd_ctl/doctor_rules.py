"""The rules of doctor. Each is a pure function from the facts to findings; RULES lists all of them by name. Those about
this host (disks, ports, files, keys, configuration) are in doctor_host_rules.py."""
from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterable, Iterator

from . import doctor_host_rules as host
from .clocks import offsets as clock_offsets
from .doctor_facts import HerdFacts
from .finding import Finding, fault, warning
from .refusals import refusals
from .status import name_conflicts

FRESH_SECONDS = 10.0       # a report of a node that is not older proves that there is a way to it
SKEW_WARNING_S, SKEW_FAULT_S = 1.0, 30.0  # as the node's log
FLAP_SECONDS, FLAPS = 600.0, 4  # a link that is lost so often in this time
DIVERGENCE = "bus_divergences_healed"
# Counters that should not grow, and what to do. `{}` is the growth per second.
GROWING = {
    "clients_refused": ("refuses new clients ({:.1f}/s): it knows `max_clients` already",
                        "raise `max_clients` under [clients], or find the program that reports under new ids"),
    "log_dropped": ("drops log lines ({:.1f}/s)",
                    "look at the disk of the log and at the program that reads standard error"),
    "watches_refused": ("refuses watches ({:.1f}/s)", "raise `max_per_node` under [watches], or look for a client that"
                        " opens them again and again"),
    "clients_output_held": ("has clients that do not read their replies ({:.1f}/s)",
                            "find them by their connections in the log, and correct them"),
    "bus_messages_damaged": ("receives damaged messages from its peers ({:.1f}/s)",
                             "look at the network cards, cables and memory of both hosts"),
    "bus_connections_cut": ("closes connections to its bus that send what no node sends ({:.1f}/s)",
                            "see event=bus_connection_cut in its log, and keep strangers away from the port"),
    "bus_refused": ("refuses connections to its bus without a valid key ({:.1f}/s)",
                    "if they come from a node of this herd, run scripts/herd keygen --import with the public.toml of"
                    " its host, and scripts/herd reload; else keep strangers away from the port"),
}


def processes(facts: HerdFacts) -> Iterator[Finding]:
    """Nodes that do not run, are frozen, or do not answer."""
    local = [node for node in facts.nodes if node.local]
    if local and all(node.state == "stopped" for node in local):
        yield fault("no node of this host runs", "start them with scripts/herd up")
        return
    for node in local:
        evidence = [line.event + " " + line.rest for line in node.log if line.level == "error"][-1:]
        if node.state == "frozen":
            yield fault(f"{node.name} (process {node.pid}) is frozen: a signal has stopped it",
                        f"kill -CONT {node.pid} continues it, scripts/herd kill {node.name} starts it anew")
        elif node.state == "silent":
            yield fault(f"{node.name} (process {node.pid}) runs and does not answer",
                        f"see scripts/herd logs {node.name}; scripts/herd kill {node.name} starts it anew", evidence)
        elif node.state == "stopped":
            yield fault(f"{node.name} does not run", f"scripts/herd up {node.name} starts it", evidence)
        elif node.state in ("retrying", "failed"):
            yield fault(f"{node.name} ends each time that it is started", "correct what its log says last:"
                        f" scripts/herd logs {node.name}", evidence)
        elif node.state == "not ready" and not node.pages_refused:
            yield warning(f"{node.name} is not ready: {node.not_ready or 'it has just been started'}",
                          "if this does not end by itself, see the other findings and its log")


def supervisor(facts: HerdFacts) -> Iterator[Finding]:
    if facts.supervisor:
        what, _, remedy = facts.supervisor.partition(": ")
        yield fault(what, remedy or "run scripts/herd up")


def pages(facts: HerdFacts) -> Iterator[Finding]:
    refused = [node.name for node in facts.nodes if node.pages_refused]
    if refused:
        yield warning(f"the pages of {_names(refused)} need a token, so most of this was not examined",
                      "put a token into $HERD_TOKEN (scripts/herd token new makes one), and run this again")


def partition(facts: HerdFacts) -> Iterator[Finding]:
    """Running nodes between which there is no way."""
    parts = _parts(facts)
    if len(parts) < 2:
        return
    greatest, *others = parts
    for part in others:
        yield fault(f"{_names(part)} cannot reach {_names(greatest)}: updates do not pass between them",
                    "look at the network and firewalls between their hosts, and at `peers` and `bus_public` in the"
                    " configuration", _broken_links(facts, part))


def _parts(facts: HerdFacts) -> list[list[str]]:
    """The running nodes in groups that reach each other, the greatest first."""
    of = {node.name: {node.name} for node in facts.running}
    for node in facts.running:
        assert node.status is not None
        linked = [peer for peer, link in node.status["links"].items() if link["state"] == "up"]
        known = [name for name, report in node.status.get("reports", {}).items() if report["age_s"] < FRESH_SECONDS]
        for other in {*linked, *known}:
            joined = of.setdefault(other, {other}) | of[node.name]
            of |= dict.fromkeys(joined, joined)
    unique = {frozenset(part) for part in of.values()}
    order = [node.name for node in facts.nodes]
    parts = [sorted(part, key=lambda name: order.index(name) if name in order else len(order)) for part in unique]
    return sorted(parts, key=lambda part: (-len(part), part))


def _broken_links(facts: HerdFacts, part: Iterable[str]) -> list[str]:
    inside = set(part)
    return [f"{node.name} says that its link to {peer} ({link['address'] or 'no address'}) is {link['state']}, lag"
            f" {link['lag']}" for node in facts.running if node.status
            for peer, link in node.status["links"].items()
            if link["state"] != "up" and (node.name in inside) != (peer in inside)]


def links(facts: HerdFacts) -> Iterator[Finding]:
    """Links that are not up between nodes that run and reach each other in another way, and nodes of other hosts that
    are not heard of."""
    part_of = {name: number for number, part in enumerate(_parts(facts)) for name in part}
    down = {node.name for node in facts.nodes if node.local and node.status is None}
    lost: dict[str, list[str]] = {}
    for node in facts.running:
        assert node.status is not None
        for peer, link in node.status["links"].items():
            if link["state"] == "up" or peer in down:
                continue
            if peer not in part_of:
                lost.setdefault(peer, []).append(f"{node.name} has no link to {link['address'] or 'it'}")
            elif part_of[peer] == part_of[node.name]:
                half = " (it receives, and gets no answers)" if link["state"] == "half" else ""
                yield warning(f"the link from {node.name} to {peer} is {link['state']}{half}; updates take another way",
                              f"look at the way from the host of {node.name} to {link['address'] or peer}: firewall,"
                              " `bus` and `bus_public`", [f"lag {link['lag']}"])
    for peer, evidence in lost.items():
        yield warning(f"no node of this host hears of {peer}",
                      "look at its host: does it run there, and does a firewall keep the bus away?", evidence)


def refused(facts: HerdFacts) -> Iterator[Finding]:
    """Peers that a node does not accept: of a release that it cannot be mixed with, of another herd, with a wrong
    key."""
    for node in facts.nodes:
        for sentence in refusals(node.name, node.status["links"] if node.status else {}, node.log):
            yield warning(sentence, "do what the line says; docs/PROTOCOL.md states which releases can be mixed",
                          [f"event=peer_refused in the log of {node.name}"])


def digests(facts: HerdFacts) -> Iterator[Finding]:
    known = {node.name: str(node.status["digest"]) for node in facts.running if node.status}
    if len(set(known.values())) > 1 and not facts.settled:
        groups: dict[str, list[str]] = {}
        for name, digest in known.items():
            groups.setdefault(digest, []).append(name)
        yield warning("the stores differ, although no client reports",
                      "if a link is not up, correct that first. The nodes compare their stores once a minute: run this"
                      " again in two minutes, and if they still differ, see event=divergence_healed in the logs",
                      [f"{_names(names)}: digest {digest}" for digest, names in groups.items()])


def divergences(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.running:
        healed = node.status["counters"].get(DIVERGENCE, 0) if node.status else 0
        if healed:
            yield warning(f"{node.name} has repaired {healed} records that its links had lost",
                          "check the memory and disks of its host and of its peers: this happens only after a fault")


def clocks(facts: HerdFacts) -> Iterator[Finding]:
    """Clocks that differ. The median of all nodes that are seen counts as right."""
    offsets = clock_offsets({node.name: node.status for node in facts.running if node.status})
    if len(offsets) < 2:
        return
    middle = statistics.median_low(offsets.values())
    for name, offset in offsets.items():
        skew = offset - middle
        if abs(skew) > SKEW_WARNING_S:
            found = fault if abs(skew) > SKEW_FAULT_S else warning
            yield found(f"the clock of {name} is {abs(skew):.1f} s {'ahead' if skew > 0 else 'slow'}, seen from the"
                        " other nodes", "run a time service, such as chrony, on its host, and set the clock now",
                        [f"{node.name} measures {link['skew_us'] / 1e6:+.1f} s" for node in facts.running
                         if node.status and (link := node.status["links"].get(name)) and link["state"] == "up"])


def flapping(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.nodes:
        lost: dict[str, int] = {}
        for line in node.log:
            if line.event == "link_lost" and line.age_s < FLAP_SECONDS:
                peer = line.rest.partition("peer=")[2].partition(" ")[0]
                lost[peer] = lost.get(peer, 0) + 1
        for peer, count in lost.items():
            if count >= FLAPS:
                yield warning(f"the link from {node.name} to {peer} is unsteady: it was lost {count} times in"
                              f" {FLAP_SECONDS / 60:.0f} minutes", "look for packet loss between the two hosts, and for"
                              " a process that is overloaded or restarted again and again",
                              [f"event=link_lost peer={peer} in the log of {node.name}"])


def names(facts: HerdFacts) -> Iterator[Finding]:
    """Two processes with one name."""
    sentences = {sentence for node in facts.running if node.status
                 for sentence in name_conflicts(node.name, node.status)}
    for sentence in sorted(sentences):
        what, _, remedy = sentence.rpartition(": ")
        yield fault(what, f"{remedy}, or give it another name (docs/RELIABILITY.md)")


def versions(facts: HerdFacts) -> Iterator[Finding]:
    known = {node.name: node.version for node in facts.nodes if node.version}
    wanted = facts.program_version or (max(known.values(), key=_version_key) if known else None)
    old = [name for name, version in known.items() if version != wanted]
    if old and wanted:
        yield warning(f"{_names(old)} {'run' if len(old) > 1 else 'runs'} another version than the program here,"
                      f" {wanted}", "scripts/herd restart --rolling on their hosts",
                      [f"{name} runs {known[name]}" for name in old])


def _version_key(version: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in version.split(".")]


def providers(facts: HerdFacts) -> Iterator[Finding]:
    """Places providers that fail. A provider without a key is no finding while another one answers."""
    for node in facts.running:
        places = node.status["places"] if node.status else {}
        for provider, one in places.items():
            alone = not any(other["state"] == "ready" for other in places.values())
            if one["state"] in ("resting", "trying") or (one["state"] == "no_key" and alone):
                yield warning(f"{node.name} gets no places from {provider}: {one['message'] or one['state']}",
                              "see docs/PLACES.md: the key, its quota, and the way to the provider")


def counters(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.running:
        for counter, (what, remedy) in GROWING.items():
            rate = node.pair.rate(counter) if node.pair else None
            if rate:
                yield warning(f"{node.name} {what.format(rate)}", remedy)


def _names(names_: Iterable[str]) -> str:
    *first, last = names_
    return f"{', '.join(first)} and {last}" if first else last


RULES: dict[str, Callable[[HerdFacts], Iterable[Finding]]] = {
    "configuration": host.configuration, "changed": host.changed, "supervisor": supervisor, "processes": processes,
    "ports": host.taken_ports, "keys": host.keys, "names": names, "pages": pages, "partition": partition,
    "links": links, "refused": refused, "flapping": flapping, "clocks": clocks, "digests": digests,
    "divergences": divergences, "journal": host.journal, "disk": host.disk, "files": host.open_files,
    "versions": versions, "providers": providers, "counters": counters}


def judge(facts: HerdFacts) -> list[Finding]:
    """All findings, faults first."""
    found = [dataclasses.replace(one, rule=name) for name, rule in RULES.items() for one in rule(facts)]
    return sorted(found, key=lambda one: not one.is_fault)
