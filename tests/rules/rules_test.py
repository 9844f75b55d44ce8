"""The repository's own rules: what each folder may include, and the form of files."""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])', re.MULTILINE)
STANDARD = re.compile(r"<[a-z_0-9]+>")  # <vector>; not <unistd.h>, not <sys/socket.h>

# What a file may include although its folder may not, and why.
EXCEPTIONS = {
    ("src/address.cpp", "<arpa/inet.h>"): "inet_pton and inet_ntop read and print addresses; they ask no kernel",
    ("src/protocol/http/syntax.cpp", "<arpa/inet.h>"): "inet_pton parses IPv6 addresses without a system call",
    ("src/protocol/http/progress.cpp", "<netinet/in.h>"): "asks the kernel what a client has acknowledged",
    ("src/protocol/http/progress.cpp", "<linux/tcp.h>"): "the same; <netinet/tcp.h> does not know it",
    ("src/protocol/http/progress.cpp", "<sys/socket.h>"): "the same",
    ("src/protocol/websocket/session.cpp", '"protocol/http/progress.hpp"'): "the component stands on that one",
    ("include/evio/protobuf.hpp", "<google/protobuf/message_lite.h>"): "the component is that header, and this one",
    **{
        ("src/protocol/http/file_access.cpp", include): "the only place that asks the kernel about files"
        for include in ("<fcntl.h>", "<linux/openat2.h>", "<sys/stat.h>", "<sys/syscall.h>", "<sys/uio.h>", "<unistd.h>")
    },
    ("src/protocol/http/file_threads.cpp", "<unistd.h>"): "asks whether it is in a child, where there are no threads",
    ("src/slab.hpp", "<sanitizer/asan_interface.h>"): "marks free slots for AddressSanitizer",
}

# Containers that every folder may use.
SHARED = {'"slab.hpp"'}

# Each protocol's own libraries, by its folder in src/protocol.
LIBRARIES = {
    "http": ("<boost/beast/http/", "<zlib.h>"),
    "websocket": ("<boost/beast/", "<nettle/", "<utf8.h>", "<wslay/", "<zlib.h>"),
}

# Where a protocol may do what IMPURE forbids, and why.
IMPURE_PROTOCOLS = {
    "src/protocol/http/file_access.cpp": "asks the kernel about files",
    "src/protocol/http/file_threads.cpp": "what may wait for a disk keeps no loop waiting",
    "src/protocol/http/file_threads.hpp": "what may wait for a disk keeps no loop waiting",
    "src/protocol/http/progress.cpp": "asks the kernel what a client has acknowledged",
    "src/protocol/http/loop_cache.cpp": "Date is the wall clock's, unless Settings::wall_clock is set",
    "src/protocol/websocket/frames.hpp": "a client's masks must not be foreseen",
    "src/protocol/websocket/handshake.cpp": "nor its keys",
}

# What the portable middle takes from Platform and Driver only, so that a simulation can stand in for them.
IMPURE = {
    r"std::j?thread\b(?!::id)": "starts a thread",
    r"std::async\b": "starts a thread",
    r"clock(_type)?::now\(|\b(clock_gettime|gettimeofday|std::time)\(": "reads a clock",
    r"std::this_thread::sleep": "sleeps",
    r"std::random_device|\b(s?rand|getrandom)\(": "draws a number",
    r"\berrno\b": "knows errno",
}


def files(*patterns):
    """Files of the working tree that git knows or does not ignore; all of them where there is no git."""
    git = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "--", *patterns], capture_output=True, text=True
    )
    if git.returncode == 0:
        found = [ROOT / line for line in git.stdout.splitlines()]
    else:
        found = [path for pattern in patterns or ("*",) for path in ROOT.glob("**/" + pattern)]
        found = [path for path in found if path.relative_to(ROOT).parts[0] != "build"]
    return sorted(path for path in found if path.is_file())


def sources(room):
    return [path for path in files("*.hpp", "*.cpp") if (ROOT / room) in path.parents]


def name(path):
    return path.relative_to(ROOT).as_posix()


def code(path):
    """The text of a file with comments and strings blanked, line by line."""
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', path.read_text())
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


