"""TCP through a proxy: our example against HAProxy and against proxies written with libuv and Asio."""

from harness.workload import Workload

PROXIES = ("evio-proxy-epoll", "evio-proxy-io_uring", "haproxy", "haproxy-splice", "libuv-proxy", "asio-proxy")
WORKLOADS = [
    Workload(
        "proxy-bulk",
        "proxy, TCP one way, 1 connection",
        ("bulk", "--connections", "1", "--size", "65536"),
        servers=PROXIES,
        mode="sink",
        behind="floor-epoll",
        application=True,
        unit="KiB",
    ),
    Workload(
        "proxy-echo",
        "proxy, 64 B echo, 50 connections",
        ("closed", "--connections", "50", "--size", "64"),
        servers=PROXIES,
        behind="floor-epoll",
        application=True,
    ),
    Workload(
        "proxy-echo-4k",
        "proxy, 4 KiB echo, 50 connections",
        ("closed", "--connections", "50", "--size", "4096"),
        servers=PROXIES,
        behind="floor-epoll",
        application=True,
    ),
]
