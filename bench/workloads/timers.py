"""Timers: what it costs to set one while 100,000 are armed, most of which are restarted before they run."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        "timers",
        "timers set, 100,000 armed",
        ("posts",),
        servers=("evio-epoll", "evio-io_uring", "libuv", "asio"),
        mode="timers",
        unit="timer",
        warm_up=0.5,
    ),
]
