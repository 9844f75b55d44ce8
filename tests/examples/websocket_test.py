"""The WebSocket server, frame by frame: what it must echo, answer and reject according to RFC 6455."""

import os
import random
import signal
import socket
import struct
import time
import unittest

import websocket_cases as cases
from running import Running, backends
from websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from websocket_peer import Peer, close, fragmented, frame, header, masked, text, upgrade

SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
MIB = 1 << 20


class WebSocketTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Running("websocket-echo"))

    def connect(self, server=None):
        """A connection before the handshake."""
        return Peer((server or self.server).connect())

    def open(self, server=None):
        return self.connect(server).open()

    def check_echo(self, peer, opcode, message):
        """Compares without printing both, which may be large."""
        received = peer.receive()
        self.assertIsNotNone(received, "the connection has ended")
        self.assertEqual((received[0], len(received[1])), (opcode, len(message)))
        self.assertTrue(received[1] == message, f"another message of {len(message)} bytes")

    def check_refused(self, peer, codes, **options):
        before, code = peer.closing(**options)
        self.assertIn(code, codes, before)
        return before

    def check_still_serving(self):
        with self.open() as peer:
            peer.send(text("still there"))
            self.check_echo(peer, TEXT, b"still there")


class Framing(WebSocketTest):
    def test_sizes(self):
        for opcode in (TEXT, BINARY):
            with self.open() as peer:
                for size in cases.SIZES:
                    message = b"x" * size if opcode == TEXT else os.urandom(size)
                    peer.send(frame(opcode, message))
                    self.check_echo(peer, opcode, message)

    def test_pieces(self):
        rng = random.Random(1)
        for size in (*cases.SIZES[:-2], 65536):
            for sizes in ((1,), (997,), [rng.randint(1, 100) for _ in range(100)], [1] * 14 + [size + 1]):
                if sizes == (1,) and size > 65535:
                    continue
                with self.subTest(size=size, sizes=sizes[:3]), self.open() as peer:
                    message = os.urandom(size)
                    peer.send(frame(BINARY, message), sizes)
                    self.check_echo(peer, BINARY, message)

    def test_a_pause_at_every_byte(self):
        whole = text("a" * 126) + frame(PING, b"p") + fragmented(TEXT, ["κό".encode(), b"", "σμε".encode()])
        for at in range(1, len(whole)):
            if 14 < at < 126:  # within a payload
                continue
            with self.open() as peer:
                peer.send(whole[:at])
                time.sleep(0.002)
                peer.send(whole[at:])
                received = sorted(peer.receive() for _ in range(3))
                self.assertEqual(received, [(TEXT, b"a" * 126), (TEXT, "κόσμε".encode()), (PONG, b"p")], at)

    def test_many_messages_in_one_piece(self):
        with self.open() as peer:
            messages = [b"%d" % i * (i % 50) for i in range(5000)]
            peer.send(b"".join(text(message) for message in messages))
            for message in messages:
                self.check_echo(peer, TEXT, message)

    def test_masks(self):
        with self.open() as peer:
            message = bytes(range(256))
            for key in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\1\2\3"):
                peer.send(header(BINARY, 256) + key + masked(message, key))
                self.check_echo(peer, BINARY, message)

    def test_large_messages(self):
        for backend in backends():
            running = Running("websocket-echo", "--backend", backend)
            with self.subTest(backend), running as server, self.open(server) as peer:
                message = os.urandom(16 * MIB)
                peer.send(frame(BINARY, message))
                self.check_echo(peer, BINARY, message)
                message = "κόσμε".encode() * 500_000
                peer.send(text(message))
                self.check_echo(peer, TEXT, message)

    def test_a_message_in_many_fragments(self):
        size = MIB if SANITIZED else 4 * MIB
        message = os.urandom(size)
        stream = fragmented(BINARY, [message[at : at + 64] for at in range(0, size, 64)])
        for sizes in (None, (1000,)):
            with self.open() as peer:
                peer.send(stream, sizes)
                self.check_echo(peer, BINARY, message)

    def test_the_largest_message(self):
        message = b"0123456789abcdef" * (cases.MAX_MESSAGE // 16)
        with self.open() as peer:
            peer.send(frame(BINARY, message))
            self.check_echo(peer, BINARY, message)

    def test_fragments_that_are_too_large_together(self):
        part = frame(CONTINUATION, b"x" * MIB, fin=False)
        with self.open() as peer:
            peer.send(frame(BINARY, b"", fin=False))
            for _ in range(65):
                peer.send(part)
            self.check_refused(peer, {1009}, reset_allowed=True)

    def test_many_connections(self):
        peers = [self.enterContext(self.open()) for _ in range(100)]
        for turn in range(3):
            for i, peer in enumerate(peers):
                peer.send(text(f"{turn} {i}"))
            for i, peer in enumerate(peers):
                self.check_echo(peer, TEXT, b"%d %d" % (turn, i))

    def test_a_client_that_does_not_read(self):
        """A client that does not read its echoes must not delay others."""
        with self.open() as peer:
            peer.connection.settimeout(0.2)
            stream = frame(BINARY, b"x" * MIB)
            with self.assertRaises((TimeoutError, ConnectionError)):
                for _ in range(100):
                    peer.connection.sendall(stream)
            self.check_still_serving()


class Sequences(WebSocketTest):
    @staticmethod
    def some(received, pongs):
        """Checks pongs or messages alone: a server may send the ones before the others."""
        return [each for each in received if (each[0] == PONG) == pongs]

    def test_echoes(self):
        for stream, expected in cases.ECHOED:
            for sizes in (None, (1,), (7, 2)):
                if sizes and len(stream) > 10_000:
                    continue
                with self.subTest(stream=stream[:60], sizes=sizes), self.open() as peer:
                    peer.send(stream, sizes)
                    received = [peer.receive() for _ in expected]
                    for pongs in (False, True):
                        self.assertEqual(self.some(received, pongs), self.some(expected, pongs))
                    peer.send(close(1000))
                    self.assertEqual(peer.closing(), ([], 1000))

    def test_pings(self):
        with self.open() as peer:
            for size in range(126):
                payload = os.urandom(size)
                peer.send(frame(PING, payload))
                self.assertEqual(peer.receive(), (PONG, payload))

    def test_ten_pings(self):
        """5.5.3: the last must be answered, those before it may be."""
        for sizes in (None, (1,)):
            with self.open() as peer:
                peer.send(b"".join(frame(PING, b"%d" % i) for i in range(10)), sizes)
                pongs = [peer.receive()]
                while pongs[-1][1] != b"9":
                    pongs.append(peer.receive())
                self.assertEqual({opcode for opcode, _ in pongs}, {PONG})
                self.assertEqual(pongs, sorted(set(pongs)))

    def test_pings_between_fragments(self):
        """Pings are answered although the message is not complete."""
        with self.open() as peer:
            for i in range(10):
                peer.send(frame(CONTINUATION if i else TEXT, b"%d" % i, fin=False) + frame(PING, b"p%d" % i))
                self.assertEqual(peer.receive(), (PONG, b"p%d" % i))
            peer.send(frame(CONTINUATION))
            self.check_echo(peer, TEXT, b"0123456789")

    def test_a_ping_behind_half_a_frame(self):
        with self.open() as peer:
            half = text("a" * 1000)
            peer.send(half[:500])
            time.sleep(0.05)
            peer.send(half[500:] + frame(PING))
            self.assertEqual(sorted([peer.receive(), peer.receive()]), [(TEXT, b"a" * 1000), (PONG, b"")])


class Refusals(WebSocketTest):
    def test_broken_frames(self):
        for why, stream, codes in cases.BROKEN:
            for before in ([], [text("before")]):
                with self.subTest(why, stream=stream[:60], before=len(before)), self.open() as peer:
                    peer.send(b"".join(before) + stream)
                    self.assertIn(self.check_refused(peer, codes), ([], [(TEXT, b"before")][: len(before)]))

    def test_broken_frames_byte_by_byte(self):
        for why, stream, codes in cases.BROKEN:
            with self.subTest(why, stream=stream[:60]), self.open() as peer:
                peer.send(stream[:300], (1,))
                self.assertEqual(self.check_refused(peer, codes, reset_allowed=True), [])

    def test_nothing_is_taken_behind_a_broken_frame(self):
        for why, stream, codes in cases.BROKEN:
            if b"mask" not in stream[-10:]:  # its payload would be what follows
                with self.subTest(why, stream=stream[:60]), self.open() as peer:
                    peer.send(stream + text("behind") + frame(PING) + close(1000))
                    self.assertEqual(self.check_refused(peer, codes, reset_allowed=True), [])

    def test_a_client_that_does_not_answer_close(self):
        """7.1.7: the server ends the connection then."""
        with self.open() as peer:
            peer.send(text("", rsv=0x70))
            self.assertEqual(peer.receive()[0], CLOSE)
            began = time.monotonic()
            peer.end()
            self.assertLess(time.monotonic() - began, 15)

    def test_random_streams(self):
        """Whatever arrives, the server's frames are well formed, and others are served."""
        rng = random.Random(7)
        for _ in range(100):
            with self.open() as peer:
                peer.send(rng.randbytes(rng.randint(1, 3000)))
                peer.connection.shutdown(socket.SHUT_WR)
                peer.said_close = True
                while peer.receive():
                    pass
        self.check_still_serving()


class Utf8(WebSocketTest):
    def test_valid(self):
        with self.open() as peer:
            for sample in cases.UTF8_VALID:
                for message in (sample, b"x" + sample, sample * 100):
                    peer.send(text(message) + fragmented(TEXT, [bytes([byte]) for byte in message]))
                    self.check_echo(peer, TEXT, message)
                    self.check_echo(peer, TEXT, message)

    def test_valid_in_two_at_every_byte(self):
        with self.open() as peer:
            for sample in cases.UTF8_VALID:
                message = b"-" + sample + b"-"
                for at in range(len(message) + 1):
                    whole = text(message)
                    peer.send(fragmented(TEXT, [message[:at], message[at:]], between=frame(PING)))
                    self.assertEqual(sorted([peer.receive(), peer.receive()]), [(TEXT, message), (PONG, b"")])
                    peer.send(whole, (len(whole) - len(message) + at, len(message)))
                    self.check_echo(peer, TEXT, message)

    def test_binary_may_be_anything(self):
        with self.open() as peer:
            for _, sample in cases.UTF8_INVALID:
                peer.send(fragmented(BINARY, [b"x", sample]))
                self.check_echo(peer, BINARY, b"x" + sample)

    def refused(self, why, stream, sizes=None):
        with self.subTest(why, stream=stream[:60], sizes=sizes), self.open() as peer:
            peer.send(stream, sizes)
            self.assertEqual(self.check_refused(peer, {1007}, reset_allowed=bool(sizes)), [])

    def test_invalid(self):
        for why, sample in cases.UTF8_INVALID:
            for message in (sample, b"x" * 9 + sample, b"x" * 200 + sample + b"y", b"\xce\xba" + sample + b"\xce\xba"):
                self.refused(why, text(message))
            self.refused(why, text(b"x" + sample), (1,))
            self.refused(why, fragmented(TEXT, [bytes([byte]) for byte in sample + b" "]))
            for at in range(len(sample) + 1):
                self.refused(why, fragmented(TEXT, [b"x" + sample[:at], sample[at:] + b"y"], between=frame(PONG)))

    def test_unfinished(self):
        for sample in cases.UTF8_UNFINISHED:
            self.refused("nothing follows", text(sample))
            self.refused("nothing follows", text(b"x" * 1000 + sample))
            self.refused("nothing follows", fragmented(TEXT, [b"x" + sample[:-1], sample[-1:]]))
            self.refused("nothing follows", fragmented(TEXT, [b"x" + sample, b""]))

    def test_fails_at_a_fragment(self):
        """8.1, immediately: the rest of the message never arrives."""
        for why, sample in cases.UTF8_INVALID:
            self.refused(why, text(b"x" + sample, fin=False))
            self.refused(why, text(b"x", fin=False) + frame(CONTINUATION, sample, fin=False))
            self.refused(why, text(b"x" + sample[:-1], fin=False) + frame(CONTINUATION, sample[-1:], fin=False))

    def test_fails_within_a_frame(self):
        """Immediately, although the rest of the frame never arrives."""
        for why, sample in cases.UTF8_INVALID:
            for start in (b"", b"x" * 5000):
                whole = start + sample
                self.refused(why, frame(TEXT, whole + b" " * 1000)[: -1000])
        self.refused("a frame of 1 MiB", frame(TEXT, b"\xff" + b" " * MIB)[: -MIB])

    def test_does_not_fail_too_early(self):
        for sample in cases.UTF8_UNFINISHED:
            with self.open() as peer:
                peer.send(text(sample, fin=False) + frame(PING, b"waits"))
                self.assertEqual(peer.receive(), (PONG, b"waits"))

    def test_each_message_begins_anew(self):
        with self.open() as peer:
            peer.send(text("κ") + frame(BINARY, b"\xce") + fragmented(BINARY, [b"\xe1\x80", b""]) + text("μ"))
            for expected in ((TEXT, "κ".encode()), (BINARY, b"\xce"), (BINARY, b"\xe1\x80"), (TEXT, "μ".encode())):
                self.assertEqual(peer.receive(), expected)


class Closing(WebSocketTest):
    def answer(self, stream, **options):
        with self.open() as peer:
            peer.said_close = True
            peer.send(stream)
            return peer.closing(**options)

    def test_codes(self):
        for code in cases.CODES_VALID:
            for reason in (b"", b"reason", "κόσμε".encode(), b"x" * 123):
                with self.subTest(code=code, reason=reason):
                    self.assertEqual(self.answer(close(code, reason)), ([], code))

    def test_no_code(self):
        self.assertIn(self.answer(close()), [([], None), ([], 1000)])

    def test_invalid(self):
        for stream, codes in cases.CLOSES_INVALID:
            with self.subTest(stream=stream[:60]), self.open() as peer:
                peer.send(stream)
                self.assertEqual(self.check_refused(peer, codes), [])

    def test_in_pieces(self):
        with self.open() as peer:
            peer.said_close = True
            peer.send(close(3000, b"slow"), (1,))
            self.assertEqual(peer.closing(), ([], 3000))

    def test_what_follows_is_not_answered(self):
        for behind in (text("x"), frame(PING), close(1000), close(1001), frame(3), b"\xff" * 20, text("x", fin=False)):
            with self.subTest(behind=behind):
                self.assertEqual(self.answer(close(1000) + behind, reset_allowed=True), ([], 1000))

    def test_what_comes_before_is_answered(self):
        messages = [(TEXT, b"%d" % i) for i in range(100)]
        stream = b"".join(frame(*message) for message in messages)
        self.assertEqual(self.answer(stream + close(1000)), (messages, 1000))
        large = b"x" * MIB
        before, code = self.answer(frame(BINARY, large) + close(4000))
        self.assertTrue((before, code) == ([(BINARY, large)], 4000))

    def test_within_a_message(self):
        self.assertEqual(self.answer(text("half", fin=False) + close(1000)), ([], 1000))
        self.assertEqual(self.answer(text("half", fin=False) + frame(PING) + close(1001)), ([(PONG, b"")], 1001))

    def test_both_at_once(self):
        """The server closes because of the first frame, the client on its own; there is one Close from each."""
        self.assertIn(self.answer(frame(3) + close(1000), reset_allowed=True), [([], 1002)])

    def test_the_server_ends_the_connection(self):
        """7.1.1: the server closes first, while the client waits."""
        for stream in (close(1000), close(), close(1001, b"going")):
            with self.open() as peer:
                peer.said_close = True
                peer.send(stream)
                self.assertEqual(peer.receive()[0], CLOSE)
                peer.connection.settimeout(5)
                self.assertIsNone(peer.receive())

    def test_clients_that_vanish(self):
        halves = (text("half")[:-1], text("x" * 70_000)[:100], frame(PING)[:1], text("a", fin=False))
        for stream in (b"", text("whole"), *halves):
            with self.open() as peer:
                peer.send(stream)
                peer.connection.shutdown(socket.SHUT_WR)
                while (received := peer.receive()) and received[0] != CLOSE:
                    pass
                peer.end(reset_allowed=True)
        for _ in range(20):
            with self.open() as peer:
                peer.send(text("x" * 1000) * 10)
                peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.check_still_serving()

    def test_signals(self):
        """1001 is for a server that goes away; it may also just end the connection."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with Running("websocket-echo") as server, self.open(server) as peer:
                peer.send(text("hello"))
                self.check_echo(peer, TEXT, b"hello")
                server.process.send_signal(number)
                last = peer.receive()
                self.assertIn(last and last[1][:2], (None, struct.pack(">H", 1001)))
                peer.send(close(1001))
                peer.end(reset_allowed=True)
                self.assertEqual(server.wait(), 0)


class Backends(WebSocketTest):
    def test_all_of_them_speak(self):
        for backend in backends():
            with self.subTest(backend), Running("websocket-echo", "--backend", backend) as server:
                with self.connect(server) as peer:
                    peer.open(upgrade("Sec-WebSocket-Extensions: permessage-deflate"))
                    peer.say(TEXT, b"compressed" * 1000, fragments=3)
                    self.check_echo(peer, TEXT, b"compressed" * 1000)
                    peer.send(frame(PING, b"p"))
                    self.assertEqual(peer.receive(), (PONG, b"p"))
                    peer.said_close = True
                    peer.send(close(1000))
                    self.assertEqual(peer.closing(), ([], 1000))
                with self.open(server) as peer:
                    peer.send(text(b"\xff", fin=False))
                    self.check_refused(peer, {1007})


if __name__ == "__main__":
    unittest.main()
