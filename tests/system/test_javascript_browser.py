"""Tests clients/javascript/herd.js in a headless Chromium against real nodes: questions, tokens, and watches that
resume and that continue at the next node, through a web server that passes requests on to the nodes; and what a page of
another origin gets. test_javascript_client.py tests the same library in Node. It runs on demand, as the test of the
dashboard does:

    HERD_BROWSER=1 scripts/test -R "system: javascript browser"
"""
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

import browser
from browser import Browser, Page
from client_scenes import MembersOf, continue_at_another_node, read_to, report_three, two_nodes
from herd_fixture import LIGHT, LONG, Herd, MakeHerd, line, wait_for
from page_server import PageServer, page_server
from talk import now
from tcp_relay import TcpRelay
from test_tokens import entry, write

PATIENCE = 60      # seconds: the limit of any step on a loaded machine
TIMEOUT_MS = 2000  # for an answer: a frozen node is noticed after it
TOKEN = "herd_" + "b" * 43

pytestmark = [
    pytest.mark.skipif(not LONG and not os.environ.get("HERD_BROWSER"), reason="needs a browser: set HERD_BROWSER=1"),
    pytest.mark.skipif(browser.program() is None, reason="chromium is not installed: scripts/deps --browser"),
]


@pytest.fixture(scope="module", name="chromium")
def one_browser() -> Iterator[Browser]:
    with Browser.launch() as launched:
        yield launched


@pytest.fixture(name="herd", scope="module")
def herd_of_two() -> Iterator[Herd]:
    with two_nodes() as herd:
        yield herd


@pytest.fixture(name="server", scope="module")
def server_of_the_herd(herd: Herd) -> Iterator[PageServer]:
    with page_server(herd.ports.take(), {node.name: node.http_port for node in herd}) as server:
        yield server


def opened(chromium: Browser, server: PageServer) -> Page:
    page = chromium.open(server.url)
    page.wait("globalThis.page !== undefined")
    return page


def paths(herd: Herd) -> list[str]:
    return [f"/herd/{node.name}" for node in herd]


def make(nodes: list[str], **options: Any) -> str:
    """The JavaScript that makes a Herd."""
    return f"new page.Herd({json.dumps(nodes)}, {json.dumps({'timeout': TIMEOUT_MS} | options)})"


class PageWatch:
    """A watch in a page. take() gives its next event: [event, what it is about, members, node]."""

    def __init__(self, page: Page, nodes: list[str], query: dict[str, Any], name: str = "watch"):
        self.page, self.name, self.taken = page, name, 0
        page.evaluate(f"globalThis.{name} = page.begin({make(nodes)}, {json.dumps(query)}), true")

    def take(self) -> list[Any]:
        self.page.wait(f"{self.name}.events.length > {self.taken} || {self.name}.failure", PATIENCE)
        event = self.page.evaluate(f"{self.name}.events[{self.taken}]")
        assert event is not None, self.page.evaluate(f"{self.name}.failure")
        self.taken += 1
        return list(event)


def test_a_page_asks_through_its_own_web_server(chromium: Browser, server: PageServer, herd: Herd) -> None:
    page = opened(chromium, server)
    page.evaluate(f"globalThis.herd = {make(paths(herd))}, true")
    kiwi = page.evaluate("herd.where('kiwi')")
    assert (herd["n0"].knows("kiwi") or "").split()[3:] == ["kiwi", kiwi["coordinates"], kiwi["time"]]
    assert page.evaluate("herd.where('nemo')") is None
    near = page.evaluate("herd.near({ client: 'kiwi', km: 5, match: 'truck-*' })")
    assert [client["client"] for client in near["clients"]] == ["truck-1"]
    box = "{ sw: '33,-119', ne: { latitude: 35, longitude: -117 }, max: 2"
    first = page.evaluate(f"herd.within({box} }})")
    rest = page.evaluate(f"herd.within({box}, after: {json.dumps(first['next'])} }})")
    assert sorted(client["client"] for client in first["clients"] + rest["clients"]) == ["emu", "kiwi", "truck-1"]
    assert page.evaluate("herd.count({ at: '34,-118', km: 5 })") == 3
    herd["n0"].say(f"IAMAT <b>/ü +1+1 {now()}\n")
    assert page.evaluate("herd.where('<b>/ü')")["client"] == "<b>/ü"
    assert "refused: " in page.evaluate("page.failure(herd.near({ at: '95,0', km: 5 }))")
    assert page.evaluate("herd.node") == f"{server.url}herd/n0"
    # The browser logs the answers 404 and 400; the policy of the page forbids nothing that the library does.
    assert [problem for problem in page.problems if "Failed to load resource" not in problem] == []


