"""Redis commands: our example against Redis itself."""

from harness.workload import Workload

KEY = "key:000000000001"
VALUE = "x" * 64


def command(*words):
    return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)


SET = command("SET", KEY, VALUE)
WORKLOADS = [
    Workload(
        f"redis-{name.lower()}-{pipeline}",
        f"Redis {name}, 50 connections, {pipeline} at a time",
        ("closed", "--connections", "50", "--pipeline", str(pipeline), "--set-up", SET, "--request", request),
        servers=("evio-redis-epoll", "evio-redis-io_uring", "redis"),
        mode="",
        application=True,
        unit="command",
        quick=pipeline == 16,
    )
    for name, request in (("SET", SET), ("GET", command("GET", KEY)))
    for pipeline in (1, 16)
]
