#!/usr/bin/env python3
"""Measures how the library scales, and writes docs/scale.md and docs/scale.svg.

    bench/scale/page.py                    1,000 to 1,000,000 connections: a minute
    bench/scale/page.py --most 100000
"""

import argparse
import math
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/bench/bench/bench-scale"
LINES = (  # column, label, colour
    ("message_ns", "echo on a random connection, ns", "#1f6fd1"),
    ("message_with_idle_timeout_ns", "the same, each with an idle timeout, ns", "#6fa8ec"),
    ("message_with_timers_ns", "echo on one connection, as many timers armed, ns", "#1a9c86"),
    ("timer_arm_ns", "arming a timer, ns", "#d9822b"),
    ("bytes", "memory of an idle connection, bytes", "#b0413e"),
)
HEAD = """# From a thousand connections to a million

`bench/scale` measures the library over a kernel that costs nothing: it delivers connections and
bytes, and accepts what is sent. Memory and time are therefore the library's alone. The last column
is a whole simulation (`evio::Simulation`), including its network and peers. Each figure is the
smallest of several runs, because other programs on the machine only add to it. `make bench`, then
`bench/scale/page.py`, measures again.

![the figures below over the number of connections](scale.svg)

"""
TAIL = """
The memory of an idle connection and the cost of timers do not depend on how many there are. (Memory
is counted in pages of 4 KiB, which shows with 1,000 connections.) An idle timeout costs four bytes
for each connection (`src/idle_watch.hpp`), and up to four more for room to grow. An echo on a
*random* connection takes longer when more memory is in use, because that memory is no longer in a
cache. With the one connection of the timers' column the time hardly changes.
"""


def measure(most, runs):
    tables = []
    for _ in range(runs):
        text = subprocess.run([PROGRAM, str(most)], check=True, capture_output=True, text=True).stdout
        names, *rows = [line.split("\t") for line in text.splitlines()]
        tables.append([[float(cell) for cell in row] for row in rows])
    return names, [dict(zip(names, map(min, zip(*rows)))) for rows in zip(*tables)]


def plot(rows):
    left, top, width, height = 50, 10, 460, 260
    most = max(row[column] for row in rows for column, _, _ in LINES)
    logs = [math.log10(row["connections"]) for row in rows]
    span = max(logs[-1] - logs[0], 1)
    parts = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>']
    for log, row in zip(logs, rows):
        x = left + (log - logs[0]) / span * width
        parts.append(f'<text x="{x:.0f}" y="{top + height + 16}" text-anchor="middle">{row["connections"]:,.0f}</text>')
    for share in (0, 0.5, 1):
        y = top + height * (1 - share)
        parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{most * share:.0f}</text>')
    for i, (column, label, colour) in enumerate(LINES):
        points = " ".join(
            f"{left + (log - logs[0]) / span * width:.1f},{top + height * (1 - row[column] / most):.1f}"
            for log, row in zip(logs, rows)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = top + height + 40 + 16 * i
        parts.append(f'<rect x="{left}" y="{y - 8}" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 20}" y="{y - 2}">{label}</text>')
    size = f'viewBox="0 0 {left + width + 40} {top + height + 40 + 16 * len(LINES)}"'
    style = 'font-family="sans-serif" font-size="11" fill="#444"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(parts)}</svg>\n'


def table(names, rows):
    lines = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(f"{row[name]:,.4g}" if row[name] < 1000 else f"{row[name]:,.0f}" for name in names) + " |"
              for row in rows]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Measures how the library scales.")
    parser.add_argument("--most", type=int, default=1_000_000, help="connections")
    parser.add_argument("--runs", type=int, default=5, help="each figure is the smallest of so many runs")
    arguments = parser.parse_args()
    names, rows = measure(arguments.most, arguments.runs)
    (ROOT / "docs/scale.svg").write_text(plot(rows))
    (ROOT / "docs/scale.md").write_text(HEAD + table(names, rows) + TAIL)


if __name__ == "__main__":
    main()
