"""Tests the dashboard of a node in a headless Chromium: what a person sees while clients report, move through an area
and are searched, and while a node dies. A browser takes more time and memory than CI has, so this runs on demand:

    scripts/deps --browser                                                         # once: Chromium
    HERD_BROWSER=1 scripts/test -R "system: dashboard"
    HERD_BROWSER=1 HERD_SCREENSHOTS=/tmp scripts/test -R "system: dashboard"       # writes pictures there
    scripts/test --long -R "system: dashboard"                                     # also frame times
"""
import http.client
import json
import os
import pathlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

import browser
from browser import Browser, Page
from herd_fixture import LONG, Herd, MakeHerd, MakeLightHerd, Node, alone, ring
from talk import now, read_all
from test_tokens import GOOD, entry, write

pytestmark = [
    pytest.mark.skipif(not LONG and not os.environ.get("HERD_BROWSER"), reason="needs a browser: set HERD_BROWSER=1"),
    pytest.mark.skipif(browser.program() is None, reason="chromium is not installed: scripts/deps --browser"),
]

HTML_ID = "<img/src=x/onerror=alert(1)>"


@pytest.fixture(scope="module", name="chromium")
def one_browser() -> Iterator[Browser]:
    with Browser.launch() as launched:
        yield launched


def dashboard(chromium: Browser, node: Node, width: int = 1400, height: int = 1200, dark: bool = False,
              phone: bool = False) -> Page:
    page = chromium.open(f"http://127.0.0.1:{node.http_port}/", width, height, dark, phone)
    page.wait(f"document.title === 'herd: {node.name}'")
    return page


def picture(page: Page, name: str) -> None:
    """Writes a picture into the folder of $HERD_SCREENSHOTS, if that is set."""
    if folder := os.environ.get("HERD_SCREENSHOTS"):
        page.screenshot(pathlib.Path(folder) / f"{name}.png")


def link(peer: str) -> str:
    return f"document.querySelector('line[data-peer={peer}]')"


def test_a_person_sees_the_herd_at_work(make_herd: MakeHerd, chromium: Browser) -> None:
    herd = make_herd(ring(3))
    page = dashboard(chromium, herd["n0"])
    reports_appear_on_the_map(herd, page)
    an_id_is_a_text(herd, page)
    a_circle_reports_who_enters_and_leaves(herd, page)
    a_box_is_drawn_with_the_mouse(page)
    a_killed_node_is_red_until_it_is_back(herd, page)
    assert [name for name in page.names() if not name[1]] == []
    assert page.problems == []
    other_screens(herd, chromium)


def reports_appear_on_the_map(herd: Herd, page: Page) -> None:
    herd["n1"].say("".join(f"IAMAT town-{i} {-60 + i % 12 * 10:+}{-170 + i * 7 % 340:+} {now()}\n" for i in range(300)))
    page.wait("window.herdDashboard.clients.count === 300")
    assert page.evaluate("window.herdDashboard.clients.origins.join()") == "n1"
    assert page.wait("window.herdDashboard.points.image.data.some((value) => value > 0)")
    page.wait("document.querySelectorAll('#nodes tr').length === 3")
    page.wait("document.querySelector('#nodes tr[data-node=n2]').textContent.includes('300')")


def an_id_is_a_text(herd: Herd, page: Page) -> None:
    herd["n0"].say(f"IAMAT {HTML_ID} +34.068930-118.445127 {now()}")
    page.wait(f"document.querySelector('#tail').textContent.includes({json.dumps(HTML_ID)})")
    page.type_into("#search-form input", HTML_ID)
    page.press("Enter", 13)
    page.wait(f"document.querySelector('#search-found dd')?.textContent === {json.dumps(HTML_ID)}")
    page.wait("[...document.querySelectorAll('#search-nodes tr')].every((row) => row.className === 'known-true')")
    assert page.evaluate("document.querySelector('#tail img, #search-found img')") is None
    page.type_into("#search-form input", "stranger")
    page.press("Enter", 13)
    page.wait("document.querySelector('#search-note').textContent.includes('does not know')")
    # The browser itself logs the 404.
    page.problems = [problem for problem in page.problems if "/v1/where/stranger" not in problem]


