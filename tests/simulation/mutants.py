#!/usr/bin/env python3
"""Makes small faulty changes to the library, and reports which of them the simulation detects.

Each mutant is built in a copy of the tree, build/mutants. The random worlds run first, then the
tests in tests/simulation. `--only NAME` selects mutants by name, `--seconds N` is the time for the
random worlds, `--write` renews the table in docs/mutants.md. The exit status is an error if a
mutant is missed that is not in KNOWN.

`--check` builds nothing: it verifies that each mutant's text occurs exactly once in its file, so
that a change of the sources cannot disable a mutant without notice. tests/rules runs it.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build/mutants/tree"
BUILD = ROOT / "build/mutants/build"

# (name, chosen before the checks were written, file, text, what replaces it). The text is compared
# token by token: spaces, line breaks and comments in the source do not matter.
MUTANTS = [
    ("drop the rest of a short write", True, "src/conn_output.cpp",
     "output_->consume(count);",
     "output_->consume(output_->size());"),
    ("never resume reading", True, "src/conn.cpp",
     "flags_.receiving = wanted;",
     "flags_.receiving = flags_.receiving || wanted;"),
    ("close without flushing", True, "src/conn.cpp",
     "if (flags_.ended || loop_.driver().is_drained(stream_)) return start_closing",
     "if (flags_.ended || !flags_.sending) return start_closing"),
    ("`ended` before the last `data`", True, "src/conn.cpp",
     "const bool unshown = flags_.redeliver_input && has_input();",
     "const bool unshown = false;"),
    ("drained twice", True, "src/conn.cpp",
     "if (events().drained) after_handler(call([&] { return events().drained(*this); }));",
     "for (int i = 0; i < 2 && events().drained; ++i) after_handler(call([&] { return "
     "events().drained(*this); }));"),
    ("drained never", True, "src/conn_output.cpp",
     "flags_.drained_pending = true;",
     ""),
    ("timers a millisecond early", True, "src/timer_wheel.cpp",
     "std::max(delay, Duration(0))); }",
     "std::max(delay - std::chrono::milliseconds(1), Duration(0))); }"),
    ("round robin off by one", True, "src/balance.cpp",
     "return next_++;",
     "return next_++ / 2;"),
    ("the most instead of the least connections", True, "src/balance.cpp",
     "return a.connections < b.connections;",
     "return a.connections > b.connections;"),
    ("linger ignored", True, "src/conn_deadlines.cpp",
     "if (phase_ == Phase::lingering) return start_closing(CloseMode::orderly);",
     "if (phase_ == Phase::lingering) return;"),
    ("drain timeout ignored", True, "src/conn.cpp",
     "if (!extra().deadline.active()) arm_deadline(limits().drain_timeout); return;",
     "return;"),
    ("posts in the opposite order", True, "src/task_queue.cpp",
     "Task* oldest = nullptr;",
     "Task* oldest = nullptr; if (newest) return newest;"),
    ("wake after close", True, "src/conn.cpp",
     "if (phase_ != Phase::open || loop_.stopping()) return; run_data({}, true);",
     "run_data({}, true);"),
    ("context outlives closed", True, "src/conn.cpp",
     "context_.reset();",
     ""),
    ("accepting never resumes after EMFILE", True, "src/acceptor.cpp",
     "listener_state.out_of_resources = false;",
     ""),
    ("memory pressure never ends", True, "src/server.cpp",
     "pressure_ ? total > most - most / 8 : total > most",
     "pressure_ || total > most"),
    ("detach loses untaken input", True, "src/conn.cpp",
     "if (input_) untaken = input_->view();",
     ""),
    ("a datagram leaves from the wrong address", True, "src/datagram.cpp",
     "{.from = datagram_.to, .to = datagram_.from, .bytes = bytes}",
     "{.from = datagram_.from, .to = datagram_.from, .bytes = bytes}"),
    ("input without limit", False, "src/conn.cpp",
     "in.size() > limits().input_max)",
     "in.size() > limits().input_max + 500'000)"),
    ("output_max ignored", False, "src/conn_output.cpp",
     "pending_output() + size > limits().output_max",
     "size > limits().output_max"),
    ("one connection too many", False, "src/service.hpp",
     "connections.load() < most",
     "connections.load() <= most"),
    ("only the listener that filled the service stops accepting", False, "src/acceptor.cpp",
     "reevaluate(); server.notify_other_acceptors",
     "update(listener_state(listener)); server.notify_other_acceptors"),
    ("shutdown without a deadline", False, "src/loop.cpp",
     "timers_->set_deadline(server_.events().limits.drain_timeout, Callback<void()>([this] "
     "{ stop_now(); }));",
     ""),
    ("closed without the error", False, "src/conn.cpp",
     "return events().closed(*this, why);",
     "return events().closed(*this, {});"),
    ("a handler's exception closes nothing", False, "src/conn.cpp",
     "phase_ = Phase::open; close();",
     "phase_ = Phase::open;"),
    ("output is sent before pre_write", False, "src/loop.hpp",
     "return defer_flush_ && !committing_;",
     "return false;"),
    ("idle timeout early", False, "src/conn_deadlines.cpp",
     "return idle_timeout() - since_activity();",
     "return idle_timeout() / 2 - since_activity();"),
    ("idle though paused", False, "src/conn_deadlines.cpp",
     "if (unread && !output_)",
     "if (unread && phase_ == Phase::closing)"),
    ("a wake is lost", False, "src/handle.cpp",
     "void run(Connection& connection) override { connection.wake(); }",
     "void run(Connection&) override {}"),
    ("pause pauses nothing", False, "src/conn.cpp",
     "phase_ == Phase::open && !flags_.paused &&",
     "phase_ == Phase::open &&"),
    ("the end before the output", False, "src/conn.cpp",
     "flags_.write_shut && !flags_.fin_sent && !output_)",
     "flags_.write_shut && !flags_.fin_sent && !flags_.sending)"),
    ("a push does not wake the loop", False, "src/task_queue.cpp",
     "sleeping_.exchange(false, std::memory_order_seq_cst)) wake();",
     "sleeping_.exchange(false, std::memory_order_seq_cst)) {}"),
    ("timers outlive their connection", False, "src/conn.cpp",
     "if (extra_) loop_.timers().cancel_group(extra_->timers);",
     ""),
    ("handles of closed connections still send", False, "src/handle_block.hpp",
     "void mark_gone() noexcept { gone_.store(true, std::memory_order_release); }",
     "void mark_gone() noexcept {}"),
    ("input that arrives during a pause is lost", False, "src/conn.cpp",
     "else store_input(bytes);",
     ""),
    ("borrowed output is not copied", False, "src/conn.cpp",
     "if (output_) output_->own(); loop_.borrowed_input = {}; if ((phase_",
     "loop_.borrowed_input = {}; if ((phase_"),
    ("congestion never ends with output_low = 0", False, "src/conn_output.cpp",
     "(pending > 0 && pending >=",
     "(pending >="),
    ("`drained` after input that arrived later", False, "src/conn.cpp",
     "if (phase_ == Phase::open && flags_.drained_pending) deliver_drained(); switch (phase_)",
     "switch (phase_)"),
    ("drained though congested again", False, "src/conn_output.cpp",
     "flags_.congested = true; flags_.drained_pending = false;",
     "flags_.congested = true;"),
    ("memory is not released", False, "src/conn.cpp",
     "loop_.hold(-static_cast<std::ptrdiff_t>(input_->capacity()));",
     ""),
    ("posts that are pending when the loop ends are dropped", False, "src/loop.cpp",
     "run_all(tasks_->close());",
     "tasks_->discard();"),
    ("a connect without a deadline", False, "src/conn_outgoing.cpp",
     "arm_deadline(limits().connect_timeout);",
     ""),
    ("only the first address is tried", False, "src/connector.cpp",
     "if (!untried_.empty()) return try_next();",
     ""),
    ("adopted without the bytes already received", False, "src/conn_outgoing.cpp",
     "store_input(received);",
     "store_input(received.substr(0, 0));"),
    ("sends that a detached connection drops are never reported", False, "src/conn.cpp",
     "complete(std::make_error_code(std::errc::operation_canceled));",
     "complete({});"),
    ("the callback of a dropped send is never called", False, "src/handle.cpp",
     "connection.write({}, std::move(then));",
     ""),
    ("a send is reported when half of it was sent", False, "src/conn_output.cpp",
     "all.taken + queued_output();",
     "all.taken + queued_output() / 2;"),
    ("first_bytes_timeout though bytes arrived", False, "src/conn_deadlines.cpp",
     "self.flags_.received_any || self.phase_",
     "self.phase_"),
    ("a steady reader is closed as slow", False, "src/conn_deadlines.cpp",
     "if (extra_->min_progress_left > 0) {",
     "if (output_) {"),
    ("frames without limit", False, "src/conn.cpp",
     "std::max(found.size, searched) > limits().input",
     "std::max(found.size, searched) > limits().input + 500'000"),
    ("the last message of a batch is delayed", False, "src/conn.cpp",
     "shows && !in.empty(); shows",
     "shows && in.size() > 1; shows"),
    ("accepts_per_second ignored", False, "src/acceptor.cpp",
     "listener_state.throttled = listener_state.accepted >= most.accepts; if "
     "(listener_state.throttled) reevaluate();",
     ""),
    ("accepting never resumes after accepts_per_second", False, "src/acceptor.cpp",
     "listener_state.throttled = listener_state.accepted >= most.accepts; if "
     "(listener_state.accepted > 0)",
     "if (listener_state.accepted > 0)"),
    ("one connection too many of a peer", False, "src/acceptor.cpp",
     "!service.peers.add(peer.ip(), per_peer)",
     "!service.peers.add(peer.ip(), per_peer + 1)"),
    ("draining accepts without end", False, "src/acceptor.cpp",
     "if (accepted_count_ == before || accepted_count_ > accepted_count_max_) close();",
     ""),
    ("deadlines are judged before a complete poll", False, "src/loop.cpp",
     "timers_->judge(looked_,",
     "timers_->judge(now_,"),
    ("a partial poll counts as complete", False, "src/loop.cpp",
     "if (polled.parked || polled.partial) return polled;",
     "if (polled.parked) return polled;"),
    ("time counts from the beginning of a long batch", False, "src/stalls.cpp",
     "&& stall->begin <= time ? stall->end : time;",
     "&& stall->begin > stall->end ? stall->end : time;"),
    ("first_bytes_timeout of a connection that is not read", False, "src/conn_deadlines.cpp",
     "if (!self.reading_wanted()) return self.await_first_bytes();",
     "if (self.flags_.paused) return self.await_first_bytes();"),
    ("a stalled loop makes a reader slow", False, "src/conn_deadlines.cpp",
     "if (stalled > Duration::zero()) return arm_pace_check(stalled);",
     ""),
    ("years without activity are forgotten", False, "src/loop.cpp",
     "age_stamps(before); end",
     "{} end"),
    ("deadlines are judged as of now, not as of the poll", False, "src/loop.cpp",
     "as_of_ = looked_;",
     "as_of_ = now_;"),
    ("draining never ends", False, "src/server.cpp",
     "run_after(deadline, Callback<void()>([this] { stop(); }))",
     "run_after(deadline, Callback<void()>([] {}))"),
]

# Mutants that are not detected yet: name -> why.
KNOWN = {}


def without_comments(source):
    """The source with comments replaced by spaces, so that offsets stay the same."""
    blank = lambda match: match[0] if match[0][0] == '"' else " " * len(match[0])
    return re.sub(r'"(?:\\.|[^"\\\n])*"|//[^\n]*', blank, source)


def places(source, text):
    """Where the tokens of `text` occur in the source: [(begin, end)]."""
    tokens = re.findall(r"\w+|[^\w\s]", text)
    pattern = r"\b" * tokens[0][0].isalnum() + r"\s*".join(map(re.escape, tokens))
    return [match.span() for match in re.finditer(pattern, without_comments(source))]


def mutate(source, mutant):
    """The source with the mutant's text replaced; an error if it does not occur exactly once."""
    name, _, file, text, replacement = mutant
    found = places(source, text)
    if len(found) != 1:
        raise ValueError(f"mutant '{name}': its text occurs {len(found)} times in {file}; adapt it")
    begin, end = found[0]
    return source[:begin] + replacement + source[end:]


