"""A headless Chromium for tests of pages, driven over its DevTools protocol by a pipe: JSON texts that end with
a NUL byte, on descriptors 3 and 4. So a test needs Debian's chromium and no library.

    with Browser.launch() as browser:
        page = browser.open("http://127.0.0.1:13000/")
        page.wait("document.title === 'herd: n0'")
        assert page.problems == []
"""
from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """The browser's program, None if it is not installed: `apt-get install chromium`."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """The process and its pipe. Messages of all pages come by the one pipe."""

    def __init__(self, process: subprocess.Popen[bytes], to_browser: int, from_browser: int) -> None:
        self.process = process
        self.to_browser = to_browser
        self.from_browser = from_browser
        self.received = b""
        self.number = 0
        self.pages: dict[str, Page] = {}

    @classmethod
    @contextlib.contextmanager
    def launch(cls) -> Iterator[Browser]:
        """A browser that ends with the context, with a profile of its own."""
        name = program()
        assert name is not None, "chromium is not installed: apt-get install chromium"
        read_end, to_browser = os.pipe()
        from_browser, write_end = os.pipe()
        with tempfile.TemporaryDirectory(prefix="herd-browser-", ignore_cleanup_errors=True) as profile:
            # The shell gives the two pipes the numbers that Chromium expects. Only bash takes numbers above 9.
            command = [name, "--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-sandbox",
                       "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-extensions",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync",
                       "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--force-color-profile=srgb"]
            process = subprocess.Popen(["/bin/bash", "-c", f'exec "$@" 3<&{read_end} 4>&{write_end}', "bash", *command],
                                       pass_fds=(read_end, write_end), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            os.close(read_end)
            os.close(write_end)
            try:
                yield cls(process, to_browser, from_browser)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                os.close(to_browser)
                os.close(from_browser)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to_browser, text):]
        number = self.number
        while True:
            answer = self.receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def receive(self) -> dict[str, Any]:
        """The next message. An event is given to its page first."""
        while b"\0" not in self.received:
            chunk = os.read(self.from_browser, 1 << 20)
            assert chunk, "the browser has ended"
            self.received += chunk
        text, self.received = self.received.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message and message.get("sessionId") in self.pages:
            self.pages[message["sessionId"]].take(message["method"], message["params"])
        return message

    def open(self, url: str, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False) -> Page:
        """A new page. Returns at once; use Page.wait."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        page.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        page.call("Page.navigate", url=url)
        return page


class Page:
    """One page. `problems`: errors and warnings of its console, exceptions, refused and failed requests."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session
        self.problems: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def take(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str([argument.get("value") for argument in parameters["args"]]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 20) -> Any:
        """Waits until the expression is true, and returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                text = self.evaluate("document.body.innerText.slice(0, 3000)")
                raise AssertionError(f"never true: {expression}; problems {self.problems}; the page:\n{text}")
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """The text of the first element of a CSS selector."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def centre(self, selector: str) -> tuple[float, float]:
        """The middle of an element, scrolled into view, in pixels of the window."""
        box = self.evaluate(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
                            "return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        return box[0], box[1]

    def mouse(self, kind: str, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def click(self, selector: str) -> None:
        x, y = self.centre(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse("mousePressed", *begin)
        for step in (0.3, 0.6, 1.0):
            self.mouse("mouseMoved", begin[0] + (end[0] - begin[0]) * step, begin[1] + (end[1] - begin[1]) * step)
        self.mouse("mouseReleased", *end)

    def type_into(self, selector: str, text: str) -> None:
        """Replaces the text of a field."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """One key, such as ("Enter", 13)."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      text="\r" if key == "Enter" and kind == "keyDown" else "")

    def names(self) -> list[tuple[str, str]]:
        """(role, accessible name) of everything that can be used: what a screen reader says."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        roles = {"button", "textbox", "combobox", "spinbutton", "searchbox", "link", "application"}
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes
                if not node.get("ignored") and node["role"]["value"] in roles]

    def screenshot(self, file: pathlib.Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
