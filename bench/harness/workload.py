"""Defines a workload. The workloads are in bench/workloads; each file has a list WORKLOADS."""

import importlib
import pathlib
from dataclasses import dataclass

TCP = ("evio-epoll", "evio-io_uring", "floor-epoll", "floor-io_uring", "libuv", "libevent", "asio", "go")


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    load: tuple  # the load generator's arguments
    servers: tuple = TCP
    mode: str = "echo"  # of our own servers in bench/servers; empty: no --mode
    udp: bool = False
    buffer: int = 4 << 10  # bytes, for servers that have a buffer for each connection
    unit: str = "message"
    measure: str = "cpu"  # the main metric: cpu (per message), bytes (per connection), latency
    seconds: float = 0.3
    warm_up: float = 0.1
    rounds: int = 0  # at most; 0: as many as requested
    share: float = 0  # latency: the rate, as a share of what floor-epoll can do
    both_cores: bool = False  # the server has a second thread, which gets the other core
    application: bool = False  # has servers of its own
    behind: str = ""  # proxies: their target server, on their core (the load never idles)
    quick: bool = False  # is part of --quick


def all_workloads():
    folder = pathlib.Path(__file__).resolve().parent.parent / "workloads"
    found = []
    for path in sorted(folder.glob("[a-z]*.py")):
        found += importlib.import_module(f"workloads.{path.stem}").WORKLOADS
    return {workload.name: workload for workload in found}
