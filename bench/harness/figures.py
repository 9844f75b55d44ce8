"""Computes the published figures of a workload's rounds: medians, their spread, and ratios of paired rounds."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    median: float
    spread: float  # half the interquartile range, as a share of the median


# The number of a round's record for each metric; None if it has none.
METRICS = {
    "rate": lambda r: r["messages"] / r["seconds"],
    "cpu": lambda r: r["server_cpu"] / r["messages"] * 1e9 if r["messages"] else None,
    "bytes": lambda r: r.get("bytes_per_connection"),
    "p50": lambda r: r.get("p50"),
    "p90": lambda r: r.get("p90"),
    "p99": lambda r: r.get("p99"),
    "p999": lambda r: r.get("p999"),
    "load_idle": lambda r: r["load_idle"] / r["seconds"],
    "server_busy": lambda r: r["server_cpu"] / r["seconds"],
}
# The metric of a workload's ratios, and whether a larger value is better.
MAIN = {"cpu": ("cpu", False), "rate": ("rate", True), "bytes": ("bytes", False), "latency": ("p99", False)}


def values(result, metric):
    return [METRICS[metric](record) if record else None for record in result["rounds"]]


def figure(result, metric):
    known = [value for value in values(result, metric) if value is not None]
    if not known:
        return None
    median = statistics.median(known)
    quarters = statistics.quantiles(known, n=4) if len(known) > 1 else [median] * 3
    return Figure(median, abs((quarters[2] - quarters[0]) / 2 / median) if median else 0.0)


def ratio(result, other, metric):
    """The median of result / other, round by round."""
    pairs = [(a, b) for a, b in zip(values(result, metric), values(other, metric)) if a is not None and b]
    return statistics.median(a / b for a, b in pairs) if pairs else None


def per_message(result, count):
    """System calls or allocations per message, from the counting round."""
    counts = result.get("counts")
    return counts[count] / counts["messages"] if counts and count in counts and counts["messages"] else None


def main_metric(workload):
    return MAIN[workload["measure"]]


def of_kind(workload, kind):
    return {name: result for name, result in workload["servers"].items() if result["kind"] == kind}


def best(workload, kind):
    """The name of the best server of a kind, by the main metric."""
    metric, more = main_metric(workload)
    ranked = [
        (figure(result, metric).median, name) for name, result in of_kind(workload, kind).items() if figure(result, metric)
    ]
    return (max if more else min)(ranked)[1] if ranked else None


def floor_of(workload, name):
    """The floor of the same kernel interface, which is the last word of its name, else the best floor."""
    own = [floor for floor in of_kind(workload, "floor") if floor.split("-")[-1] in name.split("-")]
    return own[0] if own else best(workload, "floor")
