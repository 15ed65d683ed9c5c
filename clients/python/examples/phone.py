#!/usr/bin/env python3
"""A phone: reports its location every few seconds, and repeats a report until a node has it. It
walks in a random direction from the given point. It ends if no node answers when it starts. While
no node answers later, it keeps only its newest location."""
import argparse
import asyncio
import math
import os
import random
import sys
import time

from herd_client import Herd, HerdError, Unavailable


async def walk(herd: Herd, given: argparse.Namespace) -> None:
    latitude, longitude = given.latitude, given.longitude
    reports = 0
    while given.reports == 0 or reports < given.reports:
        measured = time.time_ns()  # the time of the measurement, not that of sending
        try:
            await herd.report(
                given.client, latitude, longitude, time_ns=measured, deadline=given.every + 30
            )
            print(f"{given.client} is at {latitude:.6f} {longitude:.6f}", flush=True)
            reports += 1
        except Unavailable as error:  # the next report is newer: it replaces this one
            print(f"phone: {error}", file=sys.stderr)
        direction = random.uniform(0, 2 * math.pi)
        latitude = max(-90.0, min(90.0, latitude + 1e-5 * math.cos(direction)))
        longitude = max(-180.0, min(180.0, longitude + 1e-5 * math.sin(direction)))
        await asyncio.sleep(given.every)


async def run(given: argparse.Namespace) -> None:
    async with Herd(given.nodes, token=os.environ.get("HERD_TOKEN")) as herd:
        await herd.connect()  # a wrong address is an error at once; a node that fails later is not
        await walk(herd, given)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="The token, if the nodes need one, is in $HERD_TOKEN."
    )
    parser.add_argument("client", help="the id to report as")
    parser.add_argument(
        "nodes", nargs="+", metavar="host:port", help="client ports of nodes of the herd"
    )
    parser.add_argument("--latitude", type=float, default=34.068930)
    parser.add_argument("--longitude", type=float, default=-118.445127)
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="default: 5")
    parser.add_argument(
        "--reports",
        type=int,
        default=0,
        metavar="N",
        help="end after N reports; default: do not end",
    )
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        return 0
    except (HerdError, ValueError) as error:
        print(f"phone: {error}", file=sys.stderr)
        return 1 if isinstance(error, HerdError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
