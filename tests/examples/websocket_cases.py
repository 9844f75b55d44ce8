"""What a WebSocket server should accept and reject: RFC 6455 section by section, and the extension of RFC 7692."""

import struct

from websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from websocket_peer import RSV1, RSV2, RSV3, close, fragmented, frame, header, text, upgrade

MAX_MESSAGE = 64 << 20
SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536, 65537)

# 5.2 and 5.4: frames that no client may send, the violated rule, the codes that may be in the Close
BROKEN = [
    *(("a reserved bit", text("x", rsv=rsv), {1002}) for rsv in (RSV1, RSV2, RSV3, RSV2 | RSV3, RSV1 | RSV2 | RSV3)),
    *(("a reserved bit", frame(opcode, b"x", rsv=RSV1), {1002}) for opcode in (BINARY, CLOSE, PING, PONG)),
    ("a reserved bit", text("a", fin=False) + frame(CONTINUATION, b"b", rsv=RSV1), {1002}),
    *(("a reserved opcode", frame(opcode), {1002}) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(("a reserved opcode", frame(opcode, b"payload"), {1002}) for opcode in (3, 7, 11, 15)),
    ("a reserved opcode", text("a", fin=False) + frame(3, b"b"), {1002}),
    ("no mask", text("x", mask=False), {1002}),
    ("no mask", text("", mask=False), {1002}),
    *(("no mask", frame(opcode, b"", mask=False), {1002}) for opcode in (PING, PONG, CLOSE)),
    ("no mask", text("a", fin=False) + frame(CONTINUATION, b"b", mask=False), {1002}),
    *(("a length that a shorter form holds", text("x" * size, form=2), {1002}) for size in (0, 1, 125)),
    *(("a length that a shorter form holds", text("x" * size, form=8), {1002}) for size in (0, 125, 126, 65535)),
    *(("a length with the top bit", header(opcode, size) + b"mask", {1002, 1009})
      for opcode in (TEXT, BINARY) for size in (1 << 63, (1 << 64) - 1)),
    *(("a long control frame", frame(opcode, b"x" * 126), {1002}) for opcode in (PING, PONG, CLOSE)),
    ("a long control frame", frame(CLOSE, struct.pack(">H", 1000) + b"x" * 124), {1002}),
    ("a long control frame", frame(PING, b"x" * 65536), {1002}),
    ("a length that a shorter form holds", frame(PING, b"x", form=2), {1002}),
    *(("a control frame in fragments", frame(opcode, b"", fin=False), {1002}) for opcode in (PING, PONG, CLOSE)),
    ("a control frame in fragments", frame(PING, b"a", fin=False) + frame(CONTINUATION, b"b"), {1002}),
    ("a continuation of nothing", frame(CONTINUATION, b"x"), {1002}),
    ("a continuation of nothing", frame(CONTINUATION, b"x", fin=False), {1002}),
    ("a continuation of nothing", frame(CONTINUATION), {1002}),
    ("a message inside another", text("a", fin=False) + text("b"), {1002}),
    ("a message inside another", text("a", fin=False) + frame(BINARY, b"b"), {1002}),
    ("a message inside another", text("a", fin=False) + text("b", fin=False), {1002}),
    ("a message inside another", text("a", fin=False) + frame(CONTINUATION, b"b", fin=False) + text("c"), {1002}),
    ("a message inside another", frame(BINARY, b"", fin=False) + frame(BINARY, b""), {1002}),
    # 10.4: a limit. It may be applied when the payload begins.
    *(("a message that is too large", header(opcode, size) + b"maskbegins", {1009})
      for opcode in (TEXT, BINARY) for size in (MAX_MESSAGE + 1, 1 << 32, (1 << 63) - 1)),
    ("a message that is too large", text("x", fin=False) + header(CONTINUATION, MAX_MESSAGE) + b"maskbegins", {1009}),
]

# 5.4 and 5.5: frames, the messages and control frames that come back, each kind in order
ECHOED = [
    (text(""), [(TEXT, b"")]),
    (frame(BINARY, b""), [(BINARY, b"")]),
    (text("a") + frame(BINARY, b"\0\xff") + text("b"), [(TEXT, b"a"), (BINARY, b"\0\xff"), (TEXT, b"b")]),
    (fragmented(TEXT, [b"a", b"b"]), [(TEXT, b"ab")]),
    (fragmented(BINARY, [b"a", b"b"]), [(BINARY, b"ab")]),
    (fragmented(TEXT, [b"", b""]), [(TEXT, b"")]),
    (fragmented(TEXT, [b"", b"", b""]), [(TEXT, b"")]),
    (fragmented(TEXT, [b"", b"middle", b""]), [(TEXT, b"middle")]),
    (fragmented(TEXT, [b"first", b"", b"last"]), [(TEXT, b"firstlast")]),
    (fragmented(BINARY, [b"%d," % i for i in range(1000)]), [(BINARY, b"".join(b"%d," % i for i in range(1000)))]),
    (fragmented(BINARY, [b"x" * size for size in SIZES]), [(BINARY, b"x" * sum(SIZES))]),
    (fragmented(TEXT, [b"a"] * 5) + fragmented(BINARY, [b"b"] * 5), [(TEXT, b"aaaaa"), (BINARY, b"bbbbb")]),
    (fragmented(TEXT, [b"a", b"b"], between=frame(PING, b"p")), [(PONG, b"p"), (TEXT, b"ab")]),
    (fragmented(TEXT, [b"a", b"b", b"c"], between=frame(PONG, b"p")), [(TEXT, b"abc")]),
    (frame(PONG) + frame(PONG, b"unasked") + text("a"), [(TEXT, b"a")]),
    (frame(PONG, b"x" * 125) + frame(PING, b"p"), [(PONG, b"p")]),
    (frame(PING), [(PONG, b"")]),
    (frame(PING, b"\0\xff\xfe\xfd\x80"), [(PONG, b"\0\xff\xfe\xfd\x80")]),
    (frame(PING, b"x" * 125), [(PONG, b"x" * 125)]),
]

# 7.4
CODES_VALID = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999)
CODES_INVALID = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)

