"""HTTP: our example against nginx and Boost.Beast, a short plain text and a small file."""

from harness.workload import Workload

SERVERS = ("evio-http-epoll", "evio-http-io_uring", "nginx", "beast")


def _workload(name, title, path, pipeline):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    return Workload(
        name,
        f"HTTP {title}, 50 connections, {pipeline} at a time",
        ("closed", "--connections", "50", "--pipeline", str(pipeline), "--request", request),
        servers=SERVERS,
        mode="",
        application=True,
        unit="request",
        quick=name == "http-1",
    )


WORKLOADS = [
    _workload("http-1", "plain text", "/plaintext", 1),
    _workload("http-16", "plain text", "/plaintext", 16),
    _workload("http-file", "file of 1 KiB", "/1k.txt", 1),
]
