"""UDP: echo, and bulk in one direction."""

from harness.workload import Workload

SERVERS = ("evio-epoll", "evio-io_uring", "floor-udp", "libuv", "asio", "go")


def udp(name, title, *load, **more):
    return Workload(name, title, load, servers=SERVERS, udp=True, unit="datagram", **more)


WORKLOADS = [
    udp("udp-64", "UDP echo, 64 B, 64 peers", "udp-echo", "--connections", "64", quick=True),
    udp("udp-4x16", "UDP echo, 64 B, 4 peers, 16 deep", "udp-echo", "--connections", "4", "--pipeline", "16", quick=True),
    udp("udp-bulk", "UDP one way, 1,200 B", "udp-bulk", "--size", "1200", mode="sink"),
]
