"""The echo server: it serves what its options say, and says what it serves."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

SERVER = pathlib.Path(os.environ["EVIO_EXAMPLES"]) / "echo-server"


class Server:
    """A running echo server, until the `with` block ends; on any free port unless told otherwise."""

    def __init__(self, *arguments, port=0, listeners=1):
        self.arguments = [SERVER, "--port", str(port), *arguments]
        self.listeners = listeners

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True)
        self.said = [self.process.stdout.readline() for _ in range(self.listeners)]
        self.port = int(re.search(r":(\d+) \(", self.said[0]).group(1))
        return self

    def stop(self, number=signal.SIGTERM):
        """Stops it; returns its exit code and the rest of what it printed."""
        self.process.send_signal(number)
        printed, _ = self.process.communicate(timeout=30)
        return self.process.returncode, printed

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def echoed(connection, data):
    """What comes back for `data`, sent while it is being received."""
    connection.settimeout(30)
    received = bytearray()
    sent = 0
    while len(received) < len(data):
        if sent < len(data):
            sent += connection.send(data[sent : sent + 65536])
        received += connection.recv(1 << 20)
    return bytes(received)


class EchoServer(unittest.TestCase):
    def expect_tcp(self, server, size=300_000):
        data = os.urandom(size)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            self.assertEqual(echoed(connection, data), data)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(connection.recv(1), b"")

    def expect_failure(self, *arguments, code=None):
        """Runs it in vain; returns what it said."""
        done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        if code is not None:
            self.assertEqual(done.returncode, code)
        return done.stderr

    def test_tcp_on_every_backend(self):
        for backend in ("automatic", "epoll", "poll"):
            with self.subTest(backend), Server("--backend", backend) as server:
                self.assertRegex(server.said[0], r"^echo server on tcp://.*:\d+ \(loops: 1\)\n$")
                self.expect_tcp(server)
                self.assertEqual(server.stop(), (0, ""))

    def test_several_loops(self):
        with Server("--loops", "3") as server:
            self.assertIn("(loops: 3)", server.said[0])
            for _ in range(6):
                self.expect_tcp(server, 1000)

    def test_portable_backend(self):
        with Server("--stdlib") as server:
            self.expect_tcp(server)

    def test_reuseport(self):
        with Server("--reuseport") as first, Server("--reuseport", port=first.port) as second:
            self.assertEqual(first.port, second.port)
            self.expect_tcp(second, 1000)

    def test_udp(self):
        with Server("--udp") as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            self.assertIn("udp://", server.said[0])
            client.settimeout(30)
            client.connect(("127.0.0.1", server.port))
            for datagram in (b"one", b"", b"x" * 9000):
                client.send(datagram)
                self.assertEqual(client.recv(65536), datagram)

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "echo.sock")
            with Server("--unix", path, listeners=2) as server:
                self.assertIn("unix://" + path, server.said[1])
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(path)
                    self.assertEqual(echoed(connection, b"hello"), b"hello")
                self.expect_tcp(server, 1000)
                self.assertEqual(server.stop(signal.SIGINT)[0], 0)
            self.assertFalse(os.path.exists(path))

    def test_trace(self):
        with Server("--trace") as server:
            self.expect_tcp(server, 5)
            code, printed = server.stop()
            self.assertEqual(code, 0)
            self.assertRegex(printed, r"(?s)^opened: .*data: .* 5 bytes\nclosed: .*: in order\n$")

    def test_signal_ends_it_with_a_connection_open(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), Server() as server:
                with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                    self.assertEqual(echoed(connection, b"x"), b"x")
                    self.assertEqual(server.stop(number), (0, ""))

    def test_port_in_use(self):
        with Server() as server:
            said = self.expect_failure("--port", str(server.port), code=1)
            self.assertIn(f":{server.port}", said)
            self.assertIn("ddress already in use", said)

    def test_arguments_that_make_no_sense(self):
        self.assertIn("--backend", self.expect_failure("--backend", "kettle"))
        self.assertIn("--port", self.expect_failure("--port", "65536"))
        self.assertIn("--nonsense", self.expect_failure("--nonsense"))


if __name__ == "__main__":
    unittest.main()
