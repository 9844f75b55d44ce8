#!/usr/bin/env python3
"""Prints the lines of src/ that no random world reaches, by file; builds with coverage in build/lines."""

import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/lines"
BELOW = ("src/backend/posix/", "src/backend/readiness/", "src/backend/uring/", "src/backend/backend.cpp")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout


def build():
    run("cmake", "-G", "Ninja", "-S", ROOT, "-B", BUILD, "-D", "CMAKE_BUILD_TYPE=Debug", "-D",
        "CMAKE_CXX_FLAGS=--coverage", "-D", "EVIO_BUILD_EXAMPLES=OFF", "-D", "EVIO_TEST_SOURCES=OFF")
    run("cmake", "--build", BUILD, "--target", "simulate")


def counts():
    """How often each line of each file of src/ ran."""
    lines = {}
    with tempfile.TemporaryDirectory() as folder:
        for data in BUILD.rglob("*.gcda"):
            run("gcov", "--json-format", "--object-directory", data.parent, data, cwd=folder)
            for report in pathlib.Path(folder).glob("*.json.gz"):
                for file in json.loads(gzip.decompress(report.read_bytes()))["files"]:
                    path = pathlib.Path(BUILD / file["file"]).resolve()
                    if not path.is_relative_to(ROOT / "src"):
                        continue
                    of = lines.setdefault(path.relative_to(ROOT).as_posix(), {})
                    for line in file["lines"]:
                        of[line["line_number"]] = of.get(line["line_number"], 0) + line["count"]
                report.unlink()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="60")
    options = parser.parse_args()
    build()
    for data in BUILD.rglob("*.gcda"):
        data.unlink()
    print(run(BUILD / "tests/simulate", "--seconds", options.seconds).splitlines()[0])
    all_lines = reached = 0
    for name, lines in sorted(counts().items()):
        if name.startswith(BELOW):
            continue
        missing = [number for number, count in sorted(lines.items()) if count == 0]
        all_lines += len(lines)
        reached += len(lines) - len(missing)
        text = (ROOT / name).read_text().splitlines()
        for number in missing:
            print(f"{name}:{number}: {text[number - 1].strip()}")
    print(f"{reached} of {all_lines} lines above the seam and of the simulation were reached")


if __name__ == "__main__":
    main()