# 5.5.1 and 7.4: a Close that nobody may send, the codes that may answer it
CLOSES_INVALID = [
    (frame(CLOSE, b"\x03"), {1002}),
    *((close(code), {1002}) for code in CODES_INVALID),
    *((close(code, b"reason"), {1002}) for code in CODES_INVALID),
    *((close(1000, reason), {1007, 1002})
      for reason in (b"\xff", b"\xce", b"x\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"x" * 122 + b"\xce")),
]

# 8.1
UTF8_VALID = [
    b"hello", b"\0", b"\x7f", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80",
    b"\xef\xbf\xbd", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xef\xbb\xbf", b"\xef\xb7\x90", b"\xf0\x90\x80\x80",
    b"\xf0\x9f\xbf\xbf", b"\xf1\x80\x80\x80", b"\xf4\x8f\xbf\xbf", "κόσμε".encode(), "\U0001f600".encode() * 3,
    "Hello-µ@ßöäüàá-UTF-8!!".encode(),
]

# the error, bytes of which the last is the first that shows it
UTF8_INVALID = [
    *(("a continuation of nothing", sample) for sample in (b"\x80", b"\xbf", b"\xc2\x80\x80", b"\xe1\x80\x80\xbf")),
    *(("a start without continuation", bytes([start]) + b" ") for start in (0xC2, 0xDF, 0xE0, 0xE1, 0xEF, 0xF0, 0xF4)),
    *(("a start behind a start", sample) for sample in (b"\xc2\xc2", b"\xe1\xc2", b"\xf1\xf1", b"\xe1\x80\xc2")),
    *(("a sequence cut off", sample) for sample in (b"\xe1\x80 ", b"\xf1\x80 ", b"\xf1\x80\x80 ", b"\xf0\x90\x80 ")),
    *(("longer than needed", sample) for sample in (b"\xc0", b"\xc1", b"\xe0\x80", b"\xe0\x9f")),
    *(("longer than needed", sample) for sample in (b"\xf0\x80", b"\xf0\x8f")),
    *(("a surrogate", sample) for sample in (b"\xed\xa0", b"\xed\xaf", b"\xed\xb0", b"\xed\xbf")),
    *(("above U+10FFFF", sample) for sample in (b"\xf4\x90", b"\xf4\xbf", b"\xf5", b"\xf6", b"\xf7")),
    *(("no byte of UTF-8", bytes([byte])) for byte in range(0xF8, 0x100)),
]

# bytes that are wrong only because nothing follows
UTF8_UNFINISHED = [
    b"\xc2", b"\xdf", b"\xe0", b"\xe0\xa0", b"\xe1", b"\xed\x9f", b"\xef\xbf", b"\xf0", b"\xf0\x90\x80",
    b"\xf4\x8f\xbf",
]

# 4.2.1: requests that begin a connection
UPGRADED = [
    upgrade(),
    upgrade(target="/?a=b&c"),
    upgrade(Upgrade="WebSocket"),
    upgrade(Upgrade="WEBSOCKET", Connection="UPGRADE"),
    upgrade("upgrade: websocket", "CONNECTION: upgrade", without=("Upgrade", "Connection")),
    upgrade("sec-websocket-key: " + "A" * 22 + "==", without=("Sec-WebSocket-Key",)),
    upgrade("SEC-WEBSOCKET-VERSION:13", without=("Sec-WebSocket-Version",)),
    upgrade(Connection="keep-alive, Upgrade"),
    upgrade(Connection="Upgrade,keep-alive"),
    upgrade(Connection="foo ,\tupgrade , bar"),
    upgrade("Connection: Upgrade", Connection="keep-alive"),
    upgrade("Connection: keep-alive"),
    upgrade(Sec_WebSocket_Key="  " + "A" * 22 + "==  "),
    upgrade("Origin: http://example.com", "User-Agent: x", "Cookie: a=b", "Pragma: no-cache"),
    upgrade("Origin: null"),
    upgrade("X: " + "y" * 2000),
]

# request, statuses that may refuse it
NOT_UPGRADED = [
    # Without Upgrade it is an ordinary request for a path that does not exist.
    (upgrade(without=("Upgrade",)), {400, 404, 426}),
    (upgrade(without=("Upgrade", "Connection")), {400, 404, 426}),
    (upgrade(without=("Connection",)), {400, 404, 426}),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 426}),
    *((upgrade(Upgrade=value), {400, 404, 426}) for value in ("", "websockets", "web socket", "h2c", "xwebsocket")),
    *((upgrade(Connection=value), {400, 404, 426}) for value in ("close", "keep-alive", "Upgraded", "xUpgrade", "")),
    (upgrade(without=("Sec-WebSocket-Key",)), {400}),
    *((upgrade(Sec_WebSocket_Key=value), {400}) for value in (
        "", "x", "A" * 24, "A" * 20, "A" * 22, "A" * 23 + "=", "A" * 27 + "=", "?" * 22 + "==", "A" * 22 + "==x",
        "A" * 11 + " " + "A" * 10 + "==", "A" * 22 + "== " + "A" * 22 + "==",
    )),
    (upgrade(without=("Sec-WebSocket-Version",)), {400, 426}),
    (upgrade("Sec-WebSocket-Key: " + "A" * 22 + "=="), {400}),
    (upgrade(version="HTTP/1.0"), {400, 404, 426, 505}),
    *((upgrade(method=method), {400, 404, 405, 426, 501}) for method in ("POST", "PUT", "OPTIONS", "BREW")),
    (upgrade(without=("Host",)), {400}),
    (upgrade("Host: y"), {400}),
    (upgrade("X: " + "y" * (1 << 20)), {400, 431}),
]

