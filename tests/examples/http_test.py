"""The HTTP server, byte for byte: its replies, when it closes, and what it rejects."""

import concurrent.futures as futures
import contextlib
import email.utils
import fcntl
import os
import random
import re
import signal
import socket
import struct
import tempfile
import termios
import threading
import time
import unittest

import http_cases
from http_cases import get, post
from running import Running, backends, failure

MAX_BODY = 1 << 20
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ


class Response:
    def __init__(self, head, body):
        self.head, self.body = head, body
        self.line, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(self.line.split(" ")[1])
        self.fields = dict(field.split(": ", 1) for field in fields)


class Client:
    """A connection whose responses are read one by one."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, *pieces):
        for piece in pieces:
            self.connection.sendall(piece)

    def send_in_pieces(self, data, rng=None):
        """Sends byte by byte, or in random pieces, until the server has closed."""
        at = 0
        try:
            while at < len(data):
                size = rng.randint(1, rng.choice((2, 30, 3000))) if rng else 1
                self.connection.sendall(data[at : at + size])
                at += size
        except (BrokenPipeError, ConnectionResetError):
            pass

    def end(self):
        self.connection.shutdown(socket.SHUT_WR)

    def more(self):
        received = self.connection.recv(1 << 20)
        self.buffer += received
        return received

    def response(self, head=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                raise EOFError(self.buffer)
        top, rest = self.buffer.split(b"\r\n\r\n", 1)
        response = Response(top, b"")
        size = 0 if head or response.status == 100 else int(response.fields["Content-Length"])
        self.buffer = rest
        while len(self.buffer) < size:
            if not self.more():
                raise EOFError(self.buffer)
        response.body, self.buffer = self.buffer[:size], self.buffer[size:]
        return response

    def rest(self):
        """All bytes until the server's orderly end of the connection."""
        while self.more():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def unsent(self):
        """The bytes that the server's kernel has not received yet."""
        return struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"\0" * 4))[0]


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Running("http-server"))

    def connect(self, server=None, **options):
        return Client((server or self.server).connect(**options))

    def ask(self, request, head=False):
        with self.connect() as client:
            client.send(request)
            return client.response(head)


