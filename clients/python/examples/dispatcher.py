#!/usr/bin/env python3
"""A dispatcher: prints the clients nearest to a place or to another client, with their distance.
Clients that have not reported for a while are left out."""
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
        await herd.connect()  # a wrong address is an error at once
        found = await herd.near(
            given.where, given.km, given.most, match=given.match, newer=given.newer
        )
    for record, km, bearing in found.clients:
        print(f"{record.client} {km:.3f} km {bearing:03}°")
    if not found.clients and found.after is None:
        near = f"no client within {given.km:g} km has reported within {given.newer:g} s"
        print(f"dispatcher: {near}", file=sys.stderr)
    if found.after is not None:
        print("There are more: use --most.")


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
        "--most", type=int, default=5, metavar="N", help="at most N clients; default: 5"
    )
    parser.add_argument("--match", metavar="PREFIX*", help="only clients with ids that begin so")
    parser.add_argument(
        "--newer",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="only those that reported within this time; default: 300",
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="for the answer; default: 30",
    )
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        return 0
    except (HerdError, ValueError) as error:
        print(f"dispatcher: {error}", file=sys.stderr)
        return 1 if isinstance(error, HerdError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
