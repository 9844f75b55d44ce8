#!/usr/bin/env python3
"""Changes the library in small ways, each a fault that somebody could make, and shows which the simulation notices.

Each mutant is built in a copy of the tree, build/mutants, and the random worlds run for some seconds, then the tests of
single promises. `--only NAME` takes one, `--seconds N` the time for the random worlds, `--write` renews the table in
docs/mutants.md. Ends with an error if one is missed that is not known to be.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build/mutants/tree"
BUILD = ROOT / "build/mutants/build"

# (name, chosen before the checks were written, file, text, what stands there instead)
MUTANTS = [
    ("drop the rest of a short write", True, "src/conn_output.cpp",
     "  output_->consume(count);\n", "  output_->consume(output_->size());\n"),
    ("never resume reading", True, "src/conn.cpp",
     "  flags_.receiving = wanted;\n", "  flags_.receiving = flags_.receiving || wanted;\n"),
    ("close without flushing", True, "src/conn.cpp",
     "  if (flags_.ended || loop_.driver().quiet(stream_)) return start_closing",
     "  if (flags_.ended || !flags_.sending) return start_closing"),
    ("show the end before the bytes", True, "src/conn.cpp",
     "const bool unshown = flags_.offer && has_input();", "const bool unshown = false;"),
    ("drained twice", True, "src/conn.cpp",
     "  if (events().drained) after_handler(call([&] { return events().drained(*this); }));\n",
     "  for (int i = 0; i < 2 && events().drained; ++i) after_handler(call([&] { return events().drained(*this); }));\n"),
    ("drained never", True, "src/conn_output.cpp", "  flags_.drained_due = true;\n", ""),
    ("timers a millisecond early", True, "src/timer_wheel.cpp",
     "std::max(delay, Duration(0))); }", "std::max(delay - std::chrono::milliseconds(1), Duration(0))); }"),
    ("round robin off by one", True, "src/balance.cpp", "return next_++;", "return next_++ / 2;"),
    ("the most instead of the least connections", True, "src/balance.cpp",
     "return a.connections < b.connections;", "return a.connections > b.connections;"),
    ("linger ignored", True, "src/conn_deadlines.cpp",
     "  if (phase_ == Phase::lingering) return start_closing(CloseMode::orderly);\n", "  if (phase_ == Phase::lingering) return;\n"),
    ("drain timeout ignored", True, "src/conn.cpp",
     "    if (!rare().deadline.active()) arm_deadline(limits().drain);\n    return;\n", "    return;\n"),
    ("posts in the opposite order", True, "src/mailbox.cpp", "  Mail* oldest = nullptr;\n",
     "  Mail* oldest = nullptr;\n  if (newest) return newest;\n"),
    ("wake after close", True, "src/conn.cpp",
     "  if (phase_ != Phase::open || loop_.stopping()) return;\n  run_data({}, true);", "  run_data({}, true);"),
    ("context outlives closed", True, "src/conn.cpp", "  context_.reset();\n", ""),
    ("accepting never resumes after EMFILE", True, "src/acceptor.cpp", "    door.starved = false;\n", ""),
    ("memory pressure never ends", True, "src/server.cpp", "pressure_ ? total > most - most / 8 : total > most",
     "pressure_ || total > most"),
    ("detach loses untaken input", True, "src/conn.cpp",
     "    if (input_) untaken = input_->view();\n", ""),
    ("a datagram leaves from the wrong address", True, "src/datagram.cpp",
     "{.from = datagram_.to, .to = datagram_.from, .bytes = bytes}",
     "{.from = datagram_.from, .to = datagram_.from, .bytes = bytes}"),
    ("input without limit", False, "src/conn.cpp", "in.size() > limits().input)", "in.size() > limits().input + 500'000)"),
    ("output_max ignored", False, "src/conn_output.cpp", "pending_output() + size > limits().output_max", "size > limits().output_max"),
    ("one connection too many", False, "src/service.hpp", "connections.load() < most", "connections.load() <= most"),
    ("only the door that filled the service shuts", False, "src/acceptor.cpp", "    look_again();\n    server", "    update(door(listener));\n    server"),
    ("shutdown without a deadline", False, "src/loop.cpp",
     "  timers_->set_deadline(server_.events().limits.drain, Handler<void()>([this] { stop_now(); }));\n", ""),
    ("closed without the error", False, "src/conn.cpp", "return events().closed(*this, why);", "return events().closed(*this, {});"),
    ("a handler's exception closes nothing", False, "src/conn.cpp", "phase_ = Phase::open;\n  close();\n", "phase_ = Phase::open;\n"),
    ("output leaves before pre_write", False, "src/loop.hpp", "return gather_ && !committing_;", "return false;"),
    ("idle timeout early", False, "src/conn_deadlines.cpp", "return idle_timeout() - since_activity();",
     "return idle_timeout() / 2 - since_activity();"),
    ("idle though paused", False, "src/conn_deadlines.cpp", "if (unread && !output_)", "if (unread && phase_ == Phase::closing)"),
    ("a wake is lost", False, "src/handle.cpp", "void run(Connection& connection) override { connection.wake(); }",
     "void run(Connection&) override {}"),
    ("pause pauses nothing", False, "src/conn.cpp", "phase_ == Phase::open && !flags_.paused &&", "phase_ == Phase::open &&"),
    ("the end before the output", False, "src/conn.cpp", "flags_.write_shut && !flags_.fin_sent && !output_)",
     "flags_.write_shut && !flags_.fin_sent && !flags_.sending)"),
    ("a push wakes nobody", False, "src/mailbox.cpp", "sleeping_.exchange(false, std::memory_order_seq_cst)) wake();",
     "sleeping_.exchange(false, std::memory_order_seq_cst)) {}"),
    ("timers outlive their connection", False, "src/conn.cpp", "  if (rare_) loop_.timers().cancel_group(rare_->timers);\n", ""),
    ("handles of the dead still send", False, "src/handle_block.hpp",
     "void mark_gone() noexcept { gone_.store(true, std::memory_order_release); }", "void mark_gone() noexcept {}"),
    ("late input is forgotten", False, "src/conn.cpp", "      else\n        keep(bytes);\n", ""),
    ("lent output is not kept", False, "src/conn.cpp",
     "  if (output_) output_->own();  // what was not sent at once must outlive the bytes it was lent from\n", ""),
    ("no end to congestion at a low-water mark of nothing", False, "src/conn_output.cpp", "(pending > 0 && pending >=", "(pending >="),
    ("drained after the input behind it", False, "src/conn.cpp",
     "  if (phase_ == Phase::open && flags_.drained_due) run_drained();  // it comes before `data`\n", ""),
    ("drained though congested again", False, "src/conn_output.cpp", "  flags_.drained_due = false;  // it comes when this has gone\n", ""),
    ("memory is not given back", False, "src/conn.cpp", "  loop_.hold(-static_cast<std::ptrdiff_t>(input_->capacity()));\n", ""),
    ("posts of the end are dropped", False, "src/loop.cpp", "  deliver(mailbox_->close());\n",
     "  for (Mail* mail = mailbox_->close(); mail;) delete std::exchange(mail, mail->next);\n"),
    ("a connect without a deadline", False, "src/conn_outgoing.cpp", "  arm_deadline(limits().connect);\n", ""),
    ("only the first address is tried", False, "src/dialer.cpp", "  if (!untried_.empty()) return try_next();\n", ""),
    ("adopted without what was received", False, "src/conn_outgoing.cpp", "keep(received);", "keep(received.substr(0, 0));"),
    ("a detached one's sends are forgotten", False, "src/conn.cpp",
     "  complete(std::make_error_code(std::errc::operation_canceled));", "  complete({});"),
    ("a send beyond the bound is forgotten", False, "src/handle.cpp",
     "    connection.write({}, std::move(then));\n", ""),
    ("a send is told of when half of it has left", False, "src/conn_output.cpp",
     "all.taken + queued_output();", "all.taken + queued_output() / 2;"),
    ("first_bytes though bytes came", False, "src/conn_deadlines.cpp", "self.flags_.heard || self.phase_", "self.phase_"),
    ("a steady reader is slow", False, "src/conn_deadlines.cpp", "if (rare_->owed > 0) {", "if (output_) {"),
    ("frames without limit", False, "src/conn.cpp", "std::max(found.size, searched) > limits().input",
     "std::max(found.size, searched) > limits().input + 500'000"),
    ("a message at the end of a batch waits", False, "src/conn.cpp",
     "shows && !in.empty(); shows", "shows && in.size() > 1; shows"),
    ("accepts without a bound", False, "src/acceptor.cpp", "  door.throttled = door.accepted >= most.accepts;\n  if (door.throttled) look_again();\n", ""),
    ("accepting never goes on after a second", False, "src/acceptor.cpp",
     "  door.throttled = door.accepted >= most.accepts;\n  if (door.accepted > 0)", "  if (door.accepted > 0)"),
    ("one host takes all", False, "src/acceptor.cpp", "!service.peers.add(peer.ip(), per_peer)",
     "!service.peers.add(peer.ip(), per_peer + 1)"),
    ("draining lets others in", False, "src/acceptor.cpp", "if (let_in_ == before || let_in_ > let_in_max_) close();", ""),
    ("judged before a look at what had come", False, "src/loop.cpp", "timers_->judge(looked_,", "timers_->judge(now_,"),
    ("a part of what had come is taken for all", False, "src/loop.cpp", "if (polled.parked || polled.partial) return polled;",
     "if (polled.parked) return polled;"),
    ("time counts from a long batch's begin", False, "src/stalls.cpp", "&& stall->begin <= time ? stall->end : time;",
     "&& stall->begin > stall->end ? stall->end : time;"),
    ("first_bytes of one that is not read", False, "src/conn_deadlines.cpp", "if (!self.reading_wanted()) return self.await_first_bytes();",
     "if (self.flags_.paused) return self.await_first_bytes();"),
    ("a stall of ours is a slow reader", False, "src/conn_deadlines.cpp", "if (stalled > Duration::zero()) return await_pace(stalled);\n", ""),
    ("years of silence are forgotten", False, "src/loop.cpp", "age_stamps(before);\n  end", "{}\n  end"),
    ("judged as of now, not of the look", False, "src/loop.cpp", "as_of_ = looked_;", "as_of_ = now_;"),
    ("draining never ends", False, "src/server.cpp", "run_after(deadline, Handler<void()>([this] { stop(); }))",
     "run_after(deadline, Handler<void()>([] {}))"),
]

# Those that are not noticed yet.
KNOWN = {}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def prepare():
    for name in ("src", "include", "tests", "fuzz", "cmake"):
        shutil.rmtree(TREE / name, ignore_errors=True)
        shutil.copytree(ROOT / name, TREE / name)
    for name in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, TREE)
    os.environ["CCACHE_BASEDIR"] = str(TREE)
    done = run("cmake", "-G", "Ninja", "-S", TREE, "-B", BUILD, "-D", "CMAKE_BUILD_TYPE=Release", "-D",
               "EVIO_BUILD_EXAMPLES=OFF", "-D", "EVIO_TEST_SOURCES=OFF")
    if done.returncode != 0:
        sys.exit(done.stderr)
    build()


def build():
    done = run("cmake", "--build", BUILD, "--target", "simulate", "simulation_tests")
    if done.returncode != 0:
        sys.exit("it does not build:\n" + done.stdout[-3000:])


def noticed_by(seconds):
    """What notices the mutant: the first random world, or else the first test; None if nothing does."""
    try:
        done = run(BUILD / "tests/simulate", "--seconds", str(seconds), timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        return "random world: hangs"
    if done.returncode < 0 or "broke a rule" in done.stderr:
        return "random world: " + (done.stderr.strip().split("rule: ")[-1] or f"signal {-done.returncode}")
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
    name, _, file, text, instead = mutant
    path = TREE / file
    original = path.read_text()
    if original.count(text) < 1:
        sys.exit(f"mutant '{name}': {file} has changed; adapt it")
    path.write_text(original.replace(text, instead, 1))
    try:
        build()
        return noticed_by(seconds)
    finally:
        path.write_text(original)


def write_table(results):
    page = ROOT / "docs/mutants.md"
    rows = ["| mutant | chosen before the checks | noticed by |", "|---|---|---|"]
    for (name, before, *_), by in results:
        rows.append(f"| {name} | {'yes' if before else ''} | {by or '**missed**: ' + KNOWN.get(name, '')} |")
    text = page.read_text()
    head, _, rest = text.partition("<!-- table -->")
    _, _, tail = rest.partition("<!-- end -->")
    page.write_text(head + "<!-- table -->\n" + "\n".join(rows) + "\n<!-- end -->" + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    prepare()
    if by := noticed_by(options.seconds):
        sys.exit("without any change: " + by)
    chosen = [mutant for mutant in MUTANTS if not options.only or options.only in mutant[0]]
    results = []
    for mutant in chosen:
        results.append((mutant, try_mutant(mutant, options.seconds)))
        print(f"{mutant[0]}: {results[-1][1] or 'MISSED'}", flush=True)
    if options.write:
        write_table(results)
    missed = [mutant[0] for mutant, by in results if not by]
    print(f"{len(results) - len(missed)} of {len(results)} noticed")
    return any(name not in KNOWN for name in missed)


if __name__ == "__main__":
    sys.exit(main())
