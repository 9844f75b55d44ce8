"""TCP echo in a closed loop: connections, message sizes, pipelines."""

from harness.workload import TCP, Workload


def echo(name, title, connections, size=64, pipeline=1, **more):
    load = ("closed", "--connections", str(connections), "--size", str(size), "--pipeline", str(pipeline))
    return Workload(f"echo-{name}", f"echo, {title}", load, buffer=max(size, 4 << 10), **more)


WORKLOADS = [
    echo(
        "1", "64 B, 1 connection", 1, servers=("evio-epoll-spin", "evio-io_uring-spin", *TCP), measure="rate", quick=True
    ),
    echo("50", "64 B, 50 connections", 50, quick=True),
    echo("500", "64 B, 500 connections", 500, quick=True),
    echo("5000", "64 B, 5,000 connections", 5000),
    echo("4k", "4 KiB, 50 connections", 50, size=4 << 10),
    echo("64k", "64 KiB, 50 connections", 50, size=64 << 10, quick=True),
    echo("pipelined", "64 B, 50 connections, 16 at a time", 50, pipeline=16, quick=True),
]
