"""Fixtures of all system tests. pytest reads this file by itself: a test takes a fixture as an argument, and imports
nothing for it. example_test.py shows how such a test is written."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib"))

# These modules import herd_ctl and herd_lab, so they come after the line above.
from google_answers import KEY  # noqa: E402
from google_herd import TIMEOUT, VARIABLE  # noqa: E402
from google_server import GoogleServer  # noqa: E402
from herd_control import Control  # noqa: E402
from herd_fixture import FIVE, Herd, Ports, alone, wait_for  # noqa: E402


@pytest.fixture
def make_herd():
    """make_herd(graph=FIVE, start=True, **arguments of Herd): a herd that ends with the test."""
    herds = []

    def make(graph=None, start=True, **arguments):
        herd = Herd(FIVE if graph is None else graph, **arguments)
        herds.append(herd)
        if start:
            herd.start()
        return herd

    yield make
    problems = []
    for herd in herds:
        try:
            herd.close()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "; ".join(problems)


@pytest.fixture
def make_control():
    made = []

    def make(*arguments):
        made.append(Control(*arguments))
        return made[-1]

    yield make
    for control in made:
        control.close()


@pytest.fixture
def control(make_control):
    return make_control()


@pytest.fixture
def ports():
    made = Ports()
    yield made
    made.close()


@pytest.fixture
def google(ports):
    server = GoogleServer(ports.take())
    yield server
    server.close()
    assert not server.mistakes, server.mistakes[:5]


@pytest.fixture
def make_node(make_herd, ports, google):
    """One node that asks the test's Google; `providers` and more of [places]; `key` None for none."""
    def make(providers=("google",), key=KEY, graph=None, log_level="debug", **places):
        settings = {"places": {"providers": list(providers), "timeout": f"{int(TIMEOUT * 1000)}ms"}
                    | google.places_settings | places}
        herd = make_herd(graph or alone(1), start=False, settings=settings, log_level=log_level)
        herd.environment[VARIABLE] = key or ""
        herd.start()
        wait_for(lambda: herd["n0"].status()["places"], "the worker has its providers")
        return herd["n0"]
    return make
