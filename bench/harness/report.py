"""Writes the results as one self-contained HTML page with plots and their tables."""

import html as escape

from harness import figures, svg, table

STYLE = """
:root { --ink: #222; --faint: #777; --line: #ddd; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --faint: #999; --line: #444; --page: #1b1b1b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2em auto;
       max-width: 1120px; padding: 0 1em; }
h2 { margin-top: 2em; border-bottom: 1px solid var(--line); }
.plots { display: flex; flex-wrap: wrap; gap: 1.5em 2em; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .3em; }
svg { max-width: 100%; } svg .label { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .dot { fill: var(--ink); fill-opacity: .45; } svg .grid { stroke: var(--line); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; margin: .5em 0 2em; }
td, th { padding: 2px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
.note { color: var(--faint); }
"""


def _figure(title, plot):
    return f"<figure><figcaption>{escape.escape(title)}</figcaption>{plot}</figure>" if plot else ""


def _bars(workload, metric):
    items = []
    for name, result in workload["servers"].items():
        value = figures.figure(result, metric)
        rounds = [each for each in figures.values(result, metric) if each is not None]
        items.append((name, result["kind"], value.median if value else None, rounds))
    return svg.bars(items)


def _plots(title, note, workloads, metric):
    plots = "".join(_figure(workload["title"], _bars(workload, metric)) for workload in workloads)
    if not plots:
        return ""
    return f'<h2>{title}</h2><p class="note">{note}</p><div class="plots">{plots}</div>'


def _latency(workloads):
    points = sorted((w for w in workloads if w["measure"] == "latency"), key=lambda w: w["rate"])
    if not points:
        return ""
    names = {name: result["kind"] for w in points for name, result in w["servers"].items()}
    plots = ""
    for metric, title in (("p50", "median"), ("p99", "99th percentile"), ("p999", "99.9th percentile")):
        series = []
        for name, kind in names.items():
            line = []
            for workload in points:
                value = figures.figure(workload["servers"].get(name, {"rounds": []}), metric)
                if value:
                    line.append((workload["rate"], value.median))
            series.append((name, kind, line))
        plots += _figure(f"{title}, us", svg.lines(series, "messages a second"))
    note = "Open loop: messages leave at random times whatever comes back, and latency counts from when they were due."
    return f'<h2>Latency against load</h2><p class="note">{note}</p><div class="plots">{plots}</div>'


def _table(name, workload):
    rows = list(table.rows(workload))
    if not rows:
        return ""
    head = "".join(f"<th>{escape.escape(column)}</th>" for column in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape.escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in rows
    )
    return f'<h3>{name}: {escape.escape(workload["title"])}</h3><div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def html(results):
    host = results["host"]
    workloads = list(results["workloads"].values())
    measured = [w for w in workloads if w["measure"] in ("cpu", "rate")]
    tables = "".join(_table(name, workload) for name, workload in results["workloads"].items())
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>evio: benchmark</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>evio: benchmark</h1>
<p>{host["date"]}, Linux {host["kernel"]}, {escape.escape(host["cpu"])}, {host["cores"]} cores, {results["rounds"]}
rounds. The server runs on one core, the load generator on another; bars are medians, dots are rounds. evio is blue,
what was written by hand with nothing around it is grey.</p>
{_plots("Throughput", "Per second; more is better. A closed loop on two cores measures the load generator as well.",
        measured, "rate")}
{_plots("CPU per message", "Nanoseconds of the server's CPU time; less is better.", measured, "cpu")}
{_latency(workloads)}
{_plots("Memory of idle connections", "Bytes that the server grows by for each, from 2,000 to 12,000.",
        [w for w in workloads if w["measure"] == "bytes"], "bytes")}
<h2>Tables</h2>
<p class="note">± is half of the interquartile range. Ratios are medians of paired rounds. System calls and allocations
are per message, counted in a round of their own.</p>
{tables}
</html>
"""
