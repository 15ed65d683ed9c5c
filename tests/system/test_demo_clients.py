"""Tests where the clients of scripts/herd demo are: a function of the seed and the time. No node runs."""
from __future__ import annotations

import math

from herd_ctl.demo_clients import CITIES, EARTH_KM, REACH_KM, Traveller
from herd_ctl.records import COORDINATES


def km(one: tuple[float, float], other: tuple[float, float]) -> float:
    north = math.radians(other[0] - one[0]) * EARTH_KM
    return math.hypot(north, math.radians(other[1] - one[1]) * EARTH_KM * math.cos(math.radians(one[0])))


def test_one_seed_gives_the_same_clients_on_the_same_paths_and_another_one_does_not() -> None:
    one, again, other = (Traveller.of(seed, 12) for seed in (7, 7, 8))
    assert one == again and one.coordinates(99.5) == again.coordinates(99.5)
    assert one.coordinates(99.5) != other.coordinates(99.5)
    assert len({Traveller.of(7, number).client for number in range(500)}) == 500


def test_every_client_stays_in_its_city_and_moves_at_its_speed() -> None:
    for number in range(200):
        traveller = Traveller.of(1, number)
        centre = (traveller.latitude, traveller.longitude)
        places = [traveller.position(float(seconds)) for seconds in range(0, 3600, 60)]
        assert all(km(centre, place) <= REACH_KM * 1.5 for place in places)
        assert all(km(one, other) <= traveller.speed * 60 * 1.01 for one, other in zip(places, places[1:]))
        assert len(set(places)) == len(places)


def test_coordinates_have_the_form_of_iso_6709_in_every_city() -> None:
    for number, (name, latitude, longitude) in enumerate(CITIES):
        traveller = Traveller.of(3, number)
        assert traveller.client.startswith(f"demo-{name}-") and traveller.client.endswith(f"-{number}")
        found = COORDINATES.fullmatch(traveller.coordinates(1e6))
        assert found and abs(float(found[1]) - latitude) < 0.1 and abs(float(found[2]) - longitude) < 0.2
