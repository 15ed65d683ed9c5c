"""A client of herd: reports locations, asks where clients are, and watches them.

README.md explains it.

    async with Herd(["127.0.0.1:12140", "127.0.0.1:12141"]) as herd:
        await herd.report("kiwi", 34.068930, -118.445127)
        print(await herd.near("kiwi", 10))
"""
from .areas import All, Client, Near, Within
from .client import Found, Herd, Page, Places
from .errors import HerdError, NotAllowed, Refused, Unavailable, WatchEnded
from .events import ABSENT, PRESENT, Cursor, Event, Kind
from .members import Members
from .records import Record, Sighting
from .texts import Centre, Point
from .watch import Watch

__all__ = [
    "ABSENT",
    "All",
    "Centre",
    "Client",
    "Cursor",
    "Event",
    "Found",
    "Herd",
    "HerdError",
    "Kind",
    "Members",
    "Near",
    "NotAllowed",
    "PRESENT",
    "Page",
    "Places",
    "Point",
    "Record",
    "Refused",
    "Sighting",
    "Unavailable",
    "Watch",
    "WatchEnded",
    "Within",
]
