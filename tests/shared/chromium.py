"""A Chromium without a window that is steered through a pipe by the DevTools protocol: real keys, colours, widths."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38}
CODES |= {"ArrowRight": 39, "ArrowDown": 40, "+": 187}


def path():
    """Of the program; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def started(profile):
    """A `Browser` with one page; profile: an empty folder."""
    commands, events = os.pipe(), os.pipe()
    arguments = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    quiet = ["--no-first-run", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    # the program reads from its file 3 and writes to its file 4
    line = f'exec "$@" 3<&{commands[0]} 4>&{events[1]}'
    process = subprocess.Popen(
        ["bash", "-c", line, "bash", path(), *arguments, *quiet, "about:blank"],
        pass_fds=(commands[0], events[1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands[0])
    os.close(events[1])
    try:
        yield Browser(commands[1], events[0])
    finally:
        process.terminate()
        process.wait(20)
        os.close(commands[1])
        os.close(events[0])


class Browser:
    """One page.

    Attributes:
        events: (method, parameters) of what was reported: console, exceptions, requests.
    """

    def __init__(self, out, into):
        self.out, self.into, self.number, self.rest, self.events, self.session = out, into, 0, b"", [], None
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(found["targetId"] for found in targets if found["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{part}.enable")
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)  # as a window in front has it

    def send(self, method, **parameters):
        """The result of a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append((answer.get("method"), answer.get("params")))

    def _read(self):
        while b"\0" not in self.rest:
            part = os.read(self.into, 1 << 20)
            assert part, "Chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, path, width=1280, height=900, dark=False):
        """Load a file, or an address, at a size of the window, in light or dark colours."""
        address = path if isinstance(path, str) else path.as_uri()
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.send("Page.navigate", url=address)
        self.until(f"document.readyState === 'complete' && location.href === {json.dumps(address)}")

    def until(self, expression, seconds=20):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(expression):
            assert time.monotonic() < end, f"was never true: {expression}"
            time.sleep(0.05)

    def run(self, expression):
        """The value of an expression on the page."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def press(self, key, shift=False):
        """A key of the keyboard goes down and up."""
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        told = {"key": key, "code": key, "windowsVirtualKeyCode": CODES[key], "modifiers": 8 * shift}
        self.send("Input.dispatchKeyEvent", type="keyDown", **told, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **told)

    def point(self, selector):
        """Move the mouse to the middle of an element."""
        middle = f"(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector({json.dumps(selector)})"
        x, y = self.run(f"{middle}.getBoundingClientRect())")
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector):
        """Click an element with the mouse."""
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        x, y = self.point(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def complaints(self, own=("file:", "data:")):
        """Errors and warnings on the console, exceptions, and requested addresses that do not start as these."""
        found = []
        for method, told in self.events:
            if method == "Runtime.exceptionThrown" or method == "Log.entryAdded":
                found.append(told)
            elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                found.append(told)
            elif method == "Network.requestWillBeSent":
                if not told["request"]["url"].startswith(own):
                    found.append(told["request"]["url"])
        return found
