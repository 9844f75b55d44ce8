"""Requests to an HTTP server, and the expected replies."""


def get(target, *fields, method="GET"):
    lines = [f"{method} {target} HTTP/1.1", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(target, body, *fields):
    return get(target, *fields, f"Content-Length: {len(body)}", method="POST") + body


def chunked(target, body, sizes):
    request = [get(target, "Transfer-Encoding: chunked", method="POST")]
    at = 0
    for size in sizes:
        request.append(b"%x\r\n%s\r\n" % (size, body[at : at + size]))
        at += size
    return b"".join(request) + b"0\r\n\r\n"


def raw_chunks(chunks):
    return chunked("/echo", b"", ()).removesuffix(b"0\r\n\r\n") + chunks


def header_of(size):
    """A request of that many bytes without a body."""
    return get("/", "Field: " + "x" * (size - len(get("/", "Field: "))))


def upload(*fields):
    """A request with a body of five bytes, if the fields say so."""
    return get("/echo", *fields, method="POST") + b"hello"


GREETING = b"Hello, World!\r\n"

# request, status, body
ANSWERED = [
    (get("/"), 200, GREETING),
    (b"\r\n" + get("/"), 200, GREETING),
    (get("/", method="HEAD"), 200, b""),
    (get("http://x/?query"), 200, GREETING),
    (get("/none"), 404, b"Not Found"),
    (get("/", method="DELETE"), 405, b"Method Not Allowed"),
    (get("/", "If-None-Match: *", "Accept:", "X:\t\ty  "), 200, GREETING),
    (get("/headers", "A: b"), 200, b"Host: x\nA: b\n"),
    (b"GET /headers HTTP/1.1\r\nhOsT:[::1]:80\r\n\r\n", 200, b"hOsT: [::1]:80\n"),
    (b"GET /headers HTTP/1.1\r\nHost: [fe80::1%25eth0]:65535\r\n\r\n", 200, b"Host: [fe80::1%25eth0]:65535\n"),
    (b"GET /headers HTTP/1.1\r\nHost: a%41:\r\n\r\n", 200, b"Host: a%41:\n"),
    (b"GET /headers HTTP/1.1\r\nHost:\r\n\r\n", 200, b"Host: \n"),
    (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, GREETING),
    (post("/echo", b""), 200, b""),
    (post("/echo", b"hello"), 200, b"hello"),
    (post("/echo", b"\n x\r\n\r\n\ty\n\n\0GET / HTTP/1.1\r\n"), 200, b"\n x\r\n\r\n\ty\n\n\0GET / HTTP/1.1\r\n"),
    (post("/echo", b"ab" * 20_000), 200, b"ab" * 20_000),
    (post("/none", b"GET / HTTP/1.1\r\n\r\n"), 404, b"Not Found"),
    (get("/", "Content-Length: 5") + b"hello", 200, GREETING),
    (get("/echo", method="POST"), 200, b""),
    (chunked("/echo", b"", ()), 200, b""),
    (chunked("/echo", b"hello\r\n world" * 100, (1, 2, 30, 400)), 200, (b"hello\r\n world" * 100)[:433]),
    (raw_chunks(b"005\r\nhello\r\n000\r\n\r\n"), 200, b"hello"),
    (raw_chunks(b'5;a;b=c;d="e;\\"f"\r\nhello\r\n0;x=y\r\n\r\n'), 200, b"hello"),
    (raw_chunks(b'5;a="\\";\t\\\\"\r\nhello\r\n0\r\nA: "b\r\nC: \\"d\r\n\r\n'), 200, b"hello"),
    (raw_chunks(b"A\r\n\n\n\n\n\n\n\n\n\n\n\r\n0\r\nHost: y\r\nTrailer: z\r\n\r\n"), 200, b"\n" * 10),
]

# request, status: the connection ends after the reply
REFUSED = [
    # the request line
    (b"GARBAGE\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),  # TLS
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"GET /\r\n\r\n", 400),
    (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
    (b"GET / /HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (get("*"), 400),
    (get("host:80"), 400),
    (get("/", method="CONNECT"), 400),
    (get("host", method="CONNECT"), 400),
    (get("a@b:80", method="CONNECT"), 400),
    (get("http://host:80", method="CONNECT"), 400),
    (b"GET foo HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET / http/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/11\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTP/1\r\n", 400),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    (b"GET / HTTP/1.1\rHost: x\r\n\r\n", 400),
    (b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    # fields
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nNothost: x\r\n\r\n", 400),
    (get("/", "Host: x"), 400),
    (b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a:+1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: [1:2]\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: [host]:80\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400),
    (b"HEAD / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400),
    (get("/", ": b"), 400),
    (get("/", "A b: c"), 400),
    (get("/", "A\0: b"), 400),
    (get("/", "A: b\0c"), 400),
    (get("/", "A: b\x7fc"), 400),
    (get("/", "\xe9: b"), 400),
    (get("/", "A: b", " c"), 400),
    (get("/", "A: b", "\tc"), 400),
    (get("/", "A:", " b"), 400),
    (get("/", "A: b", " "), 400),
    (get("/", "A: " + "b" * 3000, " " + "c" * 1000), 400),
    (get("/", "Connection: ,;="), 400),
    # how long the body is
    (upload("Content-Length: 5", "Content-Length: 5"), 400),
    (upload("Content-Length: 5", "Content-Length: 6"), 400),
    (upload("Content-Length: 5, 5"), 400),
    (upload("Content-Length: 5, 6"), 400),
    (upload("Content-Length: 5,"), 400),
    (upload("Content-Length: -5"), 400),
    (upload("Content-Length: +5"), 400),
    (upload("Content-Length: 0x5"), 400),
    (upload("Content-Length: 5 5"), 400),
    (upload("Content-Length:"), 400),
    (upload("Content-Length: 18446744073709551621"), 400),
    (upload("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    (upload("Transfer-Encoding: chunked", "Content-Length: 5"), 400),
    (upload("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
    (upload("Transfer-Encoding:", " chunked"), 400),
    (b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (upload("Transfer-Encoding: gzip, chunked"), 501),
    (upload("Transfer-Encoding: chunked, gzip"), 400),
    (upload("Transfer-Encoding: chunked, chunked"), 400),
    (upload("Transfer-Encoding: chunked, identity"), 400),
    (upload("Transfer-Encoding: xchunked"), 400),
    (upload("Transfer-Encoding: identity"), 400),
    (upload("Transfer-Encoding: chunked;q=1"), 400),
    (upload("Transfer-Encoding:"), 400),
    (upload("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), 400),
    (upload("Expect: the unexpected", "Content-Length: 5"), 417),
    # chunks
    (raw_chunks(b"zz\r\nhello"), 400),
    (raw_chunks(b"-5\r\nhello"), 400),
    (raw_chunks(b"\r\nhello\r\n"), 400),
    (raw_chunks(b"5\nhello\n0\n\n"), 400),
    (raw_chunks(b"5\rhello\r\n"), 400),
    (raw_chunks(b"5 \r\nhello\r\n0\r\n\r\n"), 400),
    (raw_chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    (raw_chunks(b"5\r\nhello!\r\n0\r\n\r\n"), 400),
    (raw_chunks(b"5\r\nhello0\r\n\r\n"), 400),
    (raw_chunks(b"5;=\r\nhello\r\n0\r\n\r\n"), 400),
    (raw_chunks(b'5;a="\0"\r\nhello\r\n0\r\n\r\n'), 400),
    (raw_chunks(b'5;a="\\\x7f"\r\nhello\r\n0\r\n\r\n'), 400),
    (raw_chunks(b'5;a="b\r\nhello\r\n0\r\n\r\n'), 400),
    (raw_chunks(b'5\r\nhello\r\n5;a="\\"\r\nhello'), 400),
    (raw_chunks(b'5;a="\n"\r\nhello\r\n0\r\n\r\n'), 400),
    (raw_chunks(b"10000000000000000\r\nhello"), 400),
    (raw_chunks(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"), 400),
    (raw_chunks(b"5\r\nhello\r\n0\r\nA b: c\r\n\r\n"), 400),
    (raw_chunks(b"5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n"), 400),
    # too much
    (upload("Content-Length: 1048577"), 413),
    (upload("Content-Length: 18446744073709551615"), 413),
    (raw_chunks(b"100001\r\nhello"), 413),
    (raw_chunks(b"5\r\nhello\r\nFFFFC\r\n"), 413),
    (raw_chunks(b"FFFFFFFFFFFFFFFF\r\n"), 413),
    (get("/" + "x" * 9000), 414),
    (get("/", "A: " + "b" * 9000), 431),
    (get("/", *["A: b"] * 2000), 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 8192, 431),
    (raw_chunks(b"5;" + b"a" * 9000), 431),
    (raw_chunks(b"1;abcdef\r\nx\r\n" * 2000), 431),
    (raw_chunks(b"0\r\n" + b"A: b\r\n" * 2000), 431),
]
