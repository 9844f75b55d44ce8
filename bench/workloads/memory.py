"""Memory of idle connections."""

from harness.workload import Workload

WORKLOADS = [
    Workload(
        "idle",
        "memory of an idle connection that never spoke",
        ("idle",),
        measure="bytes",
        unit="connection",
        rounds=3,
        quick=True,
    ),
    Workload(
        "idle-spoken",
        "memory of an idle connection that echoed a message",
        ("idle", "--spoken"),
        measure="bytes",
        unit="connection",
        rounds=3,
    ),
]
