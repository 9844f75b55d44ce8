"""A WebSocket client that sends any bytes, and accepts from the server only what RFC 6455 and RFC 7692 allow."""

import base64
import hashlib
import os
import select
import socket
import struct
import zlib
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455, section 1.3
FLUSHED = b"\x00\x00\xff\xff"  # what a sender omits after a compressed message


def accept_of(key):
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return base64.b64encode(digest).decode()


def upgrade(*fields, without=(), method="GET", target="/", version="HTTP/1.1", **instead):
    """A request for the upgrade; a keyword replaces a field: `Sec_WebSocket_Key="x"`."""
    usual = {"Host": "x", "Upgrade": "websocket", "Connection": "Upgrade"}
    usual |= {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    usual.update((name.replace("_", "-"), value) for name, value in instead.items())
    lines = [f"{name}: {value}" for name, value in usual.items() if name not in without]
    return "\r\n".join([f"{method} {target} {version}", *lines, *fields, "", ""]).encode("latin-1")


def masked(payload, key):
    """`payload` with the mask applied or removed."""
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(whole, "little")).to_bytes(len(payload), "little")


def header(opcode, size, fin=True, rsv=0, mask=True, form=None):
    """The header of a frame up to its mask; `form` is the number of bytes of the length: 1, 2 or 8."""
    form = form or (1 if size < 126 else 2 if size < 65536 else 8)
    short, pattern = {1: (size, ""), 2: (126, "H"), 8: (127, "Q")}[form]
    first = (0x80 if fin else 0) | rsv | opcode
    return struct.pack(">BB" + pattern, first, (0x80 if mask else 0) | short, *([size] if pattern else ()))


def frame(opcode, payload=b"", **options):
    key = os.urandom(4)
    if not options.get("mask", True):
        return header(opcode, len(payload), **options) + payload
    return header(opcode, len(payload), **options) + key + masked(payload, key)


def text(payload, **options):
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload, **options)


def fragmented(opcode, pieces, rsv=0, between=b""):
    """One message in that many frames; `between` follows each but the last."""
    kinds = [(opcode, rsv)] + [(CONTINUATION, 0)] * (len(pieces) - 1)
    frames = [frame(kind, piece, fin=False, rsv=bits) for (kind, bits), piece in zip(kinds[:-1], pieces)]
    return between.join([*frames, frame(kinds[-1][0], pieces[-1], rsv=kinds[-1][1])])


def close(code=None, reason=b""):
    return frame(CLOSE, (b"" if code is None else struct.pack(">H", code)) + reason)


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool
    rsv: int


class Extension:
    """permessage-deflate as a server agreed to it: `parameters` by name."""

    def __init__(self, parameters, level=6):
        self.parameters = parameters
        self.level = level
        self.client_bits = int(parameters.get("client_max_window_bits") or 15)
        self.server_bits = int(parameters.get("server_max_window_bits") or 15)
        self.compressor = self.decompressor = None

    def compress(self, message):
        if not self.compressor or "client_no_context_takeover" in self.parameters:
            # zlib makes no raw stream with a window of 256 bytes: stored blocks refer to nothing.
            level = 0 if self.client_bits == 8 else self.level
            self.compressor = zlib.compressobj(level, zlib.DEFLATED, -max(9, self.client_bits))
        data = self.compressor.compress(message) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(FLUSHED)
        return data[:-4]

    def decompress(self, data, exact=False):
        """`exact`: byte for byte, so that zlib sees each reference that leaves the window."""
        if not self.decompressor or "server_no_context_takeover" in self.parameters:
            self.decompressor = zlib.decompressobj(-self.server_bits)
        data += FLUSHED
        if not exact:
            return self.decompressor.decompress(data)
        pieces = []
        while piece := self.decompressor.decompress(data, 1):
            pieces.append(piece)
            data = self.decompressor.unconsumed_tail
        return b"".join(pieces)


class Refused(Exception):
    """The answer to a request for the upgrade is not 101."""


class Answer:
    def __init__(self, head):
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(self.line.split(" ")[1])
        self.fields = {}
        for line in lines:
            name, value = line.split(":", 1)
            name = name.lower()
            self.fields[name] = self.fields[name] + ", " + value.strip() if name in self.fields else value.strip()

    def extensions(self):
        """The parameters of each negotiated extension, by name."""
        agreed = {}
        for extension in filter(None, self.fields.get("sec-websocket-extensions", "").split(",")):
            name, *parameters = (part.strip() for part in extension.split(";"))
            pairs = (parameter.partition("=") for parameter in parameters)
            assert name not in agreed, self.fields
            agreed[name] = {key: value.strip('"') if equals else None for key, equals, value in pairs}
            assert len(agreed[name]) == len(parameters), self.fields
        return agreed


