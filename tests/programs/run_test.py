"""Runs the users' programs, each in a network namespace where its ports are free."""

import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def own_network():
    """Gives the child a network namespace with a loopback interface only, where every port may be bound."""
    user = os.getuid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    with socket.socket(type=socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def can_isolate():
    try:
        return subprocess.run(["true"], preexec_fn=own_network).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


class Programs(unittest.TestCase):
    def test_each_goes_on_or_ends_well(self):
        if not can_isolate():
            self.skipTest("no network namespace can be had here")
        programs = sorted(pathlib.Path(os.environ["EVIO_PROGRAMS"]).glob("*.g++"))
        self.assertGreaterEqual(len(programs), 11)
        running = [
            subprocess.Popen([program, "tcp://127.0.0.1:1"], preexec_fn=own_network, stdout=subprocess.DEVNULL, cwd="/tmp")
            for program in programs
        ]
        time.sleep(0.5)
        codes = {}
        for program, process in zip(programs, running):
            codes[program.name] = process.poll()
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertEqual({name: code for name, code in codes.items() if code not in (None, 0)}, {})
        self.assertEqual(codes["14_unit.g++"], 0, "it ends by itself")

    def test_each_does_what_it_says(self):
        if not can_isolate():
            self.skipTest("no network namespace can be had here")
        cases = [sys.executable, "-B", "-m", "unittest", "-v", "cases"]
        self.assertEqual(subprocess.run(cases, preexec_fn=own_network).returncode, 0)


if __name__ == "__main__":
    unittest.main()