class Answers(HttpTest):
    def test_bytes_of_an_answer(self):
        with self.connect() as client:
            client.send(get("/"))
            client.end()
            self.assertRegex(
                client.rest().decode(),
                r"\AHTTP/1\.1 200 OK\r\nServer: evio\r\n"
                r"Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT\r\n"
                r"Content-Type: text/plain\r\nContent-Length: 15\r\n\r\nHello, World!\r\n\Z",
            )

    def test_date_is_now(self):
        with self.connect() as client:
            dates = []
            for _ in range(3):
                before = int(time.time())
                client.send(get("/"))
                date = email.utils.parsedate_to_datetime(client.response().fields["Date"]).timestamp()
                self.assertLessEqual(before - 1, date)  # it may be as old as the batch of events
                self.assertLessEqual(date, time.time())
                dates.append(date)
                time.sleep(1.02)
            self.assertEqual(len(set(dates)), 3)

    def test_head_is_get_without_body(self):
        with self.connect() as client:
            client.send(get("/"), get("/", method="HEAD"), get("/headers", method="HEAD"), get("/none", method="HEAD"))
            client.send(get("/echo", method="HEAD"), get("/"))
            whole, *heads = [client.response(head) for head in (False, True, True, True, True)]
            self.assertEqual([head.status for head in heads], [200, 200, 404, 405])
            self.assertEqual(dict(heads[0].fields, Date=""), dict(whole.fields, Date=""))
            self.assertEqual(heads[1].fields["Content-Length"], "8")
            self.assertEqual(client.response().body, whole.body)

    def test_headers_are_shown(self):
        shown = self.ask(get("/headers?query", "A:b", "EMPTY:  ", "Spaced: \t a  b \t", "Other: \xff"))
        self.assertEqual(shown.body, b"Host: x\nA: b\nEMPTY: \nSpaced: a  b\nOther: \xff\n")

    def test_forms_of_the_target(self):
        for target, status in (("/?a=b", 200), ("http://x", 200), ("http://x/?q", 200), ("http://x?q", 200)):
            self.assertEqual(self.ask(get(target)).status, status, target)
        for target, status in (("/None", 404), ("//", 404), ("http://x/none", 404), ("x", 400), ("ftp://x/", 400)):
            self.assertEqual(self.ask(get(target)).status, status, target)

    def test_unknown_resource_and_method(self):
        with self.connect() as client:
            client.send(post("/none", b"body is skipped"), get("/echo"), post("/", b"x"), get("/", method="BREW"))
            client.send(get("*", method="OPTIONS"), get("/"))
            answers = [client.response() for _ in range(6)]
            self.assertEqual([answer.status for answer in answers], [404, 405, 405, 405, 404, 200])
            self.assertEqual([answer.fields.get("Allow") for answer in answers[:4]], [None, "POST", *["GET, HEAD"] * 2])

    def test_echo(self):
        with self.connect() as client:
            for size in (0, 1, 8191, 8192, 70_000, MAX_BODY):
                body = os.urandom(size)
                client.send(post("/echo", body))
                answer = client.response()
                self.assertEqual((answer.status, answer.fields["Content-Length"]), (200, str(size)))
                self.assertTrue(answer.body == body)

    def test_echo_of_chunks(self):
        body = os.urandom(100_000)
        for sizes in ((100_000,), (1,) * 1000, (5, 16, 4096, 60_000, 1)):
            with self.connect() as client:
                client.send(http_cases.chunked("/echo", body, sizes), get("/"))
                self.assertTrue(client.response().body == body[: sum(sizes)])
                self.assertEqual(client.response().status, 200)

    def test_chunks_of_the_largest_body(self):
        body = os.urandom(MAX_BODY)
        with self.connect() as client:
            client.send(http_cases.chunked("/echo", body, (8192,) * 128))
            self.assertTrue(client.response().body == body)

