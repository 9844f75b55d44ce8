"""permessage-deflate (RFC 7692) of the WebSocket server: what it inflates, deflates and rejects."""

import os
import random
import unittest
import zlib

import websocket_cases as cases
from running import Running
from websocket_peer import BINARY, CLOSE, CONTINUATION, FLUSHED, PING, PONG, RSV1, RSV2, RSV3, TEXT
from websocket_peer import Peer, close, fragmented, frame, text, upgrade

SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
MIB = 1 << 20
OFFER = "permessage-deflate"
NO_CONTEXTS = f"{OFFER}; client_no_context_takeover; server_no_context_takeover"
OFFERS = (
    OFFER,
    f"{OFFER}; client_no_context_takeover",
    f"{OFFER}; server_no_context_takeover",
    f"{NO_CONTEXTS}; client_max_window_bits",
    *(f"{OFFER}; client_max_window_bits={bits}" for bits in range(8, 16)),
    *(f"{OFFER}; server_max_window_bits={bits}" for bits in range(9, 16)),
    f"{OFFER}; client_max_window_bits=9; server_max_window_bits=9",
    f"{NO_CONTEXTS}; server_max_window_bits=9; client_max_window_bits=9",
)


def words(rng, size):
    """Text that compresses well, with letters of more than one byte."""
    some = ["evio", "κόσμε", "socket", "a", "the ", "\U0001f600", str(rng.random())]
    return "".join(rng.choices(some, k=size)).encode()[:size].decode(errors="ignore").encode()


class DeflateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Running("websocket-echo"))

    def open(self, offer=OFFER, level=6):
        peer = Peer(self.server.connect()).open(upgrade(f"Sec-WebSocket-Extensions: {offer}"), level)
        self.assertIsNotNone(peer.extension, offer)
        return peer

    def check_echo(self, peer, opcode, message):
        received = peer.receive()
        self.assertIsNotNone(received, "the connection has ended")
        self.assertEqual((received[0], len(received[1])), (opcode, len(message)))
        self.assertTrue(received[1] == message, f"another message of {len(message)} bytes")

    def check_refused(self, stream, codes, before=()):
        with self.open() as peer:
            peer.send(stream)
            received, code = peer.closing(reset_allowed=len(stream) > MIB)
            self.assertIn(code, codes)
            self.assertIn(received, ([], list(before)))