def check():
    """Prints each mutant that does not apply; returns whether there is one."""
    failed = False
    for mutant in MUTANTS:
        try:
            mutate((ROOT / mutant[2]).read_text(), mutant)
        except (OSError, ValueError) as error:
            print(error)
            failed = True
    return failed


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def prepare():
    for name in ("src", "include", "tests", "fuzz", "cmake"):
        shutil.rmtree(TREE / name, ignore_errors=True)
        shutil.copytree(ROOT / name, TREE / name)
    for name in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, TREE)
    os.environ["CCACHE_BASEDIR"] = str(TREE)
    done = run("cmake", "-G", "Ninja", "-S", TREE, "-B", BUILD, "-D", "CMAKE_BUILD_TYPE=Release",
               "-D", "EVIO_BUILD_EXAMPLES=OFF", "-D", "EVIO_TEST_SOURCES=OFF")
    if done.returncode != 0:
        sys.exit(done.stderr)
    build()


def build():
    done = run("cmake", "--build", BUILD, "--target", "simulate", "simulation_tests")
    if done.returncode != 0:
        sys.exit("the build failed:\n" + done.stdout[-3000:])


def detected_by(seconds):
    """What detects the mutant: the first random world, else the first test, else None."""
    try:
        done = run(BUILD / "tests/simulate", "--seconds", str(seconds), timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        return "random world: hangs"
    if done.returncode < 0 or "broke a rule" in done.stderr:
        rule = done.stderr.strip().split("rule: ")[-1]
        return "random world: " + (rule or f"signal {-done.returncode}")
    for line in done.stdout.splitlines():
        if line.startswith("seed "):
            return "random world " + line.split(" (at")[0]
    try:
        done = run(BUILD / "tests/simulation_tests", "--gtest_filter=-RandomWorlds.*", timeout=120)
    except subprocess.TimeoutExpired:
        return "a test hangs"
    for line in done.stdout.splitlines():
        if line.startswith("[  FAILED  ]") and "." in line:
            return line.split()[3]
    return None if done.returncode == 0 else "the tests crash"


def try_mutant(mutant, seconds):
    path = TREE / mutant[2]
    original = path.read_text()
    path.write_text(mutate(original, mutant))
    try:
        build()
        return detected_by(seconds)
    finally:
        path.write_text(original)


def write_table(results):
    page = ROOT / "docs/mutants.md"
    rows = ["| mutant | chosen before the checks | detected by |", "|---|---|---|"]
    for (name, before, *_), by in results:
        by = by or "**missed**: " + KNOWN.get(name, "")
        rows.append(f"| {name} | {'yes' if before else ''} | {by} |")
    text = page.read_text()
    head, _, rest = text.partition("<!-- table -->")
    _, _, tail = rest.partition("<!-- end -->")
    page.write_text(head + "<!-- table -->\n" + "\n".join(rows) + "\n<!-- end -->" + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        return check()
    prepare()
    if by := detected_by(options.seconds):
        sys.exit("without a mutant: " + by)
    chosen = [mutant for mutant in MUTANTS if not options.only or options.only in mutant[0]]
    results = []
    for mutant in chosen:
        results.append((mutant, try_mutant(mutant, options.seconds)))
        print(f"{mutant[0]}: {results[-1][1] or 'MISSED'}", flush=True)
    if options.write:
        write_table(results)
    missed = [mutant[0] for mutant, by in results if not by]
    print(f"{len(results) - len(missed)} of {len(results)} detected")
    return any(name not in KNOWN for name in missed)


if __name__ == "__main__":
    sys.exit(main())
