"""Tests cmake/abi-check with revisions of a small library."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ABI_CHECK = pathlib.Path(__file__).resolve().parents[2] / "cmake/abi-check"
CMAKE = """cmake_minimum_required(VERSION 3.22)
project(small LANGUAGES CXX)
add_library(small src/small.cpp)
target_include_directories(small PUBLIC include)
"""
HEADER = "#pragma once\nstruct Point {\n  int x;\n  int y;\n};\nint sum(const Point& point);\n"
SOURCE = '#include "small.hpp"\nint sum(const Point& point) { return point.x + point.y; }\n'


class AbiCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        cls.git("init", "--quiet")
        cls.commit("first", HEADER, SOURCE)
        cls.commit("faster", HEADER, SOURCE.replace("point.x + point.y", "point.y + point.x"))
        cls.commit("wider", HEADER.replace("int x", "long x"), SOURCE)
        cls.commit("renamed", HEADER.replace("sum", "total"), SOURCE.replace("sum", "total"))
        cls.commit("broken", HEADER, "int sum(")

    @classmethod
    def git(cls, *arguments):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", "-C", cls.root, *identity, *arguments], check=True, capture_output=True)

    @classmethod
    def commit(cls, tag, header, source):
        files = {"CMakeLists.txt": CMAKE, "include/small.hpp": header, "src/small.cpp": source}
        for name, text in files.items():
            path = cls.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        cls.git("add", ".")
        cls.git("commit", "--quiet", "--no-verify", "-m", tag)
        cls.git("tag", tag)

    def run_on(self, *revisions):
        result = subprocess.run([ABI_CHECK, *revisions], cwd=self.root, capture_output=True, text=True, env=os.environ)
        return result.returncode, result.stdout + result.stderr

    def test_a_revision_against_itself(self):
        status, said = self.run_on("first", "first")
        self.assertEqual(status, 0, said)
        self.assertIn("libsmall.so: no change", said)

    def test_what_users_do_not_see_may_change(self):
        status, said = self.run_on("first", "faster")
        self.assertEqual(status, 0, said)

    def test_a_changed_struct(self):
        status, said = self.run_on("first", "wider")
        self.assertEqual(status, 1, said)
        self.assertRegex(said, r"(?s)libsmall\.so: changed.*type of 'int x' changed")
        self.assertIn("Point", said)

    def test_a_function_that_is_gone(self):
        status, said = self.run_on("first", "renamed")
        self.assertEqual(status, 1, said)
        self.assertIn("sum(const Point&)", said)

    def test_what_does_not_build_or_exist(self):
        self.assertEqual(self.run_on("first", "broken")[0], 2)
        self.assertEqual(self.run_on("first", "no-such-revision")[0], 2)
        self.assertEqual(self.run_on()[0], 2)


if __name__ == "__main__":
    unittest.main()
