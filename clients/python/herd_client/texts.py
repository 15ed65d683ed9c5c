"""Values as the protocol writes them. Each function raises ValueError for a value that no node
would accept, because a node drops such a report without a reply."""
from __future__ import annotations

import math

MAX_CLIENT_BYTES = 255
MAX_SECONDS = 9_223_372_036  # times are below this
MAX_KM = 20_016.0  # half of the circumference of the earth
MAX_PLACES_KM = 50.0

Point = tuple[float, float]  # latitude, longitude in degrees
Centre = str | Point  # a client, or a point


def encode(text: str) -> bytes:
    """Ids that are not UTF-8 are strings with surrogate escapes, and come back as the same
    bytes."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def client(name: str) -> str:
    """A client's id: 1 to 255 bytes without white space, control bytes and FF."""
    data = encode(name)
    if not 1 <= len(data) <= MAX_CLIENT_BYTES or any(
        byte <= 0x20 or byte in (0x7F, 0xFF) for byte in data
    ):
        raise ValueError(
            f"{name!r} is no client's id: write 1 to {MAX_CLIENT_BYTES} bytes without white"
            " space and control bytes"
        )
    return name


def coordinates(point: Point) -> str:
    """With seven fraction digits, which are a centimetre."""
    latitude, longitude = point
    # The range is that of the rounded text. A comparison with NaN is false.
    if not (abs(round(latitude, 7)) <= 90 and abs(round(longitude, 7)) <= 180):
        raise ValueError(
            f"{latitude}, {longitude} are no coordinates: latitudes are -90 to 90, longitudes -180"
            " to 180"
        )
    return f"{latitude:+.7f}{longitude:+.7f}"


def centre(of: Centre) -> str:
    return client(of) if isinstance(of, str) else coordinates(of)


def time(nanoseconds: int) -> str:
    """Nanoseconds since 1970 as seconds with nine fraction digits."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    if not 0 <= seconds < MAX_SECONDS:
        raise ValueError(
            f"{nanoseconds} is no time: write nanoseconds since 1970, such as time.time_ns() gives"
        )
    return f"{seconds}.{fraction:09}"


def kilometres(km: float, most: float = MAX_KM) -> str:
    """With millimetres, as the node rounds."""
    if not 0 <= km <= most:
        raise ValueError(f"{km} km is out of range: write 0 to {most:g}")
    return f"{km:.6f}"


def seconds(value: float) -> str:
    if not (0 <= value < 1e9 and math.isfinite(value)):
        raise ValueError(f"{value} s is out of range: write 0 or more, below 1000000000")
    return f"{value:.3f}"


def count(value: int, most: int) -> str:
    if not 0 <= value <= most:
        raise ValueError(f"{value} is out of range: write 0 to {most}")
    return str(value)


def match(prefix: str) -> str:
    """The option for clients with ids that begin with `prefix`, which ends with `*`."""
    if not prefix.endswith("*"):
        raise ValueError(f"match={prefix!r} does not end with *: write the beginning of ids and *")
    return f"match={client(prefix)}"
