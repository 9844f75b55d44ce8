"""One message to all connections."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        "broadcast",
        "broadcast, 64 B to 5,000 connections",
        ("broadcast", "--connections", "5000"),
        mode="broadcast",
        unit="delivery",
        warm_up=0.2,
    )
]