def a_circle_reports_who_enters_and_leaves(herd: Herd, page: Page) -> None:
    for name, value in (("lat", "10"), ("lng", "20"), ("km", "50")):
        page.type_into(f"#watch-form input[name={name}]", value)
    page.press("Enter", 13)
    page.wait("document.querySelector('#watch-count').textContent === '0 inside'")
    herd["n2"].say(f"IAMAT visitor +10.1+20.1 {now()}")
    page.wait("document.querySelector('#watch-list').textContent.includes('visitor enters')")
    assert page.text("#watch-count") == "1 inside"
    picture(page, "dashboard-light")
    herd["n1"].say(f"IAMAT visitor +40+20.1 {now()}")
    page.wait("document.querySelector('#watch-list').textContent.includes('visitor leaves')")
    assert page.text("#watch-count") == "0 inside"


def a_box_is_drawn_with_the_mouse(page: Page) -> None:
    page.click("#draw-box")
    x, y = page.centre("#map")
    page.drag((x - 100, y - 60), (x + 100, y + 60))
    page.wait("document.querySelector('#watch-form select').value === 'box'")
    page.wait("/^[1-9]\\d* inside$/.test(document.querySelector('#watch-count').textContent)")
    page.click("#watch-stop")


def a_killed_node_is_red_until_it_is_back(herd: Herd, page: Page) -> None:
    page.wait(f"{link('n2')}.classList.contains('is-up')")
    good = page.evaluate(f"getComputedStyle({link('n2')}).stroke")
    herd["n2"].kill()
    page.wait(f"{link('n2')}.classList.contains('is-down')")
    assert page.evaluate(f"getComputedStyle({link('n2')}).stroke") != good
    assert page.text("#nodes tr[data-node=n2] .state") == "down"
    page.wait("document.querySelector('#live').textContent.startsWith('n2 is down')")
    herd["n2"].start()
    page.wait(f"{link('n2')}.classList.contains('is-up')")
    assert page.evaluate(f"getComputedStyle({link('n2')}).stroke") == good


def other_screens(herd: Herd, chromium: Browser) -> None:
    """Dark, and as wide as a phone: nothing is wider than the screen."""
    for name, size in (("dark", (1400, 1200)), ("phone", (390, 844))):
        page = dashboard(chromium, herd["n1"], *size, dark=name == "dark", phone=name == "phone")
        page.wait("window.herdDashboard.clients.count > 0")
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), name
        page.wait("document.querySelectorAll('.uplot').length >= 2")
        picture(page, f"dashboard-{name}")
        assert page.problems == []


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
def test_a_herd_of_64_nodes_fits_the_page(make_light_herd: MakeLightHerd, chromium: Browser) -> None:
    herd = make_light_herd(ring(64), start=False)
    herd.start(wait=False)
    for node in herd:
        node.wait_ready(120)
    herd.wait_linked(120)
    page = dashboard(chromium, herd["n0"])
    page.wait("document.querySelectorAll('#nodes tr').length === 64", 60)
    page.wait("[...document.querySelectorAll('#nodes tr .state')].filter((state) => state.textContent === 'up')"
              ".length === 63", 60)
    herd["n32"].say(f"IAMAT far +1+2 {now()}")
    page.wait("window.herdDashboard.clients.count === 1")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    picture(page, "dashboard-64")
    herd["n1"].kill()
    page.wait("document.querySelector('#nodes tr[data-node=n1] .state').textContent === 'down'")
    assert page.problems == []