class Peer:
    """A connection to a server. Messages and control frames that it sends are read one by one, as (opcode, payload)."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()
        self.ended = False
        self.reset = False
        self.extension = None
        self.exact = False
        self.said_close = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def open(self, request=None, level=6):
        answer = self.ask(request or upgrade())
        if answer.status != 101:
            raise Refused(answer.line)
        parameters = answer.extensions().get("permessage-deflate")
        self.extension = None if parameters is None else Extension(parameters, level)
        return self

    def ask(self, request):
        """The reply to `request`; its body is left in the buffer."""
        self.send(request)
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                raise EOFError(bytes(self.buffer))
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        return Answer(head)

    def send(self, data, sizes=None):
        """Sends all of it, or until the server ends the connection; `sizes` are those of the pieces, cyclically."""
        data, at, turn = memoryview(data), 0, 0
        while at < len(data) and not self.reset:
            end = at + sizes[turn % len(sizes)] if sizes else len(data)
            turn += 1
            while at < min(end, len(data)) and not self.reset:
                at += self._send_some(data[at:end])

    def _send_some(self, data):
        """Reads meanwhile, so that a server may reply before it has read everything."""
        readable, writable, _ = select.select([] if self.ended else [self.connection], [self.connection], [], 30)
        if not readable and not writable:
            raise TimeoutError("The server neither reads nor sends")
        if readable:
            self.more()
        if not writable:
            return 0
        try:
            return self.connection.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except (BrokenPipeError, ConnectionResetError):
            self.reset = True
            return 0

    def say(self, opcode, payload, fragments=1, **options):
        """Sends a message, compressed if that was negotiated."""
        data, rsv = (self.extension.compress(payload), RSV1) if self.extension else (payload, 0)
        size = max(1, -(-len(data) // fragments))
        pieces = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
        self.send(fragmented(opcode, pieces, rsv), **options)

    def more(self):
        try:
            received = self.connection.recv(1 << 20)
        except ConnectionResetError:
            self.reset = True
            received = b""
        self.ended = not received
        self.buffer += received
        return received

    def take(self, size):
        while len(self.buffer) < size:
            if not self.more():
                return None
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def frame(self):
        """The next frame; None if the server ends the connection between frames."""
        start = self.take(2)
        if start is None:
            assert not self.buffer, f"half a frame: {bytes(self.buffer)}"
            return None
        first, second = start
        fin, rsv, opcode, size = bool(first & 0x80), first & 0x70, first & 0x0F, second & 0x7F
        assert not second & 0x80, "a server must not mask its frames"
        assert opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG), opcode
        assert opcode < CLOSE or (fin and size < 126 and not rsv), f"control frame {first:x} {second:x}"
        if size > 125:
            width, least = (2, 126) if size == 126 else (8, 65536)
            size = int.from_bytes(self.take(width), "big")
            assert size >= least, f"{size} is written in {width} bytes"
        return Frame(opcode, self.take(size), fin, rsv)

    def receive(self):
        """The next control frame or whole message; None at the end."""
        if (first := self.frame()) is None or first.opcode >= CLOSE:
            return first and (first.opcode, first.payload)
        assert first.opcode != CONTINUATION, "a continuation of nothing"
        assert first.rsv in ((0, RSV1) if self.extension else (0,)), first.rsv
        pieces, last = [first.payload], first
        while not last.fin:
            last = self.frame()
            if last.opcode < CLOSE:
                assert (last.opcode, last.rsv) == (CONTINUATION, 0), last
                pieces.append(last.payload)
        message = b"".join(pieces)
        if first.rsv:
            message = self.extension.decompress(message, self.exact)
        if first.opcode == TEXT:
            message.decode()
        return first.opcode, message

    def closing(self, answer=True, reset_allowed=False):
        """What arrives before the server's Close, and its code; then the server must end the connection."""
        before = []
        while (received := self.receive()) and received[0] != CLOSE:
            before.append(received)
        assert received, f"the connection ends without Close, behind {before}"
        payload = received[1]
        assert len(payload) != 1, payload
        payload[2:].decode()
        if answer and not self.said_close:
            self.send(frame(CLOSE, payload[:2]))
        self.end(reset_allowed)
        return before, int.from_bytes(payload[:2], "big") if payload else None

    def end(self, reset_allowed=False):
        while not self.ended:
            self.more()
        assert not self.buffer, f"behind Close: {bytes(self.buffer)}"
        assert reset_allowed or not self.reset, "the server has reset the connection"
