#!/usr/bin/env python3
"""A geofence: prints a line when a client enters or leaves a circle. When the watch begins anew, at
another node for example, it compares the members with those it knew, so that it reports each change
once."""
import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterable

from herd_client import Herd, HerdError, Kind, Members, Near


def show_changes(clients: Iterable[str], inside: set[str], members: Members) -> None:
    """Prints which of these clients are no longer as `inside` has them, and updates it."""
    for client in sorted(clients):
        if client in members and client not in inside:
            print(f"enter {client}", flush=True)
            inside.add(client)
        elif client in inside and client not in members:
            print(f"leave {client}", flush=True)
            inside.remove(client)


async def guard(herd: Herd, given: argparse.Namespace) -> None:
    inside: set[str] = set()  # as printed so far
    members = Members()
    is_ready = False  # before that the members are not complete
    circle = Near((given.latitude, given.longitude), given.km)
    async with herd.watch(circle, match=given.match, slack=given.slack) as watch:
        async for event in watch:
            members.apply(event)
            if event.kind in (Kind.NEW, Kind.RESUMED):
                is_ready = False
            elif event.kind is Kind.READY:
                is_ready = True
                show_changes(inside | members.keys(), inside, members)
            elif is_ready and event.client:
                show_changes([event.client], inside, members)


def show_lost_connections() -> None:
    """The library logs each failure of a node, and goes on at the next one."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("geofence: %(message)s; trying again"))
    log = logging.getLogger("herd_client")
    log.addHandler(shown)
    log.setLevel(logging.INFO)


async def run(given: argparse.Namespace) -> None:
    show_lost_connections()
    async with Herd(given.nodes, token=os.environ.get("HERD_TOKEN")) as herd:
        await guard(herd, given)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="The token, if the nodes need one, is in $HERD_TOKEN."
    )
    parser.add_argument("latitude", type=float)
    parser.add_argument("longitude", type=float)
    parser.add_argument("km", type=float, help="the radius in kilometres")
    parser.add_argument(
        "nodes", nargs="+", metavar="host:port", help="client ports of nodes of the herd"
    )
    parser.add_argument("--match", metavar="PREFIX*", help="only clients with ids that begin so")
    parser.add_argument(
        "--slack",
        type=float,
        metavar="KM",
        help="a client leaves only beyond the radius plus this; one at the edge prints little",
    )
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        return 0
    except (HerdError, ValueError) as error:
        print(f"geofence: {error}", file=sys.stderr)
        return 1 if isinstance(error, HerdError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
