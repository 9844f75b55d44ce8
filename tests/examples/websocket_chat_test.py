"""The chat's page in headless Chromium: it shows the messages of others and sends what is typed."""

import json
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

from running import Running
from websocket_peer import CLOSE, TEXT, Peer, close, text, upgrade

ENTER = "\ue007"  # as WebDriver writes the key
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's key for the id of an element
CHROMIUM_FLAGS = (  # no window, no data of this machine's user, no connection but to the page's server
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
)


class Browser:
    """Chromium with one page, until the `with` block ends: WebDriver's protocol is JSON over HTTP."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = ["chromedriver", "--port=0"]
        self.driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            said = next(line for line in self.driver.stdout if "started successfully" in line)
            port = re.search(r"on port (\d+)", said).group(1)
            self.url = f"http://127.0.0.1:{port}/session"
            options = {"args": [*CHROMIUM_FLAGS, f"--user-data-dir={self.profile.name}"]}
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
            self.url += "/" + self.ask("POST", "", wanted)["sessionId"]
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", "")
        finally:
            self.end()

    def end(self):
        self.driver.kill()
        self.driver.communicate()
        self.profile.cleanup()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def type(self, selector, keys):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        self.ask("POST", f"/element/{found[ELEMENT]}/value", {"text": keys})

    def shown(self):
        """The visible text of the page."""
        return self.ask("POST", "/execute/sync", {"script": "return document.body.innerText", "args": []})

    def until_shown(self, line, shown=True):
        deadline = time.monotonic() + 30
        while (line in self.shown()) != shown:
            if time.monotonic() > deadline:
                raise AssertionError(f"not so: {line!r} is {shown * 'shown' or 'gone'} in {self.shown()!r}")
            time.sleep(0.05)


class Guest:
    """A client of the chat without a browser."""

    def __init__(self, server, name):
        self.peer = Peer(server.connect()).open(upgrade(target="/chat"))
        self.say(name)
        self.until_heard(f"{name} is here")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.connection.close()

    def say(self, line):
        self.peer.send(text(line))

    def until_heard(self, line):
        while (received := self.peer.receive()) != (TEXT, line.encode()):
            assert received, f"the connection ends before {line!r}"

    def leave(self):
        self.peer.send(close(1000))
        while self.peer.receive()[0] != CLOSE:
            pass


class Guests(unittest.TestCase):
    def test_all_hear_each_other(self):
        with Running("websocket-chat") as server, Guest(server, "Ann") as ann, Guest(server, "Bob") as bob:
            ann.until_heard("Bob is here")
            bob.say("hello, κόσμε")
            for guest in (ann, bob):
                guest.until_heard("Bob: hello, κόσμε")
            bob.leave()
            ann.until_heard("Bob has left")

    def test_the_page(self):
        with Running("websocket-chat") as server:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30) as page:
                self.assertRegex(page.headers["Content-Type"], "^text/html")
                self.assertIn(b"WebSocket", page.read())


@unittest.skipUnless(shutil.which("chromedriver"), "needs chromium and chromium-driver")
class Browsers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self):
        self.server = self.enterContext(Running("websocket-chat"))
        self.browser.open(f"http://127.0.0.1:{self.server.port}/")
        self.browser.until_shown("connecting", False)

    def test_a_line_is_said_and_heard(self):
        with Guest(self.server, "Bob") as bob:
            self.browser.until_shown("Bob is here")
            self.browser.type("input", "Ann" + ENTER)
            bob.until_heard("Ann is here")
            self.browser.type("input", "hello, κόσμε" + ENTER)
            bob.until_heard("Ann: hello, κόσμε")
            self.browser.until_shown("Ann: hello, κόσμε")
            bob.say("<b>hello</b> & goodbye")
            self.browser.until_shown("Bob: <b>hello</b> & goodbye")
            bob.leave()
            self.browser.until_shown("Bob has left")

    def test_many_lines(self):
        self.browser.type("input", "Ann" + ENTER)
        self.browser.until_shown("Ann is here")
        with Guest(self.server, "Bob") as bob:
            for i in range(500):
                bob.say(f"line {i} " + "x" * i)
            self.browser.until_shown(f"Bob: line 499 {'x' * 499}")
        self.browser.until_shown("Bob has left")

    def test_who_loads_the_page_again_has_left(self):
        with Guest(self.server, "Bob") as bob:
            self.browser.type("input", "Ann" + ENTER)
            bob.until_heard("Ann is here")
            self.browser.ask("POST", "/refresh", {})
            bob.until_heard("Ann has left")

    def test_the_server_stops(self):
        self.browser.type("input", "Ann" + ENTER)
        self.browser.until_shown("Ann is here")
        self.assertEqual(self.server.stop(), 0)
        self.browser.until_shown("closed")


if __name__ == "__main__":
    unittest.main()
