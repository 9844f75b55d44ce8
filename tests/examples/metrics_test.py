"""The metrics server: the metrics for Prometheus and for the page, and its HTTP."""

import http.client
import json
import re
import socket
import time
import unittest

from prometheus_client.parser import text_string_to_metric_families

from running import EXAMPLES, Running, failure

HOST = b"Host: x\r\n"


@unittest.skipUnless((EXAMPLES / "metrics-server").exists(), "built without evio::metrics")
class Metrics(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Running("metrics-server", "--metrics-port", "0", "--loops", "2", addresses=2))
        self.port = int(re.search(r":(\d+)$", self.server.said[1].strip()).group(1))
        self.asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(self.asking.close)

    def get(self, path, method="GET"):
        """Asks over one connection for all requests."""
        self.asking.request(method, path)
        response = self.asking.getresponse()
        return response, response.read().decode()

    def families(self):
        response, text = self.get("/metrics")
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return {family.name: family for family in text_string_to_metric_families(text)}

    def total(self, family, **labels):
        """The sum over all loops; `family` without _total, as in the parser."""
        return sum(
            sample.value
            for sample in self.families()[family].samples
            if all(sample.labels[name] == value for name, value in labels.items())
        )

    def comes_to(self, family, value):
        deadline = time.monotonic() + 30
        while self.total(family) != value:
            self.assertLess(time.monotonic(), deadline, family)

    def exchange(self, request):
        """All bytes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
            return answer

    def statuses(self, request):
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", self.exchange(request))]

    # The metrics

    def test_every_family_is_described_and_has_each_loop(self):
        families = self.families()
        self.assertGreaterEqual(len(families), 20)
        for name, family in families.items():
            self.assertRegex(name, r"^evio_[a-z_]+$")
            self.assertTrue(family.documentation.endswith("."), name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), name)
            self.assertEqual({sample.labels["loop"] for sample in family.samples}, {"0", "1", "accept"}, name)
            if family.type == "counter":
                self.assertTrue(all(sample.name == name + "_total" for sample in family.samples), name)

    def test_counts_are_those_of_the_server(self):
        received, messages = self.total("evio_received_bytes"), self.total("evio_messages")
        for _ in range(4):
            with self.server.connect() as connection:
                connection.sendall(b"x" * 1000)
                self.assertEqual(len(connection.recv(1000, socket.MSG_WAITALL)), 1000)
            self.comes_to("evio_connections_open", 1)  # the connection of this request
        self.assertEqual(self.total("evio_connections_accepted"), 5)
        self.assertEqual(self.total("evio_connections_closed", reason="orderly"), 4)
        self.assertEqual(self.total("evio_connections_closed"), 4)
        self.assertGreater(self.total("evio_received_bytes"), received + 4000)
        self.assertGreaterEqual(self.total("evio_messages"), messages + 8)

    def test_the_histogram_is_one(self):
        for loop in ("0", "1", "accept"):
            samples = [s for s in self.families()["evio_loop_lag_seconds"].samples if s.labels["loop"] == loop]
            buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
            self.assertAlmostEqual(buckets[0][0], 8e-6)
            self.assertEqual(buckets[-1][0], float("inf"))
            (count,) = [s.value for s in samples if s.name.endswith("_count")]
            (total,) = [s.value for s in samples if s.name.endswith("_sum")]
            self.assertEqual(count, buckets[-1][1])
            self.assertGreaterEqual(total, 0)

    def test_json_tells_the_same(self):
        response, text = self.get("/stats.json")
        self.assertEqual(response.headers["Content-Type"], "application/json")
        stats = json.loads(text)
        self.assertEqual([loop["loop"] for loop in stats["loops"]], ["0", "1", "accept"])
        for loop in stats["loops"]:
            self.assertEqual(len(loop["lag_counts"]), len(stats["lag_bounds_us"]) + 1)
        self.assertEqual(sum(loop["open"] for loop in stats["loops"]), 1)
        self.assertIn("drain_timeout", stats["loops"][0]["closed_by"])

    def test_the_page_needs_nothing_from_elsewhere(self):
        response, text = self.get("/")
        self.assertEqual(response.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertTrue(text.startswith("<!doctype html>") and text.endswith("</html>\n"))
        self.assertEqual(re.findall(r'https?://[^"]+', text), ["http://www.w3.org/2000/svg"])  # a namespace, not a link
        self.assertNotRegex(text, r'(src|href)="//')
        self.assertIn('fetch("stats.json"', text)

    # HTTP

    def test_head_is_get_without_its_body(self):
        for path in ("/", "/metrics", "/stats.json", "/nowhere"):
            head, nothing = self.get(path, "HEAD")
            self.assertEqual(nothing, "")
            self.assertEqual(head.status, self.get(path)[0].status)
            self.assertGreater(int(head.headers["Content-Length"]), 0)

    def test_other_paths_and_methods_are_refused_and_the_connection_goes_on(self):
        for method, path, status in (
            ("GET", "/nowhere", 404), ("POST", "/metrics", 405), ("DELETE", "/", 405), ("GET", "/metrics?x=1", 200)
        ):
            response, _ = self.get(path, method)
            self.assertEqual(response.status, status)
            self.assertEqual(response.headers.get("Allow"), "GET, HEAD" if status == 405 else None)
            self.assertIsNotNone(self.asking.sock, "it was closed")

    def test_pipelined_requests_are_answered_in_order(self):
        request = b"GET %s HTTP/1.1\r\n" + HOST
        pipeline = b"".join(request % path + b"\r\n" for path in (b"/metrics", b"/nowhere", b"/") * 20)
        last = request % b"/stats.json" + b"Connection: close\r\n\r\n"
        self.assertEqual(self.statuses(pipeline + last), [200, 404, 200] * 20 + [200])

    def test_a_request_may_come_byte_by_byte(self):
        request = b"\r\nGET http://x/stats.json HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                connection.send(bytes([byte]))
                time.sleep(0.001)
            self.assertTrue(connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_http_1_0_closes(self):
        self.assertEqual(self.statuses(b"GET / HTTP/1.0\r\n\r\n"), [200])

    def test_what_is_no_request_is_refused_and_the_connection_closed(self):
        for request, status in (
            (b"\x16\x03\x01\x02\x00", 400),
            (b"GET\r\n", 400),
            (b"GET / HTTP/1.1 and more\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + HOST + b"bad field\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 400),
            (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 400),
            (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", 405),
            (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"x" * 9000, 431),
            (b"GET /" + b"x" * 9000, 431),
        ):
            self.assertEqual(self.statuses(request), [status], request[:40])

    def test_a_wrong_port_is_told(self):
        told, code = failure("metrics-server", "--port", "0", "--metrics-port", str(self.port))
        self.assertEqual(code, 1)
        self.assertIn(f"tcp://127.0.0.1:{self.port}", told)


if __name__ == "__main__":
    unittest.main()
