"""The results as tables: plain text for the terminal, markdown for docs/performance.md."""

from harness import figures
from harness.figures import figure, per_message, ratio

COLUMNS = ("evio-epoll", "evio-io_uring", "floor-epoll", "floor-io_uring", "libuv", "libevent", "asio", "go")


def number(value, digits=3):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if abs(value) < 100 else f"{value:.0f}"


def with_spread(value):
    return "-" if value is None else f"{number(value.median)} ±{value.spread * 100:.0f}%"


def rows(workload):
    """One row per server: dicts of text."""
    metric, _ = figures.main_metric(workload)
    peer = figures.best(workload, "peer")
    for name, result in workload["servers"].items():
        floor = figures.floor_of(workload, name)
        versus = lambda other: ratio(result, workload["servers"][other], metric) if other else None
        row = {"server": name, f"{workload['unit']}/s": with_spread(figure(result, "rate"))}
        if workload["measure"] == "bytes":
            row = {"server": name, "bytes each": with_spread(figure(result, "bytes"))}
        else:
            row[f"CPU ns/{workload['unit']}"] = with_spread(figure(result, "cpu"))
        if workload["measure"] == "latency":
            for percentile in ("p50", "p99", "p999"):
                row[f"{percentile} us"] = with_spread(figure(result, percentile))
        row["to floor"] = f"{versus(floor):.2f}" if floor and versus(floor) else "-"
        row["to best peer"] = f"{versus(peer):.2f}" if peer and versus(peer) else "-"
        if workload["measure"] != "bytes":
            row["syscalls"] = number(per_message(result, "syscalls"), 2)
            row["allocations"] = number(per_message(result, "allocations"), 2)
            row["server busy"] = percent(figure(result, "server_busy"))
            row["load idle"] = percent(figure(result, "load_idle"))
        yield row


def percent(value):
    return "-" if value is None else f"{value.median * 100:.0f}%"


def text(name, workload):
    """A table for the terminal."""
    metric, more = figures.main_metric(workload)
    table = list(rows(workload))
    if not table:
        return f"{name}: no results\n"
    header = list(table[0])
    widths = {column: max(len(column), *(len(row[column]) for row in table)) for column in header}
    lines = [f"{name}: {workload['title']}  (ratios: {metric}, {'more' if more else 'less'} is better)"]
    lines.append("  " + "  ".join(column.rjust(widths[column]) for column in header))
    for row in table:
        lines.append("  " + "  ".join(row[column].rjust(widths[column]) for column in header))
    return "\n".join(lines) + "\n"


def _grid(header, body):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body]) + "\n"


def _worst_spread(workload, metric):
    known = [figure(result, metric) for result in workload["servers"].values()]
    return max((value.spread for value in known if value), default=0)


def _in_column(workload, column, variant=""):
    """The server of a column."""
    name = column + variant if column.startswith("evio") else column
    return "floor-udp" if name == "floor-epoll" and "floor-udp" in workload["servers"] else name


def _versus(workload, metric, ours, other):
    if not other or ours not in workload["servers"]:
        return "-"
    value = ratio(workload["servers"][ours], workload["servers"][other], metric)
    return f"{value:.2f}" if value else "-"


def _row(workload, metric, variant=""):
    servers = workload["servers"]
    cells = [workload["title"] + (", evio with busy_poll" if variant else "")]
    names = [_in_column(workload, column, variant) for column in COLUMNS]
    for name in names:
        value = figure(servers[name], metric) if name in servers else None
        cells.append(number(value.median) if value else "-")
    peer = figures.best(workload, "peer")
    cells += [_versus(workload, metric, ours, figures.floor_of(workload, ours)) for ours in names[:2]]
    cells += [_versus(workload, metric, ours, peer) for ours in names[:2]]
    return cells + [peer or "-", f"±{_worst_spread(workload, metric) * 100:.0f}%"]


def _section(results, title, metric, wanted):
    body = []
    for workload in results["workloads"].values():
        if workload["application"] or not wanted(workload):
            continue
        if "evio-epoll-spin" in workload["servers"]:
            body.append(_row(workload, metric, "-spin"))
        body.append(_row(workload, metric))
    if not body:
        return ""
    short = [column.replace("evio", "**evio**") for column in COLUMNS]
    ratios = ["epoll / floor", "io_uring / floor", "epoll / best peer", "io_uring / best peer", "best peer", "spread"]
    return f"### {title}\n\n" + _grid(["workload", *short, *ratios], body) + "\n"


def _applications(results):
    body = []
    for workload in results["workloads"].values():
        if not workload["application"]:
            continue
        peer = figures.best(workload, "peer")
        for name, result in workload["servers"].items():
            each = [workload["title"], name, number(figure(result, "rate").median), number(figure(result, "cpu").median)]
            versus = [_versus(workload, "cpu", name, other) for other in (peer, figures.floor_of(workload, name))]
            body.append([*each, *versus, with_spread(figure(result, "cpu")).split()[-1]])
    if not body:
        return ""
    header = ["workload", "server", "per second", "CPU ns each", "CPU / peer's", "CPU / floor's", "spread"]
    return "### Applications\n\n" + _grid(header, body) + "\n"


def _calls(results):
    body = []
    for workload in results["workloads"].values():
        if workload["application"] or workload["measure"] == "bytes":
            continue
        calls = [workload["servers"].get(_in_column(workload, column)) for column in COLUMNS]
        ours = [workload["servers"].get(column) for column in COLUMNS[:2]]
        body.append(
            [workload["title"]]
            + [number(per_message(result, "syscalls"), 2) if result else "-" for result in calls]
            + [number(per_message(result, "allocations"), 2) if result else "-" for result in ours]
        )
    header = ["workload", *COLUMNS, "allocations, epoll", "allocations, io_uring"]
    return "### System calls and allocations per message\n\n" + _grid(header, body) + "\n" if body else ""


def markdown(results):
    host = results["host"]
    parts = [
        f"{host['date']}, Linux {host['kernel']}, {host['cpu']}, {host['cores']} cores; {results['rounds']} rounds. "
        "Medians; the ratios are medians of paired rounds; the spread is the largest half interquartile range among the "
        "row's servers.\n\n",
        _section(results, "Server CPU per message, ns", "cpu", lambda w: w["measure"] != "bytes"),
        _section(results, "Messages per second", "rate", lambda w: w["measure"] in ("cpu", "rate")),
        _section(results, "Latency, 99th percentile, us", "p99", lambda w: w["measure"] == "latency"),
        _section(results, "Memory per idle connection, bytes", "bytes", lambda w: w["measure"] == "bytes"),
        _applications(results),
        _calls(results),
    ]
    return "".join(parts)