class Persistence(HttpTest):
    def closes(self, request, field):
        with self.connect() as client:
            client.send(request, get("/"))
            answer = client.response()
            self.assertEqual((answer.status, answer.fields.get("Connection")), (200, field))
            return client.rest() == b""

    def test_close_is_asked_for(self):
        self.assertTrue(self.closes(get("/", "Connection: close"), "close"))
        self.assertTrue(self.closes(get("/", "Connection: foo, Close"), "close"))
        self.assertTrue(self.closes(post("/echo", b"body", "Connection: close"), "close"))

    def test_http_1_0(self):
        self.assertTrue(self.closes(b"GET / HTTP/1.0\r\n\r\n", "close"))
        with self.connect() as client:
            client.send(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n")
            answer = client.response()
            self.assertEqual((answer.line, answer.fields["Connection"]), ("HTTP/1.1 200 OK", "keep-alive"))
            self.assertEqual(client.response().fields["Connection"], "close")
            self.assertEqual(client.rest(), b"")

    def test_empty_lines_before_a_request(self):
        with self.connect() as client:
            client.send(b"\r\n\r\n", get("/"), b"\r\n", get("/"))
            self.assertEqual([client.response().status for _ in range(2)], [200, 200])

    def test_half_close_is_answered(self):
        for requests in (1, 1000):
            with self.connect() as client:
                client.send(get("/") * requests)
                client.end()
                self.assertEqual([client.response().status for _ in range(requests)], [200] * requests)
                self.assertEqual(client.rest(), b"")

    def test_half_a_request_and_the_end(self):
        for half in (b"", b"GET / HT", get("/")[:-2], post("/echo", b"12345")[:-1]):
            with self.connect() as client:
                client.send(get("/"), half)
                client.end()
                self.assertEqual(client.response().status, 200)
                self.assertEqual(client.rest(), b"", half)


class Continue(HttpTest):
    EXPECTANT = b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"

    def test_body_follows_100_continue(self):
        chunks = self.EXPECTANT.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
        for request, body in (
            (self.EXPECTANT, (b"hello",)),
            (self.EXPECTANT, (b"he", b"llo")),
            (chunks, (b"5\r\nhel", b"lo\r\n0\r\n\r\n")),
        ):
            with self.connect() as client:
                client.send(get("/"), request)
                self.assertEqual(client.response().status, 200)
                self.assertEqual(client.response().head, b"HTTP/1.1 100 Continue")
                for piece in body:
                    client.send(piece)
                    time.sleep(0.05)
                self.assertEqual(client.response().body, b"hello")

    def test_final_answer_at_once(self):
        for request, status in (
            (self.EXPECTANT + b"hello", 200),
            (self.EXPECTANT.replace(b" 5", b" 0"), 200),
            (self.EXPECTANT.replace(b" 5", b" 1048577"), 413),
            (self.EXPECTANT.replace(b"100-C", b"200-C"), 417),
            (self.EXPECTANT.replace(b"HTTP/1.1", b"HTTP/1.0") + b"hello", 200),
        ):
            self.assertEqual(self.ask(request).status, status, request[:300])

    def test_http_1_0_expects_nothing(self):
        with self.connect() as client:
            client.send(self.EXPECTANT.replace(b"HTTP/1.1", b"HTTP/1.0"))
            time.sleep(0.1)
            client.send(b"hello")
            self.assertEqual(client.response().status, 200)


class Refusals(HttpTest):
    def refusal(self, request, send):
        """The only reply to `request`, which ends the connection although more requests follow."""
        with self.connect() as client:
            send(client, request)
            answer = client.response(head=request.startswith(b"HEAD"))
            self.assertEqual(answer.fields["Connection"], "close", request[:300])
            self.assertEqual(client.rest(), b"", request[:300])
            return answer.status

    def test_whole(self):
        for request, status in http_cases.REFUSED:
            self.assertEqual(self.refusal(request, lambda client, data: client.send(data)), status, request[:300])

    def test_byte_by_byte(self):
        for request, status in http_cases.REFUSED:
            if len(request) < 1000:
                self.assertEqual(self.refusal(request, Client.send_in_pieces), status, request[:300])

    def test_nothing_behind_it_is_answered(self):
        for request, status in http_cases.REFUSED:
            with self.connect() as client:
                client.send(get("/"), request + get("/"))
                self.assertEqual(client.response().status, 200)
                self.assertIn(client.response(head=request.startswith(b"HEAD")).status, (status, 400), request[:300])
                self.assertEqual(client.rest(), b"", request[:300])

    def test_largest_header(self):
        for size, status in ((8192, 200), (8193, 431)):
            request = http_cases.header_of(size)
            for send in (Client.send, Client.send_in_pieces):
                with self.connect() as client:
                    send(client, request)
                    self.assertEqual(client.response().status, status)

    def test_too_large_a_body_is_refused_while_it_is_sent(self):
        large = os.urandom(3 * MAX_BODY)
        for request in (post("/echo", large), http_cases.chunked("/echo", large, (65536,) * 48)):
            with self.connect() as client:
                sender = threading.Thread(target=client.send_in_pieces, args=(request, random.Random(1)))
                sender.start()
                self.assertEqual(client.response().status, 413)
                sender.join()
                self.assertEqual(client.rest(), b"")


class Pipelines(HttpTest):
    def pipeline(self, server, requests, rng):
        chosen = [rng.choice(http_cases.ANSWERED) for _ in range(requests)]
        data = b"".join(request for request, _, _ in chosen)
        with self.connect(server) as client:
            sender = threading.Thread(target=client.send_in_pieces, args=(data, rng))
            sender.start()
            for number, (request, status, body) in enumerate(chosen):
                answer = client.response(head=request.startswith(b"HEAD"))
                self.assertEqual((answer.status, answer.body), (status, body), (number, request))
            sender.join()
            client.end()
            self.assertEqual(client.rest(), b"")

    def test_random_splits(self):
        for backend in backends():
            with Running("http-server", "--backend", backend) as server:
                for seed in range(10):
                    with self.subTest(backend=backend, seed=seed):
                        self.pipeline(server, 300, random.Random(seed))
                self.assertEqual(server.stop(), 0)

    def test_byte_by_byte(self):
        for request, status, body in http_cases.ANSWERED:
            with self.connect() as client:
                client.send_in_pieces(request)
                answer = client.response(head=request.startswith(b"HEAD"))
                self.assertEqual((answer.status, answer.body), (status, body), request[:300])

    def test_several_connections_and_loops(self):
        with Running("http-server", "--loops", "2") as server:
            with futures.ThreadPoolExecutor(8) as clients:
                for done in [clients.submit(self.pipeline, server, 1000, random.Random(seed)) for seed in range(8)]:
                    done.result()
            self.assertEqual(server.stop(), 0)

    def test_a_client_that_does_not_read(self):
        bodies = [os.urandom(50_000) for _ in range(10)]
        with Running("http-server") as server, self.connect(server, receive_buffer=65536) as client:
            before = resident(server)
            requests = b"".join(post("/echo", body) for body in bodies) * 60  # 30 MB
            sender = threading.Thread(target=client.send, args=(requests,))
            sender.start()
            time.sleep(0.5)
            self.assertTrue(sender.is_alive(), "the server reads on although nobody reads from it")
            if not SANITIZED:
                self.assertLess(resident(server) - before, 16 << 20)
            with self.connect(server) as other:
                other.send(get("/"))
                self.assertEqual(other.response().status, 200)
            for number in range(600):
                self.assertTrue(client.response().body == bodies[number % 10], number)
            sender.join()


def resident(server):
    """The memory of the server in bytes."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


class LargeFiles(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, size):
        """A server, and the path of a file of that many bytes that it serves as /large."""
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "large"), "wb") as large:
            large.truncate(size)
            with Running("http-server", "--root", folder) as server:
                yield server, large.name
                self.assertEqual(server.stop(), 0)

    @unittest.skipIf(SANITIZED, "takes long, and sanitizers have their own idea of memory")
    def test_a_gibibyte_takes_little_memory(self):
        with self.serving(1 << 30) as (server, _), Client(server.connect()) as client:
            before = resident(server)
            client.send(get("/large", "Connection: close"))
            received = most = 0
            while piece := client.connection.recv(1 << 20):
                received += len(piece)
                most = max(most, resident(server))
            self.assertGreater(received, 1 << 30)
            self.assertLess(most - before, 8 << 20)

    def test_it_shrinks_while_it_is_sent(self):
        with self.serving(64 << 20) as (server, path), Client(server.connect(receive_buffer=65536)) as client:
            client.send(get("/large"), get("/json"))
            client.more()
            os.truncate(path, 1000)
            self.assertLess(len(client.rest()), 64 << 20)  # and the connection has ended, which the client notices
            with Client(server.connect()) as other:
                other.send(get("/large"))
                self.assertEqual(len(other.response().body), 1000)


class Time(unittest.TestCase):
    """Silent and slow clients of a server with a timeout of one second."""

    def test_it_ends(self):
        with Running("http-server", "--timeout", "1") as server:
            began = time.monotonic()
            silent, greeted, header, body = [Client(server.connect()) for _ in range(4)]
            greeted.send(get("/"))
            self.assertEqual(greeted.response().status, 200)
            slow = [(header, iter(get("/") * 9)), (body, iter(post("/echo", b"x" * 1000, "Field: y")))]
            body.send(post("/echo", b"x" * 900)[:-500])
            for _ in range(8):
                for client, data in slow:
                    client.send_in_pieces(bytes([next(data)]))
                time.sleep(0.2)
            for client in (header, body):
                self.assertEqual(client.response().status, 408)
            for client in (silent, greeted, header, body):
                self.assertEqual(client.rest(), b"")
                client.connection.close()
            self.assertGreater(time.monotonic() - began, 1)
            self.assertEqual(server.stop(), 0)

    def test_a_client_in_time_is_not_disturbed(self):
        with (
            Running("http-server", "--timeout", "1") as server,
            Client(server.connect()) as client,
            Client(server.connect(receive_buffer=65536)) as slow,
        ):
            answers = 16  # more than the kernel buffers: it accepts no more while so little is read
            sender = threading.Thread(target=slow.send, args=(post("/echo", bytes(MAX_BODY)) * answers,))
            sender.start()
            for _ in range(5):
                for _ in range(3):
                    slow.buffer += slow.connection.recv(30_000)
                request = post("/echo", b"hello")
                client.send(request[:30])
                time.sleep(0.4)
                client.send(request[30:])
                self.assertEqual(client.response().body, b"hello")
            self.assertEqual([slow.response().status for _ in range(answers)], [200] * answers)
            sender.join()


class Shutdown(unittest.TestCase):
    def settle(self, server, client):
        """Waits until the server has read the client's bytes or stopped reading."""
        with Client(server.connect()) as other:
            for _ in range(50):
                other.send(get("/"))
                other.response()
                if client.unsent():
                    time.sleep(0.01)

    def test_pending_output_is_delivered(self):
        body = os.urandom(700)
        for number, *arguments in (
            (signal.SIGTERM, "--backend", "epoll"),
            (signal.SIGINT, "--backend", "poll"),
            (signal.SIGTERM, "--loops", "2"),
        ):
            with self.subTest(arguments), Running("http-server", *arguments) as server:
                with Client(server.connect(receive_buffer=32768)) as client:
                    client.send(post("/echo", body) * 1000)
                    self.settle(server, client)
                    server.process.send_signal(number)
                    time.sleep(0.2)
                    for _ in range(1000):
                        self.assertEqual(client.response().body, body)
                    self.assertEqual(client.rest(), b"")
                self.assertEqual(server.wait(), 0)

    def test_more_output_than_is_kept_ends_after_a_whole_answer(self):
        body = os.urandom(7000)
        with Running("http-server") as server, Client(server.connect(receive_buffer=32768)) as client:
            sender = threading.Thread(target=client.send_in_pieces, args=(post("/echo", body) * 3000, random.Random(1)))
            sender.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            answers = client.rest()
            sender.join()
            self.assertEqual(server.wait(), 0)
        size = answers.index(body) + len(body)
        self.assertGreater(len(answers), 1 << 20)
        self.assertEqual(len(answers) % size, 0)
        self.assertEqual(answers.count(b"\r\n\r\n" + body), len(answers) // size)

    def test_idle_connections_do_not_delay_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Running("http-server") as server:
                clients = [Client(server.connect()) for _ in range(20)]
                for client in clients[:10]:
                    client.send(get("/"), b"GET / HT")
                    self.assertEqual(client.response().status, 200)
                began = time.monotonic()
                self.assertEqual(server.stop(number), 0)
                self.assertLess(time.monotonic() - began, 5)
                for client in clients:
                    with client:
                        self.assertEqual(client.rest(), b"")


class CommandLine(unittest.TestCase):
    def test_first_line_names_the_address(self):
        with Running("http-server") as server:
            self.assertEqual(server.said, [f"http server on tcp://:{server.port}\n"])
            self.assertGreater(server.port, 0)

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "http.sock")
            with Running("http-server", "--unix", path, addresses=2) as server:
                self.assertEqual(server.said[1], f"http server on unix://{path}\n")
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(30)
                connection.connect(path)
                with Client(connection) as client:
                    client.send(get("/"))
                    self.assertEqual(client.response().status, 200)
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))

    def test_port_in_use(self):
        with Running("http-server") as server:
            said, code = failure("http-server", "--port", str(server.port))
            self.assertEqual(code, 1)
            self.assertIn(f":{server.port}", said)
            self.assertIn("ddress already in use", said)

    def test_arguments_that_make_no_sense(self):
        for arguments in ("--port 65536", "--port x", "--backend x", "--timeout 0", "--nonsense"):
            said, code = failure("http-server", *arguments.split())
            self.assertNotEqual(code, 0)
            self.assertIn(arguments.split()[0], said)


if __name__ == "__main__":
    unittest.main()
