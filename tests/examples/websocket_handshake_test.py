"""The handshake of the WebSocket server: the upgrade request, and what both sides negotiate."""

import time
import unittest

import websocket_cases as cases
from running import Running
from websocket_peer import KEY, TEXT, Peer, accept_of, text, upgrade


class HandshakeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Running("websocket-echo"))

    def connect(self, server=None):
        return Peer((server or self.server).connect())

    def answer(self, request, server=None):
        with self.connect(server) as peer:
            return peer.ask(request)

    def check_echo(self, peer):
        peer.send(text("hello"))
        self.assertEqual(peer.receive(), (TEXT, b"hello"))


class Upgrades(HandshakeTest):
    def test_the_answer(self):
        answer = self.answer(upgrade())
        self.assertRegex(answer.line, r"^HTTP/1\.1 101 ")
        self.assertEqual(answer.fields["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(answer.fields["upgrade"].lower(), "websocket")
        self.assertEqual(answer.fields["connection"].lower(), "upgrade")
        for name in ("sec-websocket-protocol", "sec-websocket-extensions", "content-length", "transfer-encoding"):
            self.assertNotIn(name, answer.fields)

    def test_accept_is_of_the_key(self):
        self.assertEqual(accept_of(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        for key in ("AAAAAAAAAAAAAAAAAAAAAA==", "/+/+/+/+/+/+/+/+/+/+/w==", "x3JJHMbDL1EzLkh9GBhXDw=="):
            self.assertEqual(self.answer(upgrade(Sec_WebSocket_Key=key)).fields["sec-websocket-accept"], accept_of(key))

    def test_requests(self):
        for request in cases.UPGRADED:
            with self.subTest(request=request[:300]), self.connect() as peer:
                self.check_echo(peer.open(request))

    def test_in_pieces(self):
        with self.connect() as peer:
            peer.send(upgrade()[:-1], (1,))
            time.sleep(0.05)
            self.check_echo(peer.open(b"\n"))

    def test_frames_in_the_piece_of_the_request(self):
        """4.1: no client may send before it has read 101; one that does loses nothing."""
        for sizes in (None, (200, 1)):
            with self.connect() as peer:
                stream = upgrade() + text("early")
                peer.send(stream[:-1], sizes)
                peer.open(stream[-1:])
                self.assertEqual(peer.receive(), (TEXT, b"early"))

    def test_behind_another_request(self):
        """The connection uses HTTP until it is upgraded."""
        with self.connect() as peer:
            answer = peer.ask(b"HEAD /none HTTP/1.1\r\nHost: x\r\n\r\n")
            if answer.fields.get("connection", "").lower() == "close" or answer.status == 400:
                self.skipTest("this server ends it behind any other request")
            self.check_echo(peer.open())


class Refusals(HandshakeTest):
    def test_requests(self):
        for request, statuses in cases.NOT_UPGRADED:
            with self.subTest(request=request[:300]):
                answer = self.answer(request)
                self.assertIn(answer.status, statuses)
                self.assertNotIn("sec-websocket-accept", answer.fields)

    def test_versions(self):
        for version in cases.VERSIONS:
            answer = self.answer(upgrade(Sec_WebSocket_Version=version))
            self.assertEqual((answer.status, answer.fields.get("sec-websocket-version")), (426, "13"), version)
            # RFC 9110, 7.8: a request with Upgrade also has Connection: Upgrade
            self.assertEqual((answer.fields["upgrade"], answer.fields["connection"]), ("websocket", "Upgrade"))
        for version in cases.VERSIONS_INVALID:
            answer = self.answer(upgrade(Sec_WebSocket_Version=version))
            self.assertIn(answer.status, {400, 426}, version)
        self.assertIn(self.answer(upgrade("Sec-WebSocket-Version: 8")).status, {400, 426})

    def test_unlike_http(self):
        for request in (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\r\n\r\n", b"GARBAGE\r\n\r\n", text("frame") + b"\r\n\r\n"):
            with self.connect() as peer:
                peer.send(request)
                received = peer.take(12)
                self.assertIn(received, (None, b"HTTP/1.1 400"))

    def test_half_a_request(self):
        with self.connect() as peer:
            peer.send(upgrade()[:-2])
        with self.connect() as peer:
            self.check_echo(peer.open())


class Subprotocols(HandshakeTest):
    def test_the_first_that_is_known(self):
        for lines, chosen in cases.SUBPROTOCOLS:
            with self.subTest(lines), self.connect() as peer:
                answer = peer.ask(upgrade(*(f"Sec-WebSocket-Protocol: {line}" for line in lines)))
                self.assertEqual((answer.status, answer.fields.get("sec-websocket-protocol")), (101, chosen))
                self.check_echo(peer)

    def test_no_list(self):
        for line in cases.SUBPROTOCOLS_MALFORMED:
            answer = self.answer(upgrade("Sec-WebSocket-Protocol: " + line))
            self.assertIn(answer.status, {101, 400}, line)
            self.assertNotIn("sec-websocket-protocol", answer.fields, line)

    def test_one_twice(self):
        """4.1: no client may do this; the server may tolerate it."""
        answer = self.answer(upgrade("Sec-WebSocket-Protocol: chat, chat"))
        self.assertIn((answer.status, answer.fields.get("sec-websocket-protocol")), {(101, "chat"), (400, None)})


class Origins(HandshakeTest):
    """10.2: the browser's Origin must be among the allowed ones."""

    def test_all_are_allowed_by_default(self):
        for origin in ("http://example.com", "https://example.com:8443", "null", "file://"):
            self.assertEqual(self.answer(upgrade(f"Origin: {origin}")).status, 101, origin)

    def test_one_is_allowed(self):
        with Running("websocket-echo", "--origin", "http://good.example") as server:
            for origin, status in (
                ("http://good.example", 101),
                ("http://evil.example", 403),
                ("https://good.example", 403),
                ("http://good.example:8080", 403),
                ("http://good.example.evil.example", 403),
                ("http://good.exampl", 403),
                ("http://evil.example/http://good.example", 403),
                ("null", 403),
            ):
                self.assertEqual(self.answer(upgrade(f"Origin: {origin}"), server).status, status, origin)
            twice = upgrade("Origin: http://good.example", "Origin: http://evil.example")
            self.assertIn(self.answer(twice, server).status, {400, 403})
            # Without a browser 10.2 leaves the decision to the server.
            self.assertIn(self.answer(upgrade(), server).status, {101, 403})


class Extensions(HandshakeTest):
    def offer(self, offered):
        with self.connect() as peer:
            answer = peer.ask(upgrade(f"Sec-WebSocket-Extensions: {offered}"))
            self.assertEqual(answer.status, 101, answer.line)
            return answer.extensions()

    def check_agreed(self, offered, agreed, least):
        self.assertEqual(set(agreed), {"permessage-deflate"})
        parameters = agreed["permessage-deflate"]
        for name, value in least.items():
            self.assertIn(name, parameters)
            self.assertLessEqual(int(parameters[name] or 0), value or 0)
        for name, value in parameters.items():
            if name.endswith("_max_window_bits"):
                self.assertRegex(value or "", r"^([89]|1[0-5])$")
            else:
                self.assertIn((name, value), {(f"{side}_no_context_takeover", None) for side in ("client", "server")})
        # 7.1.2.2: this parameter only to clients that offered it, and no larger than offered
        if bits := parameters.get("client_max_window_bits"):
            self.assertIn("client_max_window_bits", offered)
            largest = offered.rpartition("client_max_window_bits=")[2].split(";")[0].split(",")[0]
            self.assertLessEqual(int(bits), int(largest) if largest.isdigit() else 15)

    def test_agreed(self):
        for offered, least in cases.OFFERS:
            with self.subTest(offered):
                self.check_agreed(offered, self.offer(offered), least)

    def test_a_window_that_zlib_does_not_have(self):
        """A server may reject a window of 256 bytes; then the next offer applies."""
        if agreed := self.offer("permessage-deflate; server_max_window_bits=8"):
            self.check_agreed("", agreed, {"server_max_window_bits": 8})
        agreed = self.offer("permessage-deflate; server_max_window_bits=8, permessage-deflate")
        self.assertIn("permessage-deflate", agreed)

    def test_declined(self):
        for offered in cases.DECLINED:
            with self.subTest(offered):
                self.assertEqual(self.offer(offered), {})

    def test_malformed(self):
        for offered in cases.OFFERS_MALFORMED:
            with self.subTest(offered):
                answer = self.answer(upgrade(f"Sec-WebSocket-Extensions: {offered}"))
                self.assertIn((answer.status, len(answer.extensions())), {(101, 0), (400, 0)})

    def test_without_an_offer(self):
        self.assertEqual(self.offer("foo"), {})
        for nothing in ("", ",", ", ,"):
            answer = self.answer(upgrade(f"Sec-WebSocket-Extensions: {nothing}"))
            self.assertIn((answer.status, len(answer.extensions())), {(101, 0), (400, 0)}, nothing)

    def test_a_long_list(self):
        for offered in ("foo, " * 500 + "permessage-deflate", "permessage-deflate; a, " * 200 + "permessage-deflate"):
            answer = self.answer(upgrade(f"Sec-WebSocket-Extensions: {offered}"))
            self.assertIn(answer.status, {101, 400, 431})


if __name__ == "__main__":
    unittest.main()