class Messages(DeflateTest):
    def test_examples(self):
        """7.2.3"""
        for what, pieces in cases.HELLO:
            with self.subTest(what), self.open() as peer:
                for _ in range(3):
                    peer.send(fragmented(TEXT, pieces, RSV1))
                    self.check_echo(peer, TEXT, b"Hello")
                    peer.send(fragmented(TEXT, pieces, RSV1), (1,))
                    self.check_echo(peer, TEXT, b"Hello")

    def test_example_of_context_takeover(self):
        """7.2.3.2: the second message refers to the first."""
        with self.open() as peer:
            self.assertNotIn("client_no_context_takeover", peer.extension.parameters)
            for payload in (b"\xf2\x48\xcd\xc9\xc9\x07\x00", *[b"\xf2\x00\x11\x00\x00"] * 3):
                peer.send(frame(TEXT, payload, rsv=RSV1))
                self.check_echo(peer, TEXT, b"Hello")

    def test_empty(self):
        with self.open() as peer:
            for _ in range(3):
                for pieces in ([b"\0"], [b"", b"\0"], [b"\0", b""], [b"", b"\0", b""]):
                    peer.send(fragmented(TEXT, pieces, RSV1))
                    self.check_echo(peer, TEXT, b"")
            peer.say(TEXT, b"behind")
            self.check_echo(peer, TEXT, b"behind")

    def test_no_data(self):
        """A compressed message without a byte, not even that of an empty block, is empty or an error."""
        with self.open() as peer:
            peer.send(frame(TEXT, b"", rsv=RSV1))
            opcode, payload = peer.receive()
            self.assertIn((opcode, payload[:2]), {(TEXT, b""), (CLOSE, b"\x03\xea"), (CLOSE, b"\x03\xef")})

    def test_messages_that_are_not_compressed(self):
        """6: each message may be compressed or not."""
        with self.open() as peer:
            for i in range(50):
                peer.say(TEXT, b"compressed")
                self.check_echo(peer, TEXT, b"compressed")
                peer.send(fragmented(BINARY, [b"not", b" compressed %d" % i]))
                self.check_echo(peer, BINARY, b"not compressed %d" % i)

    def test_sizes(self):
        rng = random.Random(3)
        for offer in OFFERS:
            with self.subTest(offer), self.open(offer) as peer:
                for size in (0, 1, 16, 125, 126, 127, 1024, 4096, 32768, 65535, 65536, 131072, 300_000):
                    for opcode, message in ((TEXT, words(rng, size)), (BINARY, rng.randbytes(size))):
                        peer.say(opcode, message)
                        self.check_echo(peer, opcode, message)

    def test_levels(self):
        for level in (0, 1, 9):
            with self.open(level=level) as peer:
                for size in (0, 100, 100_000):
                    message = b"level" * size
                    peer.say(TEXT, message)
                    self.check_echo(peer, TEXT, message)

    def test_windows_are_kept(self):
        """No reference of the server exceeds the negotiated window."""
        rng = random.Random(4)
        for bits in range(8, 16):
            for takeover in ("", "; server_no_context_takeover"):
                peer = Peer(self.server.connect())
                with self.subTest(bits=bits, takeover=takeover), peer:
                    peer.open(upgrade(f"Sec-WebSocket-Extensions: {OFFER}; server_max_window_bits={bits}{takeover}"))
                    if not peer.extension:
                        self.assertEqual(bits, 8)
                        continue
                    peer.exact = True
                    block = rng.randbytes((1 << bits) + 100)
                    for message in (block * 2, block, block[:100] + block):
                        peer.say(BINARY, message)
                        self.check_echo(peer, BINARY, message)

    def test_a_thousand_messages(self):
        """The contexts of both directions are kept."""
        rng = random.Random(5)
        for offer in (OFFERS[0], OFFERS[3], OFFERS[-2]):
            with self.subTest(offer), self.open(offer) as peer:
                for i in range(1000):
                    message = words(rng, i) + b"%d" % i
                    peer.say(TEXT, message)
                    self.check_echo(peer, TEXT, message)

    def test_a_thousand_messages_at_once(self):
        with self.open() as peer:
            messages = [b"message %d " % i * (i % 20) for i in range(1000)]
            stream = b"".join(frame(TEXT, peer.extension.compress(message), rsv=RSV1) for message in messages)
            peer.send(stream)
            for message in messages:
                self.check_echo(peer, TEXT, message)

    def test_the_server_compresses(self):
        with self.open() as peer:
            message = b"compressible " * 10_000
            peer.say(TEXT, message)
            answer = peer.frame()
            self.assertEqual((answer.opcode, answer.rsv), (TEXT, RSV1))
            self.assertLess(len(answer.payload), 2000)

    def test_fragments(self):
        rng = random.Random(6)
        with self.open() as peer:
            for fragments in (2, 3, 64, 1000):
                for opcode, message in ((TEXT, words(rng, 50_000)), (BINARY, rng.randbytes(50_000))):
                    peer.say(opcode, message, fragments)
                    self.check_echo(peer, opcode, message)
                    peer.say(opcode, message, fragments, sizes=(1000, 3))
                    self.check_echo(peer, opcode, message)

    def test_split_at_every_byte(self):
        message = "κόσμε, ".encode() * 10
        with self.open(f"{OFFER}; client_no_context_takeover") as peer:
            data = peer.extension.compress(message)
            for at in range(len(data) + 1):
                if "client_no_context_takeover" not in peer.extension.parameters:
                    data = peer.extension.compress(message)
                    at = min(at, len(data))
                peer.send(fragmented(TEXT, [data[:at], data[at:]], RSV1, between=frame(PING, b"p")))
                self.assertEqual(sorted([peer.receive(), peer.receive()]), [(TEXT, message), (PONG, b"p")])

    def test_large(self):
        size = 2 * MIB if SANITIZED else 16 * MIB
        with self.open(level=1) as peer:
            for message in (os.urandom(size), b"0123456789abcdef" * (size // 16)):
                peer.say(BINARY, message)
                self.check_echo(peer, BINARY, message)

    def test_many_connections(self):
        peers = [self.enterContext(self.open()) for _ in range(50)]
        for turn in range(5):
            for i, peer in enumerate(peers):
                peer.say(TEXT, b"%d %d " % (turn, i) * 100)
            for i, peer in enumerate(peers):
                self.check_echo(peer, TEXT, b"%d %d " % (turn, i) * 100)


class Refusals(DeflateTest):
    HELLO = cases.HELLO[0][1][0]

    def test_reserved_bits(self):
        """6: RSV1 is for the first frame of a message."""
        for stream in (
            frame(TEXT, self.HELLO[:3], fin=False, rsv=RSV1) + frame(CONTINUATION, self.HELLO[3:], rsv=RSV1),
            frame(TEXT, b"Hello", fin=False) + frame(CONTINUATION, b"", rsv=RSV1),
            *(frame(opcode, payload, rsv=RSV1) for opcode in (PING, PONG, CLOSE) for payload in (b"", b"\x03\xe8")),
            *(text(self.HELLO, rsv=rsv) for rsv in (RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3, RSV1 | RSV2 | RSV3)),
        ):
            self.check_refused(stream, {1002})

    def test_not_agreed_to(self):
        for offer in (None, "foo", f"{OFFER}; foo"):
            fields = [f"Sec-WebSocket-Extensions: {offer}"] if offer else []
            with Peer(self.server.connect()).open(upgrade(*fields)) as peer:
                peer.send(frame(TEXT, self.HELLO, rsv=RSV1))
                self.assertEqual(peer.closing(), ([], 1002))

    def test_corrupted(self):
        for payload in cases.CORRUPTED:
            for opcode in (TEXT, BINARY):
                with self.subTest(payload=payload):
                    self.check_refused(frame(opcode, payload, rsv=RSV1), {1002, 1007})

    def test_corrupted_behind_a_message(self):
        for payload in (b"\xff" * 10, b"\x06"):
            hello = frame(TEXT, self.HELLO, rsv=RSV1)
            self.check_refused(hello + frame(TEXT, payload, rsv=RSV1), {1002, 1007}, [(TEXT, b"Hello")])

    def test_invalid_utf8(self):
        for why, sample in cases.UTF8_INVALID:
            with self.subTest(why, sample=sample), self.open() as peer:
                peer.say(TEXT, b"x" + sample, fragments=2)
                self.assertEqual(peer.closing(), ([], 1007))
        for sample in cases.UTF8_UNFINISHED:
            with self.subTest(sample=sample), self.open() as peer:
                peer.say(TEXT, b"x" + sample)
                self.assertEqual(peer.closing(), ([], 1007))

    def test_fails_within_a_message(self):
        """Invalid text is rejected before the message is complete."""
        with self.open() as peer:
            peer.send(frame(TEXT, peer.extension.compress(b"x\xff" + b"y" * 1000) + FLUSHED, fin=False, rsv=RSV1))
            self.assertEqual(peer.closing(), ([], 1007))

    def bomb(self, size):
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        zeros = bytes(MIB)
        pieces = [compressor.compress(zeros) for _ in range(size // MIB)]
        pieces.append(compressor.compress(bytes(size % MIB)) + compressor.flush(zlib.Z_SYNC_FLUSH))
        return b"".join(pieces)[:-4]

    def test_a_bomb(self):
        for size in (cases.MAX_MESSAGE + 1, 256 * MIB):
            bomb = self.bomb(size)
            self.check_refused(frame(BINARY, bomb, rsv=RSV1), {1009})
            with self.open() as peer:
                peer.send(fragmented(BINARY, [bomb[at : at + 1000] for at in range(0, len(bomb), 1000)], RSV1))
                self.assertEqual(peer.closing(reset_allowed=True), ([], 1009))

    def test_the_largest_message(self):
        with self.open() as peer:
            peer.send(frame(BINARY, self.bomb(cases.MAX_MESSAGE), rsv=RSV1))
            self.check_echo(peer, BINARY, bytes(cases.MAX_MESSAGE))

    def test_random_data(self):
        """Any data is rejected, or accepted as what it inflates to."""
        rng = random.Random(8)
        for _ in range(300):
            with self.open() as peer:
                peer.send(frame(BINARY, rng.randbytes(rng.randint(1, 200)), rsv=RSV1) + close(1000))
                peer.said_close = True
                self.assertIn(peer.closing(reset_allowed=True)[1], {1000, 1002, 1007, 1009})
        with self.open() as peer:
            peer.say(TEXT, b"still there")
            self.check_echo(peer, TEXT, b"still there")


if __name__ == "__main__":
    unittest.main()
