"""WebSocket beside Boost.Beast and libwebsockets: echo, and publishing to many. What publishing adds to plain writes to as
many TCP connections is the ratio to the floor."""

from harness.workload import Workload

OURS = ("evio-websocket-epoll", "evio-websocket-io_uring")
PEERS = ("beast-websocket", "libwebsockets")
PLAIN = ("evio-plain-epoll", "evio-plain-io_uring")


def echo(name, title, size=64, pipeline=1, **more):
    return Workload(
        f"websocket-{name}",
        f"WebSocket echo, {title}",
        ("closed", "--connections", "50", "--size", str(size), "--pipeline", str(pipeline)),
        servers=OURS + PEERS,
        application=True,
        **more,
    )


WORKLOADS = [
    echo("1", "64 B, 50 connections", quick=True),
    echo("16", "64 B, 50 connections, 16 at a time", pipeline=16),
    echo("4k", "4 KiB, 50 connections", size=4 << 10),
    Workload(
        "websocket-publish",
        "WebSocket publish, 64 B to 5,000 subscribers",
        ("broadcast", "--connections", "5000"),
        servers=OURS + PEERS + PLAIN,
        mode="broadcast",
        application=True,
        unit="delivery",
        warm_up=0.2,
    ),
]
