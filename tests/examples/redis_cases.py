"""Byte streams for a Redis server, each sent on a separate connection to an empty store."""


def command(*words):
    """A command in the form that clients send."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def inline(*lines):
    return b"".join(line if line.endswith(b"\n") else line + b"\r\n" for line in lines)


STRINGS = [
    inline(b"SET k v", b"GET k", b"get K", b"GeT k", b"TYPE k", b"TYPE none", b"DBSIZE"),
    inline(b"GET none", b"GET", b"GET a b", b"SET", b"SET k", b"ECHO", b"ECHO hi", b"ECHO a b"),
    command("SET", b"\x00key\r\n\xff", b"\x00value\r\n\xff") + command("GET", b"\x00key\r\n\xff") + command("KEYS", "*"),
    command("SET", "", "") + command("GET", "") + command("KEYS", "*") + command("KEYS", "**") + command("KEYS", ""),
    inline(b"SET k v NX", b"SET k w NX", b"GET k", b"SET k x XX", b"GET k", b"SET none v XX", b"GET none"),
    inline(b"SET k v NX XX", b"SET k v XX NX", b"SET k v nx nx", b"SET k v foo", b"SET k v EX", b"SET k v NX EX"),
    inline(b"SET k v GET", b"SET k w GET", b"SET k x NX GET", b"SET n x XX GET", b"SET k y GET GET XX", b"GET k"),
    inline(b"SET k v EX 100", b"TTL k", b"SET k w KEEPTTL", b"TTL k", b"SET k x", b"TTL k", b"TTL none"),
    inline(b"SET k v PX 100000", b"TTL k", b"SET k v px 1500", b"TTL k", b"SET k v PX 1499", b"SET k v EX 1 EX 50", b"TTL k"),
    inline(b"SET k v EX 1 PX 1", b"SET k v EX 1 KEEPTTL", b"SET k v KEEPTTL EX 1", b"SET k v EXAT 1 EX 1", b"EXISTS k"),
    inline(b"SET k v EXAT 1", b"GET k", b"SET k v PXAT 1", b"DBSIZE", b"EXISTS k", b"DBSIZE", b"TTL k"),
    inline(b"SET k v EXAT 99999999999", b"GET k", b"SET k v PXAT 99999999999999", b"GET k", b"SET k v EXAT -1"),
    inline(b"SET k v EX 0", b"SET k v EX -1", b"SET k v EX x", b"SET k v EX 1.5", b'SET k v EX ""', b"SET k v PX 0", b"GET k"),
    inline(b"SET k v EX 9223372036854775807", b"SET k v EX 9223372036854775", b"SET k v PX 9223372036854775807"),
    inline(b"SET k v EX 9223372036854775808", b"SET k v PXAT 9223372036854775807", b"TTL none", b"SET k v GET EX 0", b"GET k"),
    inline(b"MSET a 1 b 2 a 3", b"MGET a b c a", b"MSET a", b"MSET a 1 b", b"MSET", b"MGET", b"MGET a"),
    inline(b"SET a 1 EX 100", b"MSET a 2", b"TTL a", b"SET a 1 EX 100", b"INCR a", b"TTL a"),
    inline(b"INCR n", b"INCR n", b"DECR n", b"DECR m", b"INCRBY n 10", b"DECRBY n 5", b"GET n", b"GET m", b"INCRBY n"),
    inline(b"INCRBY n x", b"INCRBY n 1.5", b"INCRBY n +1", b"INCRBY n 01", b"INCRBY n -0", b"DECRBY n x", b'INCRBY n " 1"'),
    inline(b"INCRBY n 9223372036854775807", b"INCR n", b"INCRBY n 1", b"DECRBY n -1", b"INCRBY n 9223372036854775808"),
    inline(b"DECRBY n 9223372036854775807", b"DECR n", b"DECR n", b"DECRBY n -9223372036854775808", b"INCRBY n -9223372036854775808"),
    inline(b"INCRBY n -9223372036854775808", b"DECR n", b"INCRBY n -1", b"INCRBY n 9223372036854775807", b"GET n"),
    *[command("SET", "k", value) + command("INCR", "k") + command("GET", "k")
      for value in ("", " 1", "1 ", "+1", "-1", "-0", "01", "-", "0", "00", "1.0", "1e3", "x", "9223372036854775807",
                    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1" * 21, b"1\x00", b"\xb2")],
]  # fmt: skip

KEYS = [
    inline(b"MSET a 1 b 2", b"DEL a none a", b"DEL", b"EXISTS b b none", b"EXISTS", b"DBSIZE", b"DBSIZE x", b"DEL b", b"DBSIZE"),
    inline(b"SET k v", b"EXPIRE k 100", b"TTL k", b"EXPIRE none 1", b"EXPIRE k 0", b"GET k", b"SET k v", b"EXPIRE k -5", b"DBSIZE"),
    inline(b"SET k v", b"EXPIRE k 100 NX", b"EXPIRE k 200 NX", b"TTL k", b"EXPIRE k 200 XX", b"TTL k", b"EXPIRE k 100 gt", b"TTL k"),
    inline(b"SET k v", b"EXPIRE k 100 XX", b"EXPIRE k 100 GT", b"EXPIRE k 100 LT", b"TTL k", b"EXPIRE k 200 LT", b"EXPIRE k 50 LT XX", b"TTL k"),
    inline(b"SET k v EX 100", b"EXPIRE k 200 GT XX", b"TTL k", b"EXPIRE k 300 XX XX", b"TTL k", b"EXPIRE k -1 GT", b"EXPIRE k -1 LT", b"GET k"),
    inline(b"EXPIRE", b"EXPIRE k", b"EXPIRE k x", b"EXPIRE k 1 NX XX", b"EXPIRE k 1 NX GT", b"EXPIRE k x LT NX", b"EXPIRE k 1 GT LT"),
    inline(b"EXPIRE k 1 foo", b"EXPIRE k x foo NX XX", b'EXPIRE k 1 "a\\r\\nb"', b'EXPIRE k 1 "a\\x00b"', b'EXPIRE k 1 "\\na\\r\\n"', b'EXPIRE k 1 ""'),
    inline(b"SET k v", b"EXPIRE k 9223372036854775807", b"EXPIRE k 9223372036854775", b"EXPIRE k -9223372036854775808", b"EXPIRE k 9223372036854775808"),
    inline(b"SET k v", b"EXPIRE k -9223372036854775", b"GET k", b"EXPIRE none 9223372036854775807", b"TTL", b"TTL a b", b"TYPE", b"TYPE a b"),
    inline(b"SET k v", b"FLUSHALL", b"DBSIZE", b"FLUSHALL async", b"FLUSHALL SYNC", b"FLUSHALL x", b"FLUSHALL sync sync"),
    inline(b"SET k v", b"FLUSHDB", b"DBSIZE", b"FLUSHDB ASYNC", b"FLUSHDB sync", b"FLUSHDB x", b"FLUSHDB async async"),
    inline(b"KEYS", b"KEYS a b", b"KEYS *", b"SET k v EXAT 1", b"KEYS *"),
    *[inline(b"SET foo-[b]*\\a 1") + command("KEYS", pattern)
      for pattern in ("*", "foo*", "f?o*", "F*", "f[o]o*", "f[^o]o*", "f[^a]o*", "f[a-z]*", "f[z-a]*", "f[m-", "f[o", "f[]o]*",
                      "f[^]o*", "*\\[b\\]*", "*[[]b[]]*", "*\\\\a", "*\\a", "*a\\", "*\\", "**", "*?", "?*", "foo-[b]*\\\\a", "*a*",
                      "*b", "foo-\\[b\\]\\*\\\\a", "[f-f]oo*", "[\\f]oo*", "[e-g-]oo*", "f*f", "*o*o*-*", "[", "[^", "")],
]  # fmt: skip

CONNECTION = [
    inline(b"PING", b"ping", b"PING hi", b'PING ""', b"PING a b", b'ping "a\\x00b"'),
    inline(b"SELECT 0", b"SELECT 1", b"SELECT -1", b"SELECT x", b"SELECT", b"SELECT 0 0", b"SELECT 3000000000", b"SELECT 00"),
    inline(b"HELLO 1", b"HELLO 4", b"HELLO x", b"HELLO 2", b"HELLO", b"HELLO 2 FOO", b'HELLO 2 "a\\nb"'),
    inline(b"HELLO 2 AUTH a", b"HELLO 2 AUTH a b", b"HELLO 2 AUTH default b", b"HELLO 2 SETNAME", b"HELLO 2 SETNAME n", b"CLIENT GETNAME"),
    inline(b"HELLO 2 AUTH default b SETNAME m", b"CLIENT GETNAME", b'HELLO 2 SETNAME "a b"', b"CLIENT GETNAME"),
    inline(b"QUIT", b"PING"), inline(b"quit now please"), inline(b"PING", b"QUIT"), inline(b"MULTI", b"QUIT"),
    inline(b"POST / HTTP/1.1"), inline(b"Host: example.org"), inline(b"MULTI", b"post x"),
    inline(b"GET / HTTP/1.1", b"Host: example.org"),
    inline(b"SHUTDOWN x", b"SHUTDOWN ABORT", b"SHUTDOWN SAVE NOSAVE", b"SHUTDOWN ABORT NOW"),
    inline(b"CLIENT", b"CLIENT FOO", b"CLIENT SETNAME", b"CLIENT SETNAME a", b"CLIENT GETNAME", b"CLIENT GETNAME x", b'CLIENT SETNAME "a b"'),
    inline(b'CLIENT SETNAME "a\\n"', b'CLIENT SETNAME ""', b"CLIENT GETNAME", b"CLIENT SETINFO LIB-NAME x", b"client setinfo"),
    inline(b"CLIENT ID x", b"CLIENT NO-EVICT on", b"CLIENT NO-EVICT OFF", b"CLIENT NO-EVICT x", b"CLIENT NO-EVICT", b"CLIENT INFO x"),
    inline(b"CLIENT REPLY ON", b"CLIENT REPLY x", b"CLIENT REPLY", b"CLIENT REPLY SKIP", b"PING", b"PING 2"),
    inline(b"CLIENT REPLY OFF", b"PING", b"SET k v", b"NONE", b"CLIENT REPLY SKIP", b"PING", b"CLIENT REPLY ON", b"GET k"),
    inline(b"CLIENT REPLY SKIP", b"CLIENT REPLY SKIP", b"PING 1", b"PING 2", b"CLIENT REPLY OFF", b"QUIT"),
    inline(b"CLIENT REPLY OFF") + b"*x\r\n",
    inline(b"CLIENT KILL", b"CLIENT KILL x", b"CLIENT KILL ID", b"CLIENT KILL ID 0", b"CLIENT KILL ID x", b"CLIENT KILL ID 9999999", b"CLIENT KILL FOO x"),
    inline(b"CLIENT KILL ADDR 1.2.3.4:5", b"CLIENT KILL ADDR", b"CLIENT KILL SKIPME x", b"CLIENT KILL SKIPME yes ADDR x", b"CLIENT KILL ID 1 x"),
    inline(b"CLIENT LIST x", b"CLIENT LIST ID x", b"CLIENT LIST ID 9999999", b"CLIENT LIST TYPE x", b"CLIENT LIST TYPE", b"CLIENT LIST ID"),
    inline(b"CONFIG", b"CONFIG FOO", b"CONFIG GET", b"config foo bar", b"CONFIG GET none", b"CONFIG GET [", b'CONFIG "a\\nb"'),
    inline(b"CONFIG GET save", b"CONFIG GET SAVE save", b"CONFIG GET appendonly", b"CONFIG GET maxmemory", b"CONFIG GET databases"),
    inline(b"CONFIG GET s[a]ve", b"CONFIG GET SAV?", b"CONFIG GET appendonl*", b"CONFIG GET proto-max-bulk-len", b"CONFIG GET timeout"),
    inline(b"COMMAND COUNT x", b"COMMAND FOO", b"COMMAND LIST FOO", b"COMMAND DOCS none", b"COMMAND INFO none", b"COMMAND HELP x"),
    inline(b"INFO none", b"INFO cluster", b"info Cluster none", b"INFO keyspace"),
    inline(b"MULTI", b"SET k 1", b"INCR k", b"GET k", b"NONE", b"EXEC", b"GET k"),
    inline(b"MULTI", b"SET k 1", b"INCR k", b"INCRBY k x", b"EXEC", b"MULTI", b"EXEC", b"EXEC", b"DISCARD", b"MULTI x"),
    inline(b"MULTI", b"MULTI", b"SET k 1", b"DISCARD", b"GET k", b"MULTI", b"GET", b"EXEC", b"MULTI", b"SHUTDOWN", b"EXEC"),
    inline(b"EXEC x", b"MULTI", b"SET k v", b"EXEC x", b"EXEC", b"MULTI", b"DISCARD x", b"EXEC", b"MULTI", b"NONE", b"EXEC x", b"GET k"),
    inline(b"SET k v", b"MULTI", b"KEYS *", b"CLIENT REPLY OFF", b"PING", b"EXEC", b"PING", b"CLIENT REPLY ON"),
    inline(b"FOO", b"FOO a b", b'FOO ""', b'FOO "a\\r\\nb"', b'FOO "a\\x00b" c', b'"fo\\x00o" a', b'""', b"f\xff\xfe a"),
    *[b"FOO " + b"a" * 60 + b" " + b"b" * size + b" c d\r\n" for size in (60, 62, 63, 64, 65, 66, 67, 80, 200)],
    inline(b"f" * 127, b"f" * 128, b"f" * 129, b"f" * 300 + b" x"), inline(b"FOO " + b"x " * 100), inline(b"CLIENT " + b"f" * 200),
]  # fmt: skip

PROTOCOL = [
    b"", b"\r\n", b"\n", b"\r\n\r\nPING\r\n", b"PING\n", b"PING\r", b"PING", b"  PING  \r\n", b"\tPING\thi\t\r\n", b"\x0bPING\x0chi\r\n",
    b"*0\r\nPING\r\n", b"*-1\r\nPING\r\n", b"*-9\r\n*0\r\n\r\nPING\r\n", b"*0\r\n" * 1000 + b"PING\r\n",
    b'SET "a b" \'c d\'\r\nGET "a b"\r\nGET \'a b\'\r\n', b'ECHO "\\n\\r\\t\\a\\b\\x41\\x4G\\xZZ\\q\\"\\\\"\r\n', b"ECHO '\\n\\'\\x41\"'\r\n",
    b'ECHO a"b c"\r\n', b"ECHO a'b c'\r\n", b'ECHO "a"b\r\nPING\r\n', b"ECHO 'a'b\r\n", b'ECHO "a\r\n', b"ECHO 'a\r\n", b'ECHO "a\\"\r\n',
    b'ECHO "a" \r\n', b'ECHO ""\r\n', b"ECHO ''\r\n", b'ECHO "a\\\r\n', b'ECHO "a\\x4"\r\n', b'PING\r\nECHO "\r\nPING\r\n',
    b"PI\x00NG\r\nPING\r\n", b"\x00\r\nPING\r\n", b"ECHO a\rb\r\n", b"*1\x00\r\n", b"*1\r\n$4\x00\r\nPING\r\n",
    b"*\r\n", b"*x\r\n", b"*1x\r\n", b"*+1\r\n", b"* 1\r\n", b"*01\r\n", b"*-\r\n", b"*-0\r\n", b"*2147483647\r\n", b"*2147483648\r\n",
    b"*99999999999999999999\r\n", b"*1", b"*1\r", b"*1\r\n", b"*1\n$4\nPING\n",
    b"*1\r\nPING\r\n", b"*1\r\n\r\n", b"*1\r\n\n\r\n", b"*1\r\n+4\r\n", b"*1\r\n\xff\r\n", b"*1\r\n4\r", b"*1\r\nx", b"*1\r\n\x00\r\n",
    b"*1\r\n$\r\n", b"*1\r\n$x\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$+4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$-0\r\n", b"*1\r\n$4 \r\n",
    b"*1\r\n$536870912\r\n", b"*1\r\n$536870913\r\n", b"*1\r\n$9223372036854775808\r\n", b"*1\r\n$0\r\n\r\nPING\r\n", b"*1\r\n$4\r\nPING",
    b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", b"*1\rx$4\ry" + b"PING\r\n", b"*2\r\n$4\r\nECHO\r\n*1\r\n$4\r\nPING\r\n",
    command("PING") + b"PING\r\n" + command("PING", "a") + b"*x\r\nPING\r\n",
    command("SET", "k", "v") + command("GET", "k") + b"*1\r\n$x\r\n" + command("GET", "k"),
    command("ECHO", "x" * 40000) + command("ECHO", "y" * 100000) + command("PING"),
    b"x" * 65536, b"x" * 65537, b"x" * 65537 + b"\r\n", b"x" * 80000 + b"\r\n", b"x" * 83000, b"ECHO " + b"x" * 60000 + b"\r\n",
    b"*" + b"1" * 65535, b"*" + b"1" * 65536, b"*" + b"1" * 70000 + b"\r\n", b"*1\r\n$" + b"1" * 65535, b"*1\r\n$" + b"1" * 65536,
    b"*1\r\n" + b"1" * 70000 + b"\r\n", b"*1\r\n" + b"x" * 70000, b"\x00" * 65537,
]  # fmt: skip

ALL = STRINGS + KEYS + CONNECTION + PROTOCOL

# A pipeline with every kind of request, to be split anywhere.
MIXED = (
    command("SET", "k", "va\r\nlue") + b"GET k\r\n" + command("MSET", "a", "1", "b", "") + b'ECHO "a\\x41 \'"\r\n*0\r\n\r\n'
    + command("INCR", "a") + command("NONE", "x", "y") + command("MGET", "a", "b", "c") + b"PING 'x y'\n" + command("GET")
)  # fmt: skip
