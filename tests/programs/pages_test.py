"""What the pages show compiles: each block of C++ in README.md and in docs/."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```cpp\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAGS = ["-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-Wno-unused", f"-I{ROOT}/include", "-fsyntax-only", "-x", "c++"]

# What statements and declarations without includes of their own take for granted.
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


def units(page):
    """Translation units: programs as they are, declarations of a page together, and each block of statements."""
    blocks = BLOCK.findall(page.read_text())
    together = ""
    for number, block in enumerate(blocks, 1):
        if "int main" in block:
            yield number, block
        elif declares(block):
            together += block
        else:
            yield number, PRELUDE + "void shown(evio::Events events, std::string line) {\n" + block + "}\n"
    if together:
        yield "together", PRELUDE + together


class Pages(unittest.TestCase):
    def test_what_they_show_compiles(self):
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        compiler = os.environ.get("CXX", "g++")
        wrong, seen = [], 0
        for page in pages:
            for name, text in units(page):
                seen += 1
                with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
                    file.write(text)
                    file.flush()
                    done = subprocess.run([compiler, *FLAGS, file.name], capture_output=True, text=True)
                if done.returncode != 0:
                    wrong.append(f"{page.name}, block {name}:\n{done.stderr[:2000]}")
        self.assertGreater(seen, 6)
        self.assertFalse(wrong, "\n\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
