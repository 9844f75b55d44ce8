"""The proxy: bytes pass in both directions at once, and ends and resets are forwarded. Neither side must be read first."""

import os
import random
import selectors
import signal
import socket
import struct
import threading
import time
import unittest

from running import Running, backends, failure

MIB = 1 << 20
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Side:
    """One end of a proxied connection: sends all of `out`, records all input, pauses at random."""

    def __init__(self, connection, out):
        connection.setblocking(False)
        self.connection, self.out = connection, out
        self.sent, self.received, self.ended = 0, bytearray(), False

    def wanted(self, rng):
        return (READ if not self.ended and rng.random() < 0.95 else 0) | (WRITE if self.sent <= len(self.out) else 0)

    def step(self, events):
        if events & WRITE and self.sent < len(self.out):
            self.sent += self.connection.send(self.out[self.sent : self.sent + 256 * 1024])
        if events & WRITE and self.sent == len(self.out):
            self.connection.shutdown(socket.SHUT_WR)
            self.sent += 1
        if events & READ:
            part = self.connection.recv(256 * 1024)
            self.received += part
            self.ended = not part


def exchange(sides, rng):
    """Runs until both have received the other's end."""
    until = time.monotonic() + 60
    while not all(side.ended for side in sides):
        if time.monotonic() > until:
            raise AssertionError(f"stuck: {[(side.sent, len(side.received)) for side in sides]}")
        with selectors.DefaultSelector() as selector:
            for side in sides:
                if wanted := side.wanted(rng):
                    selector.register(side.connection, wanted, side)
            for key, events in selector.select(0.001):
                key.data.step(events)


class Proxied:
    """A proxy, and the listener of its target."""

    def __init__(self, *arguments):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        to = "tcp://localhost:%d" % self.listener.getsockname()[1]
        self.running = Running("proxy", "--listen", "tcp://127.0.0.1:0", "--to", to, *arguments, port=None)

    def __enter__(self):
        self.running.__enter__()
        return self

    def pair(self, buffer=None):
        if buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client = self.running.connect(receive_buffer=buffer)
        server = self.listener.accept()[0]
        if buffer:
            for side in (client, server):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        server.settimeout(30)
        return client, server

    def __exit__(self, *_):
        self.running.__exit__()
        self.listener.close()


class Proxy(unittest.TestCase):
    def test_bulk_both_ways_at_once(self):
        rng = random.Random(1)
        for backend in backends():
            with self.subTest(backend), Proxied("--backend", backend) as proxied:
                for buffer in (None, 32 << 10):
                    size = MIB // 2 if buffer else 4 * MIB
                    client, server = proxied.pair(buffer)
                    sides = [Side(client, os.urandom(size)), Side(server, os.urandom(size))]
                    exchange(sides, rng)
                    self.assertEqual(bytes(sides[0].received), sides[1].out)
                    self.assertEqual(bytes(sides[1].received), sides[0].out)
                    client.close()
                    server.close()

    def test_two_congested_directions_do_not_block_each_other(self):
        """Neither side reads until neither can write any more; then both read and write."""
        for backend in backends():
            with self.subTest(backend), Proxied("--backend", backend) as proxied:
                client, server = proxied.pair(128 << 10)
                sides = [Side(client, bytearray()), Side(server, bytearray())]
                piece, most = os.urandom(4 * MIB), 128 * MIB  # more than the kernel buffers on the way
                quiet = 0
                while quiet < 20:
                    before = [side.sent for side in sides]
                    for side in sides:
                        if side.sent + MIB > len(side.out) and len(side.out) < most:
                            side.out += piece
                        try:
                            side.sent += side.connection.send(side.out[side.sent : side.sent + MIB])
                        except BlockingIOError:
                            pass
                    quiet = quiet + 1 if before == [side.sent for side in sides] else 0
                    time.sleep(0.005)
                self.assertLess(max(side.sent for side in sides), most, "what waits in the proxy is bounded")
                exchange(sides, random.Random(2))
                self.assertEqual(sides[0].received, sides[1].out)
                self.assertEqual(sides[1].received, sides[0].out)
                client.close()
                server.close()

    def test_half_close_is_passed_on(self):
        for backend in backends():
            with self.subTest(backend), Proxied("--backend", backend) as proxied:
                client, server = proxied.pair()
                with client, server:
                    client.sendall(b"question")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(server.makefile("rb").read(), b"question")
                    server.sendall(b"answer")
                    server.close()
                    self.assertEqual(client.makefile("rb").read(), b"answer")

    def test_resets_are_passed_on(self):
        for backend in backends():
            with self.subTest(backend), Proxied("--backend", backend) as proxied:
                for first in (0, 1):
                    pair = proxied.pair()
                    pair[0].sendall(b"x")
                    self.assertEqual(pair[1].recv(1), b"x")
                    reset(pair[first])
                    with self.assertRaises(ConnectionResetError):
                        pair[1 - first].recv(1)
                    pair[1 - first].close()

    def test_where_nobody_listens_clients_are_reset(self):
        for backend in backends():
            with self.subTest(backend), Proxied("--backend", backend) as proxied:
                proxied.listener.close()
                with proxied.running.connect() as client, self.assertRaises(ConnectionResetError):
                    client.sendall(b"anybody?")
                    while client.recv(1):
                        pass

    def test_several_loops_and_many_clients(self):
        with Proxied("--loops", "3") as proxied:
            self.assertIn("(loops: 3)", proxied.running.said[0])

            def echo(connection):
                with connection:
                    while part := connection.recv(65536):
                        connection.sendall(part)

            def serve():
                for _ in range(20):
                    threading.Thread(target=echo, args=(proxied.listener.accept()[0],), daemon=True).start()

            threading.Thread(target=serve, daemon=True).start()
            clients = [proxied.running.connect() for _ in range(20)]
            for i, client in enumerate(clients):
                client.sendall(b"number %d" % i)
                client.shutdown(socket.SHUT_WR)
            for i, client in enumerate(clients):
                self.assertEqual(client.makefile("rb").read(), b"number %d" % i)
                client.close()

    def test_ends_by_signal_with_connections_open(self):
        with Proxied() as proxied:
            client, server = proxied.pair()
            with client, server:
                self.assertEqual(proxied.running.stop(signal.SIGTERM), 0)

    def test_arguments_that_make_no_sense(self):
        for arguments in (("--to", "tcp://localhost"), ("--to", "tcp://:80"), ("--listen", "kettle://:1", "--to", "tcp://a:1")):
            with self.subTest(arguments):
                said, code = failure("proxy", *arguments)
                self.assertNotEqual(code, 0)
                self.assertIn("proxy: ", said)


if __name__ == "__main__":
    unittest.main()
