"""Checks that the users' programs do what their first line says. Run by run_test in a network namespace, because
their ports are fixed."""

import os
import pathlib
import socket
import struct
import subprocess
import time
import unittest

PROGRAMS = pathlib.Path(os.environ["EVIO_PROGRAMS"])
TIMEOUT = 30


def connect(port):
    """Connects as soon as the program listens."""
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def receive(connection, count):
    received = b""
    while len(received) < count and (part := connection.recv(count - len(received))):
        received += part
    return received


def receive_rest(connection):
    return connection.makefile("rb").read()


def receive_until(connection, end):
    received = b""
    while not received.endswith(end):
        byte = connection.recv(1)
        if not byte:
            raise AssertionError(f"it ended behind {received}")
        received += byte
    return received


class Cases(unittest.TestCase):
    def start(self, name, *arguments):
        process = subprocess.Popen([PROGRAMS / f"{name}.g++", *arguments])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def connect(self, port):
        return self.enterContext(connect(port))

    def test_echo(self):
        self.start("01_echo")
        client = self.connect(5000)
        client.sendall(b"hello")
        self.assertEqual(receive(client, 5), b"hello")

    def test_chat(self):
        self.start("02_chat")
        ann, bob = self.connect(6000), self.connect(6000)
        for client, nick in ((ann, b"Ann\n"), (bob, b"Bob\n")):
            self.assertEqual(receive(client, 6), b"nick? ")
            client.sendall(nick)
            client.sendall(b"here\n")  # and is then in the room
            receive_until(client, nick[:-1] + b": here\n")
        bob.sendall(b"hel")
        bob.sendall(b"lo\n")
        for client in (ann, bob):
            receive_until(client, b"Bob: hello\n")
        bob.close()
        receive_until(ann, b"Bob left\n")

    def test_key_value_store(self):
        self.start("03_kv")
        client = self.connect(6379)
        client.sendall(b"SET a one two\r\nGET a\r\nGET b\r\nGE")
        self.assertEqual(receive(client, 19), b"+OK\r\none two\r\n$-1\r\n")
        client.sendall(b"T a\r\nunfinished")
        self.assertEqual(receive(client, 9), b"one two\r\n")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_rest(client), b"-ERR unfinished\r\n")
        other = self.connect(6379)
        other.sendall(b"GET a\r\nQUIT\r\nGET a\r\n")
        self.assertEqual(receive_rest(other), b"one two\r\n")

    def test_http_upload(self):
        self.start("04_http_upload")
        client = self.connect(8080)
        upload = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
        created = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        client.sendall(b"".join(upload % (size, b"x" * size) for size in (3_000_000, 1, 70_000)))
        self.assertEqual(receive(client, 3 * len(created)), 3 * created)
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(receive_rest(client).startswith(b"HTTP/1.1 411 "))

    def test_proxy(self):
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            upstream.settimeout(TIMEOUT)
            self.start("06_proxy", "tcp://127.0.0.1:%d" % upstream.getsockname()[1])

            def pair():
                client = self.connect(9999)
                server = self.enterContext(upstream.accept()[0])
                server.settimeout(TIMEOUT)
                return client, server

            client, server = pair()
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_rest(server), b"question")
            server.sendall(b"answer" * 100_000)
            server.close()
            self.assertEqual(receive_rest(client), b"answer" * 100_000)

            for side in (0, 1):
                ends = pair()
                ends[side].sendall(b"x")
                self.assertEqual(receive(ends[1 - side], 1), b"x")
                ends[side].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                ends[side].close()
                with self.assertRaises(ConnectionResetError):
                    receive(ends[1 - side], 1)

    def test_udp(self):
        self.start("08_udp")
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(0.1)

            def ask(port, question):
                """Retries, because the server may not listen yet."""
                for _ in range(TIMEOUT * 10):
                    client.sendto(question, ("127.0.0.1", port))
                    try:
                        return client.recvfrom(1000)
                    except (TimeoutError, ConnectionRefusedError):
                        pass
                self.fail(f"no answer from {port}")

            self.assertEqual(ask(53, b"x" * 600), (b"x" * 512, ("127.0.0.1", 53)))
            self.assertEqual(ask(4500, b"hello"), (b"ping", ("127.0.0.1", 4500)))

    def test_admin(self):
        self.start("09_admin")
        clients = [self.connect(5000) for _ in range(3)]
        for client in clients:
            client.sendall(b"x")
            self.assertEqual(receive(client, 1), b"x")
        admin = self.connect(9100)
        admin.sendall(b"?")
        self.assertEqual(receive_rest(admin), b"open 4\n")


if __name__ == "__main__":
    unittest.main()