def memory_of(page: Page) -> dict[str, float]:
    """{"JSHeapUsedSize": bytes, "Nodes": elements and texts, "JSEventListeners": number, …} after a collection."""
    page.call("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in page.call("Performance.getMetrics")["metrics"]}


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
def test_a_page_that_stays_open_does_not_grow(make_herd: MakeHerd, chromium: Browser) -> None:
    """In each period the page gets as many events as it keeps, several times over. So what a day adds shows after two
    of them."""
    node = make_herd(alone(1), log_level="info")["n0"]
    page = dashboard(chromium, node)
    page.call("Performance.enable")
    for name, value in (("lat", "0"), ("lng", "0"), ("km", "500")):
        page.type_into(f"#watch-form input[name={name}]", value)
    page.press("Enter", 13)
    page.wait("document.querySelector('#watch-count').textContent === '0 inside'")
    seen = []
    with node.connect(60) as connection:
        reader = threading.Thread(target=read_all, args=(connection,))
        reader.start()
        for period in range(4):
            for step in range(60):
                place = "+1+1" if step % 2 else "+40+40"
                connection.sendall("".join(f"IAMAT c{i} {place} {now()}\n" for i in range(200)).encode())
                page.evaluate("new Promise((done) => setTimeout(done, 500))")
            seen.append(memory_of(page))
        connection.shutdown(socket.SHUT_RDWR)
        reader.join()
    for figure in ("JSHeapUsedSize", "Nodes", "JSEventListeners"):
        print(figure, [round(each[figure]) for each in seen])
    assert seen[-1]["JSHeapUsedSize"] < 1.2 * seen[1]["JSHeapUsedSize"]
    assert seen[-1]["Nodes"] < 1.2 * seen[1]["Nodes"]
    assert seen[-1]["JSEventListeners"] <= 1.2 * seen[1]["JSEventListeners"]
    # On a busy machine the browser may read nothing for 5 s. Then the node resets a stream, and the page reopens it.
    assert [problem for problem in page.problems if "/v1/watch" not in problem] == []


def get(node: Node, path: str) -> tuple[int, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers


def test_with_tokens_the_page_asks_for_one(make_herd: MakeHerd, chromium: Browser) -> None:
    herd = make_herd(alone(1), settings={"http": {"auth": "token"}, "clients": {"auth": "token"}}, start=False)
    write(herd, entry("operator", GOOD))
    herd.start()
    node = herd["n0"]
    assert [get(node, path)[0] for path in ("/", "/page/app.js", "/page/nowhere", "/v1/herd")] == [200, 200, 404, 401]
    assert "script-src 'self'" in str(get(node, "/")[1]["Content-Security-Policy"])
    page = chromium.open(f"http://127.0.0.1:{node.http_port}/")
    page.wait("document.querySelector('dialog')?.open")
    page.type_into("dialog input", "wrong")
    page.press("Enter", 13)
    page.wait("document.querySelector('dialog').open && "
              "document.querySelector('dialog p').textContent.includes('unknown')")
    page.type_into("dialog input", GOOD)
    page.press("Enter", 13)
    page.wait("document.title === 'herd: n0' && !document.querySelector('dialog').open")
    with node.connect() as connection:
        connection.sendall(f"AUTH {GOOD}\nIAMAT kiwi +1+2 {now()}\n".encode())
        page.wait("window.herdDashboard.clients.count === 1")
        page.wait("document.querySelector('#tail').textContent.includes('kiwi') || "
                  "document.querySelector('#tail-button').getAttribute('aria-pressed') === 'true'")
    assert [problem for problem in page.problems if "401" not in problem] == []  # the browser's own lines


def place(client: int, step: int) -> str:
    """Spread over the globe; each step is a third of a degree."""
    return f"{-80 + client * 7919 % 16000 / 100 + step * 0.3:+.4f}{-179 + client * 104729 % 35000 / 100:+.4f}"


def move(connection: socket.socket, clients: int, step: int) -> None:
    """Reports of all clients, a step further than before."""
    for first in range(0, clients, 5000):
        some = range(first, min(first + 5000, clients))
        connection.sendall("".join(f"IAMAT c{client} {place(client, step)} {now()}\n" for client in some).encode())


def keep_moving(connection: socket.socket, clients: int, is_over: threading.Event) -> None:
    for step in range(1, 60):
        if is_over.wait(1):
            return
        move(connection, clients, step)


@pytest.mark.skipif(not LONG, reason="long: ./scripts/test --long")
@pytest.mark.parametrize("clients", [10_000, 100_000])
def test_moving_clients_are_drawn_at_thirty_frames_a_second(make_herd: MakeHerd, chromium: Browser,
                                                            clients: int) -> None:
    node = make_herd(alone(1), log_level="info")["n0"]
    page = dashboard(chromium, node)
    is_over = threading.Event()
    with node.connect(60) as connection:
        reader = threading.Thread(target=read_all, args=(connection,))
        reader.start()
        move(connection, clients, 0)
        page.wait(f"window.herdDashboard.clients.count === {clients}", 60)
        mover = threading.Thread(target=keep_moving, args=(connection, clients, is_over))
        mover.start()
        time.sleep(10)  # frames are counted in this time
        frames = page.evaluate("window.herdDashboard.points.frames()")
        is_over.set()
        mover.join()
        connection.shutdown(socket.SHUT_RDWR)
        reader.join()
    between, drawing = (sorted(frame[part] for frame in frames) for part in (0, 1))
    for name, times in (("between frames", between), ("drawing", drawing)):
        print(f"{clients} clients, {name}: median {times[len(times) // 2]:.1f} ms, "
              f"95 % {times[len(times) * 95 // 100]:.1f} ms, of {len(times)}")
    assert between[len(frames) // 2] < 1000 / 30
    assert page.problems == []
