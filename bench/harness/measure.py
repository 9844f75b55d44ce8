"""Runs short rounds that alternate between the servers of a workload in a changing order, with the server on one core
and the load generator on another."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile

from harness.servers import SERVERS, Running, pinned, running


class Cores:
    """The server uses the first core that this program may use, the load generator the last."""

    def __init__(self):
        cores = sorted(os.sched_getaffinity(0))
        self.server = {cores[0]}
        self.load = {cores[-1]}
        self.distinct = len(cores) > 1

    def of_server(self, workload):
        return self.server | self.load if workload.both_cores else self.server


class Bench:
    def __init__(self, programs, rounds, servers=(), say=lambda text: None):
        self.programs = programs
        self.rounds = rounds
        self.only = servers
        self.say = say
        self.cores = Cores()
        self._capacity = None

    def servers_of(self, workload):
        named = [SERVERS[name] for name in workload.servers if not self.only or name in self.only]
        return [server for server in named if self.programs.has(server)]

    def run(self, workload):
        """All rounds of a workload: {"title": ..., "servers": {name: {"rounds": [...], "counts": {...}}}}."""
        servers = self.servers_of(workload)
        rounds = min(self.rounds, workload.rounds) if workload.rounds else self.rounds
        results = {server.name: {"kind": server.kind, "rounds": []} for server in servers}
        rate = workload.share * self.capacity() if workload.share else 0
        for i in range(rounds):
            order = list(servers)
            random.Random(i).shuffle(order)
            for server in order:
                self.say(f"{workload.name}: round {i + 1} of {rounds}, {server.name}")
                results[server.name]["rounds"].append(self.round(workload, server, rate=rate))
        if workload.measure != "bytes":
            for server in servers:
                self.say(f"{workload.name}: counting, {server.name}")
                results[server.name]["counts"] = self.round(workload, server, rate=rate, counting=True)
        return {
            "title": workload.title,
            "unit": workload.unit,
            "measure": workload.measure,
            "application": workload.application,
            "rate": rate,
            "servers": {name: result for name, result in results.items() if any(result["rounds"])},
        }

    def round(self, workload, server, rate=0.0, counting=False):
        """The load generator's results of one round; None if it failed. `counting` is for system calls and allocations,
        which slows the server."""
        options = ["--mode", workload.mode] if workload.mode and not workload.behind else []
        options += ["--udp"] if workload.udp else []
        options += [server.buffer_option, str(workload.buffer)] if server.buffer_option else []
        environment = {}
        with tempfile.NamedTemporaryFile(prefix="evio-bench-") as counter:
            load = [self.programs.load, *workload.load, *server.load]
            load += ["--seconds", str(workload.seconds), "--warm-up", str(workload.warm_up)]
            load += ["--rate", str(rate)] if rate else []
            if counting:
                load.append("--syscalls")
            if counting and not server.own_malloc:
                counter.write(bytes(8))
                counter.flush()
                environment = {"BENCH_ALLOCATIONS": counter.name, "LD_PRELOAD": self.programs.allocations}
                load += ["--allocations", counter.name]
            try:
                cores = self.cores.of_server(workload)
                with self._behind(workload) as behind:
                    with running(server, self.programs, cores, options, environment, behind.port) as it:
                        return self._load([*load, "--port", str(it.port), "--server", str(it.pid)])
            except (RuntimeError, subprocess.SubprocessError, OSError) as error:
                print(f"\n{workload.name}, {server.name}: {error}", file=sys.stderr)
                return None

    @contextlib.contextmanager
    def _behind(self, workload):
        if not workload.behind:
            yield Running(0, 0)
            return
        with running(SERVERS[workload.behind], self.programs, self.cores.server, ("--mode", workload.mode)) as it:
            yield it

    def _load(self, arguments):
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=120, preexec_fn=pinned(self.cores.load), check=False
        )
        if done.returncode:
            raise RuntimeError(f"the load generator says: {done.stderr.strip() or done.returncode}")
        return json.loads(done.stdout)

    def capacity(self):
        """Messages per second of the plain epoll server in a closed loop; the open loops' rates are shares of it."""
        if self._capacity is None:
            from harness.workload import all_workloads

            closed = all_workloads()["echo-50"]
            rates = []
            for i in range(5):
                self.say(f"capacity: round {i + 1} of 5")
                done = self.round(closed, SERVERS["floor-epoll"])
                rates += [done["messages"] / done["seconds"]] if done else []
            if not rates:
                raise SystemExit("The plain epoll server does not run.")
            self._capacity = sorted(rates)[len(rates) // 2]
        return self._capacity
