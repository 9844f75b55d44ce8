"""Each block of C++ in README.md and docs/ compiles."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```cpp\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADER = re.compile(r"// (\w+\.hpp)\n")  # the first line of a block that other blocks of its page include
FLAGS = ["-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-Wno-unused", f"-I{ROOT}/include", "-fsyntax-only", "-x", "c++"]

# What blocks without includes assume.
PRELUDE = """
#include <evio/codecs.hpp>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/metrics.hpp>
#include <evio/websocket.hpp>
#include <gtest/gtest.h>
#include <string>
namespace http = evio::http;
namespace ws = evio::websocket;
"""


def declares(block):
    return re.search(r"^(TEST\(|struct |#include )", block, re.MULTILINE)


def units(pages, headers):
    """Translation units: programs as they are, declarations of a page together, and all blocks of statements together.
    Headers are written to the folder `headers`."""
    statements = PRELUDE
    for page in pages:
        declarations = ""
        for number, block in enumerate(BLOCK.findall(page.read_text()), 1):
            header = HEADER.match(block)
            block = f'#line 1 "{page.name}, block {number}"\n{block}'
            if header:
                (headers / header[1]).write_text(block)
            elif "int main" in block:
                yield block
            elif declares(block):
                declarations += block
            else:
                name = f"shown_{page.stem}_{number}".replace("-", "_")
                statements += f"void {name}(evio::Events events, std::string line) {{\n{block}}}\n"
        if declarations:
            yield PRELUDE + declarations
    yield statements


class Pages(unittest.TestCase):
    def test_what_they_show_compiles(self):
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        compiler = os.environ.get("CXX", "g++")
        headers = tempfile.TemporaryDirectory()
        self.addCleanup(headers.cleanup)
        wrong, seen = [], 0
        for text in units(pages, pathlib.Path(headers.name)):
            seen += text.count("#line ")
            with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([compiler, *FLAGS, f"-I{headers.name}", file.name], capture_output=True, text=True)
            if done.returncode != 0:
                wrong.append(done.stderr[:2000])
        self.assertGreater(seen, 6)
        self.assertFalse(wrong, "\n\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
