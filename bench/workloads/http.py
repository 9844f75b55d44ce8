"""HTTP: our example against nginx, a short plain text."""

from harness.workload import Workload

REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
WORKLOADS = [
    Workload(
        f"http-{pipeline}",
        f"HTTP plain text, 50 connections, {pipeline} at a time",
        ("closed", "--connections", "50", "--pipeline", str(pipeline), "--request", REQUEST),
        servers=("evio-http-epoll", "evio-http-io_uring", "nginx"),
        mode="",
        application=True,
        unit="request",
        quick=pipeline == 1,
    )
    for pipeline in (1, 16)
]