# 4.4: versions other than 13; the reply names the supported one
VERSIONS = ["0", "8", "7", "12", "14", "130", "1", "255"]
# Values that are not versions, and statuses that may reject them.
VERSIONS_INVALID = ["", "013", "13x", "+13", "-13", "13.0", "256", "8, 13", "thirteen"]

# 4.2.2: subprotocols that a client offers, the one that the server should choose
SUBPROTOCOLS = [
    ([], None),
    (["echo"], "echo"),
    (["chat"], "chat"),
    (["echo, chat"], "echo"),
    (["chat, echo"], "chat"),
    (["foo,chat,echo"], "chat"),
    (["foo , \tbar ,chat "], "chat"),
    (["foo", "echo"], "echo"),
    (["foo", "bar, chat", "echo"], "chat"),
    (["foo"], None),
    (["ECHO"], None),
    (["Echo, CHAT"], None),
    (["echoes, xecho, ech"], None),
]

# 4.1: values that are not lists of tokens. They are rejected or ignored.
SUBPROTOCOLS_MALFORMED = ["", ",", "a b, chat", "chat;q=1", '"chat"', "chat/echo", "chat echo", "chat, (echo)"]

# RFC 7692, 7.1: what a client offers, whether the server should agree, and parameters that must then be in its answer,
# with the largest number for windows. Any other parameter is the server's to choose.
OFFERS = [
    ("permessage-deflate", {}),
    ("permessage-deflate; server_no_context_takeover", {"server_no_context_takeover": None}),
    ("permessage-deflate; client_no_context_takeover", {}),
    ("permessage-deflate; client_no_context_takeover; server_max_window_bits=9", {"server_max_window_bits": 9}),
    ("permessage-deflate; client_max_window_bits", {}),
    *((f"permessage-deflate; client_max_window_bits={bits}", {}) for bits in range(8, 16)),
    *((f"permessage-deflate; server_max_window_bits={n}", {"server_max_window_bits": n}) for n in range(9, 16)),
    ('permessage-deflate; server_max_window_bits="10"', {"server_max_window_bits": 10}),
    ("permessage-deflate;server_max_window_bits=12;client_max_window_bits=12", {"server_max_window_bits": 12}),
    ("permessage-deflate ;\tclient_max_window_bits ; server_no_context_takeover", {"server_no_context_takeover": None}),
    ("foo, permessage-deflate", {}),
    ('foo; bar=1; baz="qux", permessage-deflate', {}),
    ("permessage-deflate, permessage-deflate; server_no_context_takeover", {}),
    ("permessage-deflate; server_max_window_bits=7, permessage-deflate", {}),
    ("permessage-deflate; foo, permessage-deflate; server_max_window_bits=11", {"server_max_window_bits": 11}),
    ("permessage-deflate; foo, permessage-deflate; bar, permessage-deflate", {}),
    ("permessage-deflate; foo\r\nSec-WebSocket-Extensions: permessage-deflate", {}),
    ("foo\r\nSec-WebSocket-Extensions: bar\r\nSec-WebSocket-Extensions: permessage-deflate", {}),
]

