"""Connections for one message each."""

from harness.workload import Workload

WORKLOADS = [
    Workload("churn", "connect, one message, close", ("churn", "--connections", "64"), unit="connection", quick=True),
    Workload(
        "churn-server-closes",
        "the same, closed by the server",
        ("churn", "--connections", "64", "--wait-for-end"),
        mode="close",
        unit="connection",
    ),
]