def test_a_watch_is_resumed_without_a_gap_or_a_repeat(chromium: Browser, herd: Herd) -> None:
    node = herd["n0"]
    node.say(f"IAMAT a-1 +10+10 {now()}\nIAMAT a-2 +10+10 {now()}\nIAMAT a-3 +50+50 {now()}\n")
    with TcpRelay(herd.ports.take(), node.http_port) as relay, \
            page_server(herd.ports.take(), {"n0": relay.port}) as server:
        watch = PageWatch(opened(chromium, server), ["/herd/n0"], {"at": "10,10", "km": 1, "match": "a-*"})
        assert read_to(watch.take, "ready")[-1][2] == ["a-1", "a-2"]
        node.say(f"IAMAT a-2 +10+10 {now()}\n")
        assert watch.take()[:3] == ["move", "a-2", ["a-1", "a-2"]]
        relay.cut()
        assert watch.take()[0] == "lost"
        node.say(f"IAMAT a-1 +50+50 {now()}\nIAMAT a-3 +10+10 {now()}\n")
        relay.mend()
        after = [event for event in read_to(watch.take, "ready") if event[0] != "lost"]
        assert after[0][:2] == ["watching", True]
        assert sorted(event[:2] for event in after[1:-1]) == [["here", "a-3"], ["leave", "a-1"]]
        assert after[-1][2] == ["a-2", "a-3"]


def test_questions_and_watches_continue_at_another_node_when_one_freezes_or_is_killed(
        chromium: Browser, make_herd: MakeHerd) -> None:
    herd = make_herd(line(2), settings=LIGHT, log_level="info")
    report_three(herd)
    with page_server(herd.ports.take(), {node.name: node.http_port for node in herd}) as server:
        page = opened(chromium, server)
        page.evaluate(f"globalThis.herd = {make(paths(herd))}, true")
        watch = PageWatch(page, paths(herd), {"near": "kiwi", "km": 5, "beat": 5})

        def ask_second() -> None:
            assert page.evaluate("herd.where('kiwi')")["client"] == "kiwi"
            assert page.evaluate("herd.node").endswith("/herd/n1")
        events = continue_at_another_node(herd, MembersOf(watch.take, lambda event: event[2]), ask_second)
        assert ["lost", "timeout"] in [event[:2] for event in events]
        # The second node is dead now: the web server answers 502, and the question goes to the first one.
        assert page.evaluate("herd.where('wren')")["client"] == "wren"
        assert page.evaluate("herd.node").endswith("/herd/n0")
        assert page.evaluate("watch.events.at(-1)[3]").endswith("/herd/n0")
        assert page.evaluate("watch.failure") is None


def test_a_watch_that_ends_gives_its_connection_back(chromium: Browser, server: PageServer, herd: Herd) -> None:
    """A browser opens at most six connections to an origin."""
    page = opened(chromium, server)
    page.evaluate(f"globalThis.herd = {make(paths(herd))}, true")
    for end in ("break", "stop.abort()"):
        for _ in range(8):
            seen = page.evaluate(
                "(async () => { const stop = new AbortController(); const seen = [];"
                "try { for await (const { event } of herd.watch({ all: true }, { signal: stop.signal })) {"
                f"seen.push(event); if (event === 'ready') {end}; }} }} catch (error) {{ seen.push(error.name); }}"
                "return seen; })()")
            assert seen[0] == "watching" and seen[-1] == ("ready" if end == "break" else "AbortError"), seen
    assert page.evaluate("herd.count({ at: '34,-118', km: 5 })") == 3
    wait_for(lambda: all(node.status()["watches"]["watches"] == 0 for node in herd), "all watches have ended", PATIENCE)


def test_a_page_of_another_origin_gets_no_answer_and_an_error_that_says_why(
        chromium: Browser, server: PageServer, herd: Herd) -> None:
    page = opened(chromium, server)
    node = f"http://127.0.0.1:{herd['n0'].http_port}"
    named = f"(the page's origin is {page.evaluate('location.origin')}, and a node answers only pages of its own origin"
    for herd_of_page in (make([node]), make([node], token=TOKEN)):  # with a token the browser asks first, by OPTIONS
        page.evaluate(f"globalThis.herd = {herd_of_page}, true")
        failure = page.evaluate("page.failure(herd.where('kiwi'))")
        assert failure.startswith("unavailable: ") and node in failure and named in failure, failure
    lost = PageWatch(page, [node], {"all": True}, "other").take()
    assert lost[:3] == ["lost", "network", []]


def test_a_token_passes_through_the_web_server(chromium: Browser, make_herd: MakeHerd) -> None:
    herd = make_herd(line(1), start=False, settings=LIGHT | {"clients": {"auth": "token"}})
    write(herd, entry("all", TOKEN))
    herd.start()
    herd["n0"].say(f"AUTH {TOKEN}\nIAMAT kiwi +34-118 {now()}\n")
    with page_server(herd.ports.take(), {"n0": herd["n0"].http_port}) as server:
        page = opened(chromium, server)
        page.evaluate(f"globalThis.herd = {make(paths(herd), token=TOKEN)}, true")
        assert page.evaluate("herd.where('kiwi')")["coordinates"] == "+34-118"
        assert "401" in page.evaluate(f"page.failure({make(paths(herd))}.where('kiwi'))")
        page.evaluate(f"globalThis.watch = page.begin({make(paths(herd), token=TOKEN)}, {{ client: 'kiwi' }}), true")
        page.wait("watch.events.length > 2")
        assert page.evaluate("watch.events.map(([event]) => event)") == ["watching", "here", "ready"]
