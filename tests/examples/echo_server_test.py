"""The echo server: its options decide what it serves, and it prints what it serves."""

import os
import signal
import socket
import tempfile
import unittest

from running import Running, backends, failure


class EchoServer(unittest.TestCase):
    def expect_echo(self, connection, data=b"hello"):
        with connection:
            connection.settimeout(30)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(65536):
                received += part
            self.assertEqual(received, data)

    def expect_failure(self, *arguments):
        said, code = failure("echo-server", *arguments)
        self.assertNotEqual(code, 0)
        return said, code

    def test_says_where_it_listens(self):
        for backend in ("automatic", *backends()):
            with self.subTest(backend), Running("echo-server", "--backend", backend) as server:
                self.assertRegex(server.said[0], r"^echo server on tcp://.*:\d+ \(loops: 1\)\n$")
                self.expect_echo(server.connect())
                self.assertEqual(server.stop(), 0)

    def test_several_loops(self):
        with Running("echo-server", "--loops", "3") as server:
            self.assertIn("(loops: 3)", server.said[0])
            for _ in range(6):
                self.expect_echo(server.connect())

    def test_portable_backend(self):
        with Running("echo-server", "--stdlib") as server:
            self.expect_echo(server.connect())

    def test_reuseport(self):
        with Running("echo-server", "--reuseport") as first:
            with Running("echo-server", "--reuseport", port=first.port) as second:
                self.assertEqual(first.stop(), 0)
                self.expect_echo(second.connect())

    def test_udp(self):
        with Running("echo-server", "--udp") as server, socket.socket(type=socket.SOCK_DGRAM) as client:
            self.assertIn("udp://", server.said[0])
            client.settimeout(30)
            client.connect(("127.0.0.1", server.port))
            for datagram in (b"one", b"", b"x" * 9000):
                client.send(datagram)
                self.assertEqual(client.recv(65536), datagram)

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "echo.sock")
            with Running("echo-server", "--unix", path, addresses=2) as server:
                self.assertIn("unix://" + path, server.said[1])
                client = socket.socket(socket.AF_UNIX)
                client.connect(path)
                self.expect_echo(client)
                self.expect_echo(server.connect())
                self.assertEqual(server.stop(signal.SIGINT), 0)
            self.assertFalse(os.path.exists(path))

    def test_trace(self):
        with Running("echo-server", "--trace") as server:
            self.expect_echo(server.connect())
            self.assertRegex(server.process.stdout.readline(), "^opened: tcp://.* -> tcp://")
            self.assertRegex(server.process.stdout.readline(), "^data: tcp://.*: 5 bytes\n")
            self.assertRegex(server.process.stdout.readline(), "^closed: tcp://.*: in order\n")

    def test_signals_end_it_with_a_connection_open(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), Running("echo-server") as server, server.connect() as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
                self.assertEqual(server.stop(number), 0)

    def test_port_in_use(self):
        with Running("echo-server") as server:
            said, code = self.expect_failure("--port", str(server.port))
            self.assertIn(f":{server.port}", said)
            self.assertIn("ddress already in use", said)
            self.assertEqual(code, 1)

    def test_arguments_that_make_no_sense(self):
        for arguments in (("--backend", "kettle"), ("--port", "65536"), ("--nonsense",)):
            with self.subTest(arguments):
                self.assertIn(arguments[0], self.expect_failure(*arguments)[0])


if __name__ == "__main__":
    unittest.main()
