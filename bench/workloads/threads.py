"""Sends and posts from another thread to a loop. That thread runs on the load generator's core, which has little to do here."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        "sends",
        "64 B sends from another thread to 50 connections",
        ("sends", "--connections", "50"),
        servers=("evio-epoll", "evio-io_uring", "libuv", "asio", "go"),
        mode="sends",
        unit="send",
        both_cores=True,
    ),
    Workload(
        "posts",
        "tasks from another thread",
        ("posts",),
        servers=("evio-epoll", "evio-io_uring", "libuv", "asio"),
        mode="posts",
        unit="task",
        both_cores=True,
    ),
]
