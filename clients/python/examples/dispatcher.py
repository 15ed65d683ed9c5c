#!/usr/bin/env python3
"""A dispatcher: prints the vehicles nearest to a place or to a client, with their distance.
Vehicles that have not reported for a while are left out."""
import argparse
import asyncio
import os
import sys

from herd_client import Centre, Herd, HerdError


def centre(text: str) -> Centre:
    """A point if the text is `latitude,longitude`, else a client."""
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        return text
    return latitude, longitude


async def run(given: argparse.Namespace) -> None:
    async with Herd(
        given.nodes, token=os.environ.get("HERD_TOKEN"), deadline=given.deadline
    ) as herd:
        found = await herd.near(
            given.where, given.km, given.most, match=given.match, newer=given.newer
        )
    for record, km, bearing in found.clients:
        print(f"{record.client} {km:.3f} km {bearing:03}°")
    if not found.clients:
        print(f"no vehicle within {given.km:g} km", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="The token, if the nodes need one, is in $HERD_TOKEN."
    )
    parser.add_argument(
        "where",
        type=centre,
        help="a client's id, or latitude,longitude; write -- before one that begins with -",
    )
    parser.add_argument(
        "nodes", nargs="+", metavar="host:port", help="client ports of nodes of the herd"
    )
    parser.add_argument("--km", type=float, default=10.0, help="how far away; default: 10")
    parser.add_argument(
        "--most", type=int, default=5, metavar="N", help="at most N vehicles; default: 5"
    )
    parser.add_argument("--match", metavar="PREFIX*", help="only clients with ids that begin so")
    parser.add_argument(
        "--newer", type=float, metavar="SECONDS", help="only those that reported since"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="to find a node; default: 30",
    )
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        return 0
    except (HerdError, ValueError) as error:
        print(f"dispatcher: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