# Offers to reject: the connection opens without the extension.
DECLINED = [
    "foo", "foo; bar=1", "x-webkit-deflate-frame", "permessage-bzip2", "permessage-deflate-x", "deflate-stream",
    *(f"permessage-deflate; {parameter}" for parameter in (
        "foo", "foo=1", "server_no_context_takeover=1", "client_no_context_takeover=true",
        "server_max_window_bits", "client_no_context_takeover; client_no_context_takeover",
        "server_no_context_takeover; server_no_context_takeover", "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=10; client_max_window_bits=10", "server_max_window_bits=10; server_max_window_bits=10",
        "server_max_window_bits=10; server_max_window_bits=11", "server_no_context_takeover; foo",
    )),
    *(f"permessage-deflate; {side}_max_window_bits={bits}" for side in ("client", "server")
      for bits in ("7", "16", "0", "08", "010", "-10", "+10", "ten", "1e1", "256", "4294967306", '"7"', '"x"')),
    "permessage-deflate; server_max_window_bits=7, permessage-deflate; foo",
]

# Fields that do not follow 9.1: rejected or ignored.
OFFERS_MALFORMED = [
    "permessage-deflate; server_max_window_bits=", "permessage-deflate;;", "permessage-deflate; =10",
    'permessage-deflate; server_max_window_bits="10', 'permessage-deflate; client_max_window_bits=""', ";", "=",
    "permessage deflate",
    "permessage-deflate; server_no_context_takeover client_no_context_takeover",
]

# RFC 7692, 7.2.3: compressed "Hello" in all its examples; each frame's payload
HELLO = [
    ("one block", [b"\xf2\x48\xcd\xc9\xc9\x07\x00"]),
    ("two fragments", [b"\xf2\x48\xcd", b"\xc9\xc9\x07\x00"]),
    ("no compression", [b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"]),
    ("a last block", [b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"]),
    ("two blocks", [b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"]),
]

# Data that cannot be inflated, or only after other messages.
CORRUPTED = [
    b"\xff" * 10,
    b"\x06",
    b"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00",
    b"\xf2\x00\x11\x00\x00",
    b"\x04\xfe\xff\xff" * 4,
]
