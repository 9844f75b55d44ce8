"""TCP in one direction."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        "bulk",
        "TCP one way, 1 connection",
        ("bulk", "--connections", "1", "--size", "65536"),
        servers=("evio-epoll", "evio-io_uring", "floor-epoll", "libuv", "libevent", "asio", "go"),
        mode="sink",
        buffer=64 << 10,
        unit="KiB",
    )
]
