"""Fixtures of all system tests. pytest reads this file by itself: a test takes a fixture as an argument, and imports
nothing for it. example_test.py shows how such a test is written."""
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

FOLDERS = ("scripts/lib", "clients/python", "clients/sink")
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / folder) for folder in FOLDERS]

# These modules import herd_ctl and herd_lab, so they come after the line above.
from google_answers import KEY  # noqa: E402
from google_herd import TIMEOUT, VARIABLE, MakeNode  # noqa: E402
from google_server import GoogleServer  # noqa: E402
from herd_control import Control, MakeControl  # noqa: E402
from herd_fixture import LIGHT, Graph, Herd, MakeHerd, MakeLightHerd, Node, Ports, alone, herds_that_end  # noqa: E402


@pytest.fixture
def make_herd() -> Iterator[MakeHerd]:
    """make_herd(graph=FIVE, start=True, **arguments of Herd.for_test): a herd that ends with the test."""
    with herds_that_end() as make:
        yield make


@pytest.fixture
def make_light_herd(make_herd: MakeHerd) -> MakeLightHerd:
    def make(graph: Graph, start: bool = True, **sections: Mapping[str, Any]) -> Herd:
        return make_herd(graph, start, settings={**LIGHT, **sections}, log_level="info")
    return make


@pytest.fixture(scope="module")
def light_node() -> Iterator[Node]:
    """One node for all tests of a file that only ask it. Each of them needs clients of its own."""
    with herds_that_end() as make:
        yield make(alone(1), settings=LIGHT, log_level="info")["n0"]


@pytest.fixture
def make_control() -> Iterator[MakeControl]:
    made: list[Control] = []

    def make(count: int = 3) -> Control:
        made.append(Control.of_line(count))
        return made[-1]

    yield make
    for control in made:
        control.close()


@pytest.fixture
def control(make_control: MakeControl) -> Control:
    return make_control()


@pytest.fixture
def ports() -> Iterator[Ports]:
    claimed = Ports.claim()
    yield claimed
    claimed.close()


@pytest.fixture
def google(ports: Ports) -> Iterator[GoogleServer]:
    server = GoogleServer.start(ports.take())
    yield server
    server.close()
    assert not server.mistakes, server.mistakes[:5]


@pytest.fixture
def make_node(make_herd: MakeHerd, google: GoogleServer) -> MakeNode:
    """One node that asks the test's Google; `providers` and more of [places]; `key` None for none."""
    def make(providers: Sequence[str] = ("google",), key: str | None = KEY,
             log_level: str = "debug", **places: str) -> Node:
        settings = {"places": {"providers": list(providers), "timeout": f"{int(TIMEOUT * 1000)}ms"}
                    | google.places_settings | places}
        herd = make_herd(alone(1), start=False, settings=settings, log_level=log_level)
        herd.environment[VARIABLE] = key or ""
        herd.start()
        herd["n0"].wait_places()
        return herd["n0"]
    return make
