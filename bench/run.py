#!/usr/bin/env python3
"""Runs the benchmark: every workload against every server, or those that are named.

    bench/run.py                                 everything: minutes; then tables, results.json and report.html
    bench/run.py --quick                         a part of it, fewer rounds
    bench/run.py --workload echo-50 --server evio-epoll --server libuv --rounds 21
    bench/run.py --list                          what workloads and servers there are
    bench/run.py --markdown docs/performance.md  no run: puts the last results into that page
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import sys
import time

sys.dont_write_bytecode = True
from harness import report, table  # noqa: E402
from harness.measure import Bench  # noqa: E402
from harness.servers import SERVERS, Programs  # noqa: E402
from harness.workload import all_workloads  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def arguments():
    parser = argparse.ArgumentParser(description="Runs the benchmark.")
    parser.add_argument("--workload", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--server", action="append", default=[], help="only this one (may be repeated)")
    parser.add_argument("--rounds", type=int, help="rounds of each server and workload (11; quick: 5)")
    parser.add_argument("--quick", action="store_true", help="the main workloads, fewer rounds: about 3 minutes")
    parser.add_argument("--list", action="store_true", help="show workloads and servers")
    parser.add_argument("--markdown", metavar="PAGE", help="put the last results into this page, between its marks")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench", help="where the programs are")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/bench", help="where the results go")
    return parser.parse_args()


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def host():
    return {
        "date": datetime.date.today().isoformat(),
        "kernel": platform.release(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
    }


def show_list(workloads):
    print("Workloads (* is part of --quick):")
    for workload in workloads.values():
        print(f"  {workload.name:22} {'*' if workload.quick else ' '} {workload.title}")
    print("Servers:")
    for server in SERVERS.values():
        print(f"  {server.name:22} {server.kind}")


class Progress:
    """A progress line that is overwritten; one line per workload if the output is not a terminal."""

    def __init__(self, total):
        self.total, self.done, self.since = total, 0, time.monotonic()

    def say(self, what):
        if sys.stderr.isatty():
            spent = time.monotonic() - self.since
            print(f"\r\033[K[{self.done}/{self.total}, {spent:4.0f} s] {what}", end="", file=sys.stderr, flush=True)

    def finished(self):
        self.done += 1
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)


def chosen(all_of_them, names, what):
    for name in names:
        if name not in all_of_them:
            sys.exit(f"There is no {what} {name}: see --list.")
    return names or list(all_of_them)


def put_into_page(results, page):
    path = pathlib.Path(page)
    content = path.read_text()
    before, mark, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        sys.exit(f"{page} has no {BEGIN} ... {END}.")
    path.write_text(f"{before}{BEGIN}\n{table.markdown(results)}{END}{after}")


def run(options, workloads):
    names = chosen(workloads, options.workload, "workload")
    chosen(SERVERS, options.server, "server")
    if options.quick and not options.workload:
        names = [name for name in names if workloads[name].quick]
    rounds = options.rounds or (5 if options.quick else 11)
    progress = Progress(len(names))
    bench = Bench(Programs(options.build), rounds, options.server, progress.say)
    if not bench.cores.distinct:
        print("Only one core: the load generator shares it with the server.", file=sys.stderr)
    results = {"host": host(), "rounds": rounds, "workloads": {}}
    missing = [server.name for server in SERVERS.values() if not bench.programs.has(server)]
    if missing:
        print("Left out, not built or not installed: " + ", ".join(missing), file=sys.stderr)
    try:
        for name in names:
            if not bench.servers_of(workloads[name]):
                continue
            results["workloads"][name] = bench.run(workloads[name])
            progress.finished()
            print(table.text(name, results["workloads"][name]), flush=True)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
    return results


def main():
    options = arguments()
    workloads = all_workloads()
    saved = options.output / "results.json"
    if options.list:
        show_list(workloads)
    elif options.markdown:
        put_into_page(json.loads(saved.read_text()), options.markdown)
    else:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        results = run(options, workloads)
        options.output.mkdir(parents=True, exist_ok=True)
        saved.write_text(json.dumps(results, indent=1))
        page = options.output / "report.html"
        page.write_text(report.html(results))
        print(f"Results: {saved}\nReport:  {page}")


if __name__ == "__main__":
    main()
