"""The Redis server: its replies are those of Redis 7.0, Redis's clients work with it, and no client can block it."""

import contextlib
import os
import pty
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import node_clients
import redis_cases
from redis_cases import command
from running import Running, backends, failure

ORIGINAL = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")


def example(*arguments, **more):
    return Running("redis-server", *arguments, **more)


class Original:
    """Redis itself, configured like the example as far as possible, until the `with` block ends."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "socket")
        where = ["--port", "0", "--unixsocket", self.path, "--dir", self.folder.name]
        command = [ORIGINAL, *where, "--save", "", "--appendonly", "no", "--databases", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "ready to accept connections" in line.lower():
                return self
        self.__exit__()
        raise RuntimeError("Redis did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(self.path)
        return connection


def original_version():
    if not ORIGINAL:
        return "none"
    done = subprocess.run([ORIGINAL, "--version"], capture_output=True, text=True, check=True)
    return re.search(r"v=(\S+)", done.stdout).group(1)


def answers(server, stream):
    """All replies on a new connection until it is closed."""
    with server.connect() as connection:
        return ask(connection, stream)


def ask(connection, stream):
    """Sends the stream and the end, while it receives; what came until the server closed. After QUIT the end is left out:
    Redis drops the answers that wait for a client whose end it has seen."""
    sender = threading.Thread(target=send, args=(connection, stream))
    sender.start()
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 20):
            received += chunk
    sender.join()
    return bytes(received)


def send(connection, stream):
    with contextlib.suppress(ConnectionError, OSError):
        connection.sendall(stream)
        if not stream.endswith(command("QUIT")):
            connection.shutdown(socket.SHUT_WR)


def receive(connection, size):
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError(f"closed after {len(received)} of {size} bytes")
        received += chunk
    return bytes(received)


def expect(connection, reply):
    """Receives that many bytes; fails unless they are as expected."""
    received = receive(connection, len(reply))
    if received != reply:
        raise AssertionError(f"{received[:200]} is not {reply[:200]}")


def without_ids(reply):
    return re.sub(rb"\$2\r\nid\r\n:\d+\r\n", b"$2\r\nid\r\n:0\r\n", reply)


def random_stream(draw):
    """Commands that fit or contradict each other, and sometimes violate the protocol."""
    words = ["k", "k", "l", "m", "", "7000", "-1", "0", "9000", "9223372036854775807", "x", "EX", "PX", "NX", "XX", "GT", "LT",
             "GET", "KEEPTTL", "EXAT", "a\r\nb", b"\xff\x00"]  # fmt: skip
    names = ["SET"] * 6 + ["GET", "DEL", "EXISTS", "INCR", "DECR", "INCRBY", "DECRBY", "MSET", "MGET", "EXPIRE", "TTL",
             "TYPE", "DBSIZE", "ECHO", "PING", "SELECT", "MULTI", "EXEC", "DISCARD", "FLUSHALL", "NONE"]  # fmt: skip
    arities = {"SET": (2, 6), "MSET": (2, 6), "EXPIRE": (2, 4)}
    stream = b""
    for _ in range(draw.randrange(1, 60)):
        name = draw.choice(names)
        count = draw.randint(*arities.get(name, (0, 2)))
        stream += command(name, *draw.choices(words, k=count))
    return stream + draw.choice([b"", b"", b"*x\r\n", b"PING\r\n", b'ECHO "\r\n', command("QUIT")]) + b"PING\r\n"


@unittest.skipUnless(original_version().startswith("7.0."), f"needs Redis 7.0 to compare with, here: {original_version()}")
class SameAsRedis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.original = cls.enterClassContext(Original())
        cls.example = cls.enterClassContext(example())

    def compare(self, stream):
        fresh = command("FLUSHALL") + stream
        wanted = without_ids(answers(self.original, fresh))
        self.assertEqual(without_ids(answers(self.example, fresh)), wanted, f"answers to {stream[:2000]}")
        return wanted

    def test_every_case(self):
        for stream in redis_cases.ALL:
            self.compare(stream)

    def test_random_streams(self):
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        with self.subTest(seed=seed):
            for _ in range(400):
                self.compare(random_stream(draw))

    def test_cut_anywhere(self):
        wanted = self.compare(redis_cases.MIXED)
        stream = command("FLUSHALL") + redis_cases.MIXED
        for cut in range(1, len(stream)):
            with self.example.connect() as connection:
                connection.sendall(stream[:cut])
                time.sleep(0.001)
                self.assertEqual(ask(connection, stream[cut:]), wanted, f"cut at {cut}")
        with self.example.connect() as connection:
            for i in range(len(stream)):
                connection.sendall(stream[i : i + 1])
            self.assertEqual(ask(connection, b""), wanted)

    def test_long_pipeline(self):
        pipeline = b"".join(command("SET", i % 7, "v" * i) + command("GET", i % 7) for i in range(3000))
        self.compare(pipeline + command("QUIT"))

    def test_many_keys(self):
        names = b"".join(command("SET", f"{i}-{j}", i) for i in range(100) for j in range(10))
        for pattern in ("*", "1*", "*-3", "[1-3]?-*", "x*"):
            stream = command("FLUSHALL") + names + command("KEYS", pattern)
            replies = [answers(server, stream) for server in (self.original, self.example)]
            self.assertEqual(*(sorted(reply.split(b"\r\n")) for reply in replies))

    def test_hello_3_is_an_unknown_version(self):
        self.assertEqual(answers(self.example, command("HELLO", 3)), b"-NOPROTO unsupported protocol version\r\n")
        self.assertEqual(answers(self.original, command("HELLO", 9)), b"-NOPROTO unsupported protocol version\r\n")


class Server(unittest.TestCase):
    def test_every_backend(self):
        for backend in ["automatic", *backends()]:
            with self.subTest(backend), example("--backend", backend) as server:
                stream = command("SET", "k", "v" * 100_000) + command("GET", "k") + command("PING")
                self.assertEqual(answers(server, stream), b"+OK\r\n$100000\r\n" + b"v" * 100_000 + b"\r\n+PONG\r\n")
                self.assertEqual(server.stop(), 0)

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "redis.sock")
            with example("--unix", path, addresses=2) as server, socket.socket(socket.AF_UNIX) as connection:
                self.assertRegex(server.said[0], r"^redis server on tcp://.*:\d+\n$")
                self.assertEqual(server.said[1], f"redis server on unix://{path}\n")
                connection.connect(path)
                self.assertEqual(ask(connection, command("PING", "hi")), b"$2\r\nhi\r\n")
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))

    def test_what_is_wrong_with_the_command_line(self):
        with example() as server:
            for arguments in (["--port", str(server.port)], ["--port", "0", "--unix", "/nonexistent/socket"]):
                said, code = failure("redis-server", *arguments)
                self.assertEqual(code, 1)
                self.assertIn(arguments[-1], said)

    def test_large_values(self):
        size = 64 << 20
        value = os.urandom(1 << 16) * (size >> 16)
        with example() as server, server.connect() as connection:
            connection.sendall(command("SET", "k", value))
            expect(connection, b"+OK\r\n")
            # Four replies at once, to a client that does not read for a while.
            connection.sendall(command("GET", "k") * 2 + command("MGET", "k", "none", "k") + command("PING"))
            time.sleep(0.3)
            bulk = b"$%d\r\n" % size + value + b"\r\n"
            for reply in (bulk, bulk, b"*3\r\n", bulk, b"$-1\r\n", bulk, b"+PONG\r\n"):
                expect(connection, reply)

    def test_a_large_value_in_small_pieces(self):
        size = 64 << 20
        with example() as server, server.connect() as connection:
            connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % size)
            began = time.monotonic()
            piece = b"x" * 4096
            for _ in range(size // len(piece)):
                connection.sendall(piece)
            connection.sendall(b"\r\n")
            expect(connection, b"+OK\r\n")
            self.assertLess(time.monotonic() - began, 20)
            # Many small words are examined only once, too.
            connection.sendall(b"*200001\r\n$3\r\nDEL\r\n")
            began = time.monotonic()
            for _ in range(2000):
                connection.sendall(b"$1\r\nk\r\n" * 100)
            expect(connection, b":1\r\n")
            self.assertLess(time.monotonic() - began, 10)

    def test_keys_expire_though_nobody_asks(self):
        with example() as server, server.connect() as connection:
            connection.sendall(b"".join(command("SET", i, "v", "PX", 1 + i % 300) for i in range(3000)))
            connection.sendall(command("SET", "stays", "v", "EX", 100))
            receive(connection, 5 * 3001)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                connection.sendall(command("DBSIZE"))
                if (size := connection.recv(100)) == b":1\r\n":
                    break
                time.sleep(0.02)
            self.assertEqual(size, b":1\r\n")
            connection.sendall(command("TTL", "stays") + command("KEYS", "*"))
            self.assertRegex(receive(connection, len(":100\r\n*1\r\n$5\r\nstays\r\n")), rb":(100|99|98)\r\n\*1")

    def test_clients_see_and_end_each_other(self):
        with example() as server, server.connect() as one, server.connect() as two:
            two.sendall(command("CLIENT", "SETNAME", "two") + command("CLIENT", "ID"))
            name = re.fullmatch(rb"\+OK\r\n:(\d+)\r\n", two.recv(100)).group(1)
            one.sendall(command("CLIENT", "LIST"))
            self.assertRegex(one.recv(10000), rb"id=%s addr=127.0.0.1:\d+ .*name=two " % name)
            one.sendall(command("CLIENT", "KILL", "ID", name))
            expect(one, b":1\r\n")
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(two.recv(100), b"")
            one.sendall(command("INFO", "clients"))
            self.assertIn(b"connected_clients:1\r\n", one.recv(1000))


class HostileKeys(unittest.TestCase):
    """Other clients are served while a client's KEYS takes long."""

    def slowest_ping(self, server, connection, size):
        """The longest that a PING took until `connection` had received so many bytes, how long that was, and the bytes."""
        slowest, start = 0, time.monotonic()
        connection.setblocking(False)
        received = b""
        with server.connect() as other:
            while len(received) < size:
                began = time.monotonic()
                other.sendall(command("PING"))
                expect(other, b"+PONG\r\n")
                slowest = max(slowest, time.monotonic() - began)
                with contextlib.suppress(BlockingIOError):
                    received += connection.recv(size - len(received))
        connection.settimeout(30)
        return slowest, time.monotonic() - start, received

    def check(self, keys, pattern, reply, times=1):
        with example() as server, server.connect() as connection:
            for key in keys:
                connection.sendall(command("SET", key, ""))
                expect(connection, b"+OK\r\n")
            connection.sendall(command("KEYS", pattern) * times + command("PING", "next"))
            slowest, duration, received = self.slowest_ping(server, connection, len(reply))
            self.assertEqual(received, reply)
            self.assertLess(slowest, max(0.5, duration / 4))
            self.assertEqual(ask(connection, b""), b"")

    def test_many_stars(self):
        self.check([b"a" * (1 << 20) + bytes([48 + i]) for i in range(5)], "a*" * 1000 + "b", b"*0\r\n$4\r\nnext\r\n")

    def test_a_long_pattern_that_nearly_matches_everywhere(self):
        self.check([b"a" * 30_000], "*" + "a" * 10_000 + "b", b"*0\r\n$4\r\nnext\r\n")

    def test_a_huge_set(self):
        self.check([b"a" * 20], "[" + "b" * (4 << 20) + "]*[" + "b" * (4 << 20), b"*0\r\n$4\r\nnext\r\n")

    def test_many_quick_searches_at_once(self):
        keys = [f"key-{i}" for i in range(2000)]
        self.check(keys, "x*", b"*0\r\n" * 12000 + b"$4\r\nnext\r\n", times=12000)

    def test_many_keys_while_they_change(self):
        """Each key that exists during the whole search is found once."""
        count = 200_000
        with example() as server, server.connect() as connection, server.connect() as other:
            for start in range(0, count, 1000):
                connection.sendall(command("MSET", *(f"key-{i // 2:07}" for i in range(2 * start, 2 * start + 2000))))
                expect(connection, b"+OK\r\n")
            searched = threading.Event()

            def change():
                for i in range(1, count, 2):
                    other.sendall(command("DEL", f"key-{i:07}") + command("SET", f"new-{i}", ""))
                    expect(other, b":1\r\n+OK\r\n")
                    if searched.is_set():
                        break

            changing = threading.Thread(target=change)
            changing.start()
            try:
                for _ in range(3):
                    connection.sendall(command("KEYS", "key-*") + command("PING"))
                    received = b""
                    while not received.endswith(b"+PONG\r\n"):
                        received += connection.recv(1 << 20)
                    found = re.findall(rb"key-(\d+)\r\n", received)
                    self.assertEqual(len(found), len(set(found)))
                    self.assertEqual({int(i) for i in found if int(i) % 2 == 0}, set(range(0, count, 2)))
                    self.assertTrue(received.startswith(b"*%d\r\n" % len(found)))
            finally:
                searched.set()
                changing.join()

    def test_several_searches_and_one_in_a_transaction(self):
        keys = [f"{i}" + "a" * 50_000 for i in range(20)]
        pattern = "*a" * 200 + "b"
        with example() as server:
            with contextlib.ExitStack() as stack:
                connections = [stack.enter_context(server.connect()) for _ in range(5)]
                for key in keys:
                    connections[0].sendall(command("SET", key, ""))
                    expect(connections[0], b"+OK\r\n")
                for connection in connections:
                    commands = [command(*words) for words in (("MULTI",), ("KEYS", pattern), ("DBSIZE",), ("EXEC",), ("PING",))]
                    connection.sendall(b"".join(commands))
                connections.pop().close()
                for connection in connections:
                    expect(connection, b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*0\r\n:20\r\n+PONG\r\n")
            self.assertEqual(server.stop(), 0)


class Ending(unittest.TestCase):
    def test_signals_deliver_what_is_pending(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), example() as server, server.connect() as connection, server.connect() as idle:
                value = b"v" * (8 << 20)
                connection.sendall(command("SET", "k", value) + command("GET", "k") * 3 + command("PING"))
                expect(connection, b"+OK\r\n$")
                server.process.send_signal(number)
                time.sleep(0.2)
                received = b"$" + ask(connection, b"")
                bulk = b"$%d\r\n" % len(value) + value + b"\r\n"
                self.assertIn(received, (bulk, bulk * 2, bulk * 3, bulk * 3 + b"+PONG\r\n"))
                self.assertEqual(idle.recv(1), b"")
                self.assertEqual(server.wait(), 0)

    def test_shutdown(self):
        for how in ([], ["NOSAVE"], ["save", "now"]):
            with self.subTest(how), example() as server:
                stream = command("PING") + command("SHUTDOWN", *how) + command("PING")
                self.assertEqual(answers(server, stream), b"+PONG\r\n")
                self.assertEqual(server.wait(), 0)


class Clients(unittest.TestCase):
    """Redis's own clients, with their defaults."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(example())

    def run_client(self, *arguments, **options):
        arguments = [str(argument) for argument in arguments]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=90, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    @unittest.skipUnless(shutil.which("redis-cli"), "needs redis-cli")
    def test_redis_cli(self):
        def cli(*arguments, **options):
            return self.run_client("redis-cli", "-p", self.server.port, *arguments, **options).stdout

        self.assertEqual(cli("set", "cli", "a b"), "OK\n")
        self.assertEqual(cli("--no-raw", "get", "cli"), '"a b"\n')
        self.assertEqual(cli(input="incr n\nget none\nkeys [\nfoo\n"), "1\n\n\nERR unknown command 'foo', with args beginning with: \n\n")
        self.assertIn("errors: 0, replies: 1000", cli("--pipe", input=command("PING").decode() * 1000))
        self.assertIn("OK", cli("-x", "set", "file", input="x" * 1_000_000))
        self.assertIn('"a b"', self.typed("get cli\nquit\n"))

    def typed(self, lines):
        """What redis-cli shows when this is typed at a terminal; there it asks for the commands' descriptions first."""
        terminal, end = pty.openpty()
        environment = {**os.environ, "TERM": "dumb"}
        arguments = ["redis-cli", "-p", str(self.server.port)]
        with os.fdopen(terminal, "r+b", buffering=0) as screen:
            client = subprocess.Popen(arguments, stdin=end, stdout=end, stderr=end, env=environment)
            os.close(end)
            screen.write(lines.encode())
            self.assertEqual(client.wait(timeout=30), 0)
            return screen.read(10000).decode()

    @unittest.skipUnless(shutil.which("redis-benchmark"), "needs redis-benchmark")
    def test_redis_benchmark(self):
        arguments = ("-t", "ping,set,get,incr,mset", "-P", 16, "-n", 20000, "-q")
        done = self.run_client("redis-benchmark", "-p", self.server.port, *arguments)
        for name in ("PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", r"MSET \(10 keys\)"):
            self.assertRegex(done.stdout, name + r": [\d.]+ requests per second")
        self.assertNotIn("rror", done.stdout + done.stderr)

    def test_python_redis(self):
        try:
            import redis
        except ImportError:
            self.skipTest("needs python3-redis")
        with redis.Redis(port=self.server.port) as client:
            self.assertTrue(client.ping())
            self.assertTrue(client.set("py", b"\x00\xff", ex=100))
            self.assertEqual(client.get("py"), b"\x00\xff")
            self.assertEqual(client.ttl("py"), 100)
            self.assertIsNone(client.set("py", "x", nx=True))
            self.assertEqual(client.set("py", "x", xx=True, get=True), b"\x00\xff")
            self.assertTrue(client.mset({"a": 1, "b": 2}))
            self.assertEqual(client.mget("a", "none", "b"), [b"1", None, b"2"])
            self.assertEqual((client.incr("a"), client.incrby("a", 5), client.decr("a"), client.decrby("a", 2)), (2, 7, 6, 4))
            self.assertEqual(client.pipeline().set("p", 1).incr("p").get("p").execute(), [True, 2, b"2"])
            self.assertEqual(client.pipeline(transaction=False).incr("p").delete("p").execute(), [3, 1])
            self.assertEqual(sorted(client.keys("[ab]")), [b"a", b"b"])
            self.assertEqual((client.type("a"), client.type("none"), client.exists("a", "b", "none")), (b"string", b"none", 2))
            self.assertTrue(client.expire("a", 100))
            self.assertEqual(client.config_get("save"), {"save": ""})
            self.assertEqual(client.info()["redis_version"], "7.0.15")
            self.assertTrue(client.client_setname("tester"))
            self.assertEqual(client.client_getname(), "tester")
            self.assertIn(client.client_id(), [int(other["id"]) for other in client.client_list()])
            self.assertEqual(client.command_count(), len(client.command()))
            with self.assertRaisesRegex(redis.ResponseError, "^value is not an integer or out of range$"):
                client.incr("py")
            value = os.urandom(1 << 20) * 64
            self.assertTrue(client.set("large", value))
            self.assertTrue(client.get("large") == value)
            self.assertEqual(client.delete("large", "a", "b", "py"), 4)
            self.assertTrue(client.flushdb())

    @unittest.skipUnless(node_clients.installed(), "needs npm, which installs ioredis and redis")
    def test_node_clients(self):
        done = node_clients.run("clients.js", self.server.port)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
