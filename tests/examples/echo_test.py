"""The echo server under load: every client receives its own bytes in order, however slow clients are."""

import concurrent.futures as futures
import heapq
import os
import random
import selectors
import signal
import socket
import tempfile
import threading
import time
import unittest

from running import Running, backends

MIB = 1 << 20
BLOCK = os.urandom(4 * MIB)
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Peer:
    """A client that repeatedly sends a random piece of BLOCK and compares the echo."""

    def __init__(self, connection, size, rng):
        connection.setblocking(False)
        self.connection, self.size = connection, size
        self.offset = rng.randrange(len(BLOCK))
        self.sent = self.received = 0
        self.wanted = READ | WRITE
        self.ended = False

    def expected(self, start, size):
        """The next bytes of its stream, up to the end of BLOCK."""
        start = (self.offset + start) % len(BLOCK)
        return BLOCK[start : start + size]

    def write(self, size):
        self.sent += self.connection.send(self.expected(self.sent, min(size, self.size - self.sent)))
        if self.sent == self.size:
            self.connection.shutdown(socket.SHUT_WR)
            self.wanted &= ~WRITE

    def read(self, size):
        data = self.connection.recv(size)
        at = 0
        while at < len(data):
            expected = self.expected(self.received, len(data) - at)
            if data[at : at + len(expected)] != expected:
                raise AssertionError(f"other bytes came back than were sent, behind byte {self.received}")
            at += len(expected)
            self.received += len(expected)
        self.ended = not data


class Load:
    """Many peers at once; each reads and writes random amounts, or pauses."""

    def __init__(self, connections, size, rng):
        self.rng = rng
        self.peers = [Peer(connection, size, rng) for connection in connections]
        self.selector = selectors.DefaultSelector()
        self.paused = []  # (until, number, events): a heap
        self.left = len(self.peers)
        for number, peer in enumerate(self.peers):
            self.selector.register(peer.connection, peer.wanted, number)

    def run(self, seconds=100):
        deadline = time.monotonic() + seconds
        while self.left:
            now = time.monotonic()
            assert now < deadline, f"{self.left} peers wait for their bytes"
            while self.paused and self.paused[0][0] <= now:
                _, number, events = heapq.heappop(self.paused)
                if not self.peers[number].ended:
                    self.watch(number, self.watched(number) | events)
            for key, events in self.selector.select(0.01):
                self.serve(key.data, events)

    def serve(self, number, events):
        peer = self.peers[number]
        size = self.rng.choice((1, 100, 10_000, 256 << 10))
        if events & WRITE:
            peer.write(size)
        if events & READ:
            peer.read(size)
        if peer.ended:
            self.left -= 1
            self.selector.unregister(peer.connection)
            peer.connection.close()
            assert peer.received == peer.sent == peer.size, "the server ended it early"
            return
        watched = self.watched(number) & peer.wanted
        if self.rng.random() < 0.05:
            rest = self.rng.choice((READ, WRITE, READ | WRITE)) & watched
            heapq.heappush(self.paused, (time.monotonic() + self.rng.random() * 0.05, number, rest))
            watched &= ~rest
        self.watch(number, watched)

    def watched(self, number):
        key = self.selector.get_map().get(self.peers[number].connection.fileno())
        return key.events if key else 0

    def watch(self, number, events):
        connection = self.peers[number].connection
        before, events = self.watched(number), events & self.peers[number].wanted
        if before and events:
            if before != events:
                self.selector.modify(connection, events, number)
        elif before:
            self.selector.unregister(connection)
        elif events:
            self.selector.register(connection, events, number)


class EchoLoad(unittest.TestCase):
    def test_200_connections_of_a_mebibyte(self):
        for backend in backends():
            for loops in (1, 4):
                with self.subTest(backend=backend, loops=loops):
                    with Running("echo-server", "--backend", backend, "--loops", str(loops)) as server:
                        Load([server.connect() for _ in range(200)], MIB, random.Random(loops)).run()
                        self.assertEqual(server.stop(), 0)

    def test_more_than_a_server_keeps(self):
        for backend in backends():
            with self.subTest(backend=backend), Running("echo-server", "--backend", backend) as server:
                Load([server.connect(receive_buffer=65536) for _ in range(4)], 8 * MIB, random.Random(5)).run()
                self.assertEqual(server.stop(), 0)

    def test_unix_and_tcp_together(self):
        for backend in backends():
            with self.subTest(backend=backend), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "echo.sock")
                with Running("echo-server", "--backend", backend, "--unix", path, "--loops", "2", addresses=2) as server:
                    connections = [server.connect() for _ in range(20)]
                    for _ in range(20):
                        connections.append(socket.socket(socket.AF_UNIX))
                        connections[-1].connect(path)
                    Load(connections, MIB, random.Random(2)).run()
                    self.assertEqual(server.stop(signal.SIGINT), 0)

    def test_datagrams_of_many_clients(self):
        for backend in backends():
            with self.subTest(backend=backend), Running("echo-server", "--udp", "--backend", backend) as server:
                with futures.ThreadPoolExecutor(20) as clients:  # they fit into the server's socket together
                    for done in [clients.submit(self.exchange, server.port, seed, 1400) for seed in range(20)]:
                        done.result()
                self.exchange(server.port, 1, 65_507)
                self.assertEqual(server.stop(), 0)

    def exchange(self, port, seed, largest):
        rng = random.Random(seed)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.connect(("127.0.0.1", port))
            for size in (0, 1, largest, *(rng.randrange(largest) for _ in range(100))):
                datagram = rng.randbytes(size)
                client.send(datagram)
                self.assertTrue(client.recv(65536) == datagram)

    def test_signals_under_load(self):
        for backend in backends():
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(backend=backend, signal=number), Running("echo-server", "--backend", backend) as server:
                    load = Load([server.connect() for _ in range(50)], 64 * MIB, random.Random(number))
                    stopper = threading.Timer(0.3, server.process.send_signal, (number,))
                    stopper.start()
                    with self.assertRaises((AssertionError, ConnectionError)) as stopped:
                        load.run()
                    self.assertNotIn("bytes", str(stopped.exception))
                    for peer in load.peers:
                        peer.connection.close()
                    self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