class Rules(unittest.TestCase):
    def check(self, broken):
        broken = sorted(broken)
        self.assertFalse(broken, "\n" + "\n".join(broken))

    def check_includes(self, paths, allowed):
        self.check(
            f"{name(path)} includes {include}"
            for path in paths
            for include in INCLUDE.findall(path.read_text())
            if not allowed(include) and (name(path), include) not in EXCEPTIONS
        )

    def check_absent(self, paths, patterns):
        self.check(
            f"{name(path)}:{number} {why}: {line.strip()}"
            for path in paths
            for number, line in enumerate(code(path).splitlines(), 1)
            for pattern, why in patterns.items()
            if re.search(pattern, line)
        )

    def test_what_the_pages_name_exists(self):
        places = re.compile(r"`((?:bench|cmake|docs|examples|fuzz|include|src|tests)/[\w./-]+)`")
        self.check(
            f"{name(page)} names {place}"
            for page in files("*.md")
            for place in places.findall(page.read_text())
            if not (ROOT / place).exists() and not list(ROOT.glob(place + ".*"))
        )

    def test_public_headers_include_only_each_other_and_the_standard_library(self):
        self.check_includes(
            sources("include"), lambda include: STANDARD.fullmatch(include) or include.startswith("<evio/")
        )

    def test_the_middle_knows_the_seam_and_nothing_behind_it(self):
        def allowed(include):
            if include.startswith("<"):
                return STANDARD.fullmatch(include) or include.startswith("<evio/")
            return not include.startswith('"backend/') or re.fullmatch(r'"backend/[a-z_]+\.hpp"', include)

        self.check_includes(self.middle(), allowed)

    def test_who_does_not_simulate_knows_nothing_of_it(self):
        simulated = re.compile(r'"(backend/simulated|simulation)/')
        rooms = (ROOT / "src/simulation", ROOT / "src/backend/simulated")
        others = [path for path in sources("src") if not any(room in path.parents for room in rooms)]
        self.check_includes(others, lambda include: not simulated.match(include))

    def test_simulations_read_no_clock_and_draw_no_number(self):
        self.check_absent(sources("src/simulation") + sources("src/backend/simulated"), {
            pattern: why for pattern, why in IMPURE.items() if "errno" not in pattern
        })

    def test_the_middle_starts_no_thread_reads_no_clock_draws_no_number(self):
        self.check_absent(self.middle(), IMPURE)

    def test_backends_do_not_know_the_handlers(self):
        known_above = re.compile(r"<evio/(evio|events|conn|handle|loop|server|input)\.hpp>")
        self.check_includes(
            sources("src/backend"),
            lambda include: not known_above.fullmatch(include)
            and (include.startswith(("<", '"backend/')) or include in SHARED),
        )

    def test_protocols_stand_on_the_public_library_alone(self):
        for room in sorted(path for path in (ROOT / "src/protocol").glob("*") if path.is_dir()):
            own = f'"protocol/{room.name}/'
            libraries = LIBRARIES.get(room.name, ())
            self.check_includes(
                sources(room.relative_to(ROOT)),
                lambda include: STANDARD.fullmatch(include)
                or include.startswith(("<evio/", own, *libraries))
                and not include.startswith("<evio/simulation"),
            )

    def test_who_speaks_no_protocol_knows_none(self):
        protocol = re.compile(r'"protocol/|<evio/(http|websocket)[./]')
        others = [path for path in sources("src") if ROOT / "src/protocol" not in path.parents]
        core = [path for path in (ROOT / "include/evio").glob("*.hpp") if path.stem not in LIBRARIES]
        self.check_includes(others + core, lambda include: not protocol.match(include))

    def test_protocols_start_threads_read_clocks_and_ask_the_kernel_in_few_places(self):
        paths = [path for path in sources("src/protocol") if name(path) not in IMPURE_PROTOCOLS]
        self.check_absent(paths, IMPURE)

    def test_selectors_stay_in_their_room(self):
        self.check(
            f"{name(path)} includes {include}"
            for path in sources("src")
            for include in INCLUDE.findall(path.read_text())
            if (include == "<sys/epoll.h>" and "src/backend/readiness/epoll" not in name(path))
            or (include == "<liburing.h>" and "src/backend/uring/" not in name(path))
        )

    def test_first_line_says_what_a_header_is_for(self):
        self.check(
            f"{name(path)} does not begin with a comment that says what it is for"
            for room in ("include", "src")
            for path in sources(room)
            if path.suffix == ".hpp" and not re.match(r"// [A-Z0-9]", path.read_text())
        )

    def test_headers_are_guarded(self):
        headers = [path for path in files("*.hpp") if "#pragma once" not in path.read_text()]
        self.check(f"{name(path)} lacks #pragma once" for path in headers)

    def test_one_file_one_concept(self):
        lengths = {path: len(path.read_text().splitlines()) for path in files("*.hpp", "*.cpp", "*.py", "*.js")}
        self.check(f"{name(path)} has {lines} lines" for path, lines in lengths.items() if lines > 600)

    def test_no_unfinished_marks(self):
        marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
        self.check(f"{name(path)} has one" for path in files("*.hpp", "*.cpp") if marks.search(path.read_text()))

    def test_no_paths_of_one_machine(self):
        paths = re.compile(r"/(?:root|work|home)/")
        self.check(
            f"{name(path)}: {line.strip()}"
            for path in files()
            for line in path.read_text(errors="ignore").splitlines()
            if paths.search(line)
        )

    def test_the_metrics_know_the_public_api_alone(self):
        libraries = re.compile(r"<(evio|prometheus|boost/beast)/[a-z_/]+\.h(pp)?>")
        own = {f'"{path.name}"' for path in sources("src/metrics")}
        self.check_includes(
            sources("src/metrics"),
            lambda include: STANDARD.fullmatch(include) or libraries.fullmatch(include) or include in own,
        )
        others = [path for path in sources("src") if ROOT / "src/metrics" not in path.parents]
        self.check_includes(others, lambda include: "metrics" not in include)

    @staticmethod
    def middle():
        """All of src except the backends, the simulation, the metrics and the protocols."""
        rooms = [ROOT / "src" / room for room in ("backend", "simulation", "metrics", "protocol")]
        return [path for path in sources("src") if not any(room in path.parents for room in rooms)]

    def test_every_mutant_applies_to_the_sources(self):
        mutants = ROOT / "tests/simulation/mutants.py"
        done = subprocess.run([sys.executable, mutants, "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, "\n" + done.stdout + done.stderr)

    def test_the_readme_shows_programs_that_are_tested(self):
        readme = (ROOT / "README.md").read_text()
        for program in ("01_echo.cpp", "readme_chat.cpp"):
            text = (ROOT / "tests/programs" / program).read_text()
            text = text[text.index("#include") :]
            self.assertTrue(text in readme, f"README.md does not show tests/programs/{program}")

    def test_the_page_on_testing_shows_a_program_that_is_tested(self):
        page = (ROOT / "docs/testing.md").read_text()
        test = (ROOT / "tests/simulation/chat_test.cpp").read_text()
        for shown in re.findall(r"```cpp\n(.*?)```", page, re.DOTALL):
            self.assertTrue(shown in test, f"not in chat_test.cpp:\n{shown}")


if __name__ == "__main__":
    unittest.main()
