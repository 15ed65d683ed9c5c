"""Tests the distances of NEAR against GeographicLib: the sphere of the protocol differs from the WGS84 ellipsoid by at
most 0.56 %, between any two places."""
import random

from geographiclib.geodesic import Geodesic

from herd_fixture import MakeHerd, line

CLIENTS = 150
QUESTIONS = 60
LARGEST_ERROR = 0.0056
ROUNDING_KM = 0.0005  # the protocol gives a distance in whole metres


def a_place(chance: random.Random) -> tuple[str, str]:
    """Latitude and longitude; one in four is near a pole, the equator, or the antimeridian."""
    latitude, longitude = chance.uniform(-90, 90), chance.uniform(-180, 180)
    match chance.randrange(12):
        case 0:
            latitude = chance.choice([-90.0, 90.0]) + 0.0
        case 1:
            latitude = chance.uniform(-0.001, 0.001)
        case 2:
            longitude = chance.choice([-180, 180]) * (1 - chance.random() / 1e6)
    return f"{latitude:+.6f}", f"{longitude:+.6f}"


def test_distances_differ_from_those_on_the_ellipsoid_by_at_most_0_56_percent(make_herd: MakeHerd) -> None:
    chance = random.Random(4)
    node = make_herd(line(1))["n0"]
    places = {f"c{number}": a_place(chance) for number in range(CLIENTS)}
    told = node.say("\n".join(f"IAMAT {client} {''.join(place)} 5" for client, place in places.items()))
    assert told.count("AT n0 ") == CLIENTS
    compared, greatest = 0, 0.0
    for _ in range(QUESTIONS):
        latitude, longitude = a_place(chance)
        answer = node.say(f"NEAR {latitude}{longitude} 20016 {CLIENTS}").splitlines()
        for words in (reply.split() for reply in answer if reply.startswith("IS ")):
            there = places[words[6]]
            km = Geodesic.WGS84.Inverse(float(latitude), float(longitude), *map(float, there))["s12"] / 1000
            difference = max(abs(float(words[1]) - km) - ROUNDING_KM, 0.0)
            assert difference <= LARGEST_ERROR * km, f"{latitude}{longitude} to {there}: {words[1]} km, not {km}"
            if km > 0:
                greatest = max(greatest, difference / km)
            compared += 1
    assert compared == CLIENTS * QUESTIONS
    print(f"{compared} distances, the greatest difference {greatest:.2%}")
