"""Latency of TCP echo in an open loop, at shares of what the plain epoll server can do."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        f"latency-{percent}",
        f"latency at {percent} % of capacity, 64 B, 50 connections",
        ("open", "--connections", "50"),
        measure="latency",
        share=percent / 100,
        rounds=0 if percent == 50 else 5,
        quick=percent == 50,
    )
    for percent in (25, 50, 75, 90)
]
