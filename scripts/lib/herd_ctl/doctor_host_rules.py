"""The rules of doctor about this host: the configuration, keys, ports, disks and files. Pure, as doctor_rules.py."""
from __future__ import annotations

from collections.abc import Iterator

from .doctor_facts import HerdFacts
from .finding import Finding, fault, warning

MEBIBYTE = 1 << 20
FREE_WARNING, FREE_FAULT = 512 * MEBIBYTE, 64 * MEBIBYTE  # a journal is rewritten beside the old one
FREE_PART = 0.05
SYNC_WARNING_S = 0.25  # of a small file; a disk takes milliseconds
FILES_WARNING, FILES_FAULT = 0.8, 0.95


def configuration(facts: HerdFacts) -> Iterator[Finding]:
    for mistake in facts.config_mistakes:
        yield fault(mistake, "correct it, then scripts/herd reload: until then no node can be started")
    for text in facts.config_warnings:
        yield warning(text, "see the comments in conf/herd.toml")


def changed(facts: HerdFacts) -> Iterator[Finding]:
    for need, command in (("restart", "scripts/herd restart --rolling"), ("reload", "scripts/herd reload")):
        names = [node.name for node in facts.nodes if node.changed == need]
        if names:
            what = "The configuration or the program" if need == "restart" else "The configuration"
            yield warning(f"{what} has changed since the start of {', '.join(names)}", f"{command} applies it")


def taken_ports(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.nodes:
        for port in node.ports:
            yield fault(f"{node.name} cannot start: {port}",
                        "end that program, or give the node another port in the configuration")


def keys(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.nodes:
        if node.key_trouble:
            yield fault(f"{node.name} cannot use its keys of the bus: {node.key_trouble}",
                        f"scripts/herd keygen {node.name} makes what is missing, scripts/herd keygen --import FILE adds"
                        " the public.toml of another host; then scripts/herd reload")


def journal(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.running:
        state = node.status["journal"] if node.status else {"state": "ok", "trouble": ""}
        if state["state"] != "ok":
            yield fault(f"the journal of {node.name} cannot be written: {state['trouble']}",
                        "make room on its disk, or correct its permissions: the node tries again by itself, without a"
                        " restart (docs/RELIABILITY.md)")


def disk(facts: HerdFacts) -> Iterator[Finding]:
    found = facts.disk
    if found is None:
        return
    left = f"{found.free // MEBIBYTE} MiB are free for {found.path}"
    remedy = "remove files there, or set `state_dir` to a larger disk"
    if found.free < FREE_FAULT:
        yield fault(f"the disk is full: {left}", remedy)
    elif found.free < FREE_WARNING or found.free < found.total * FREE_PART:
        yield warning(f"the disk is almost full: {left} of {found.total // MEBIBYTE}", remedy)
    if found.sync_s is None and found.error:
        yield fault(f"{found.path} cannot be written: {found.error}",
                    "look at the disk or network file system, its mount options and the permissions")
    elif found.sync_s is not None and found.sync_s > SYNC_WARNING_S:
        yield warning(f"the disk of {found.path} is slow: a write and sync of a few bytes took {found.sync_s:.2f} s",
                      "look for another program that writes to it (iostat -x 1), or set `state_dir` to a faster disk;"
                      " at `ack = \"fsync\"` each reply waits for it")


def open_files(facts: HerdFacts) -> Iterator[Finding]:
    for node in facts.nodes:
        if node.open_files is None:
            continue
        used, limit = node.open_files
        if used >= FILES_WARNING * limit:
            found = fault if used >= FILES_FAULT * limit else warning
            yield found(f"{node.name} has {used} of {limit} files open: soon it cannot accept connections",
                        "raise the limit (ulimit -n, or LimitNOFILE of its unit), then run scripts/herd down and up,"
                        " or lower `max_connections`")
