"""Runs an example program for a test, and ends it."""

import functools
import os
import pathlib
import re
import signal
import socket
import subprocess

EXAMPLES = pathlib.Path(os.environ["EVIO_EXAMPLES"])
ENVIRONMENT = dict(os.environ)
if "TSAN_OPTIONS" in os.environ:
    # ThreadSanitizer runs signal handlers in calls that it knows, and io_uring_enter is none of them.
    ENVIRONMENT["EVIO_BACKEND"] = "epoll"


class Running:
    """A running example on any free port, until the `with` block ends; `said` is its first lines, one an address.
    `port` None: its arguments say where it listens."""

    def __init__(self, program, *arguments, port=0, addresses=1, url=None):
        where = [url] if url else [] if port is None else ["--port", str(port)]
        self.command = [EXAMPLES / program, *where, *arguments]
        self.addresses = addresses

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.said = [self.process.stdout.readline() for _ in range(self.addresses)]
        port = re.search(r":(\d+)\b", self.said[0])
        if not port:
            self.__exit__()
            raise AssertionError(f"{self.command} said {self.said}")
        self.port = int(port.group(1))
        return self

    def connect(self, receive_buffer=None):
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def wait(self):
        """The exit code, once the program has ended by itself or by a signal."""
        self.process.communicate(timeout=30)
        return self.process.returncode

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.wait()


@functools.cache
def backends():
    """The backends that work here."""
    possible = ("epoll", "poll") if "TSAN_OPTIONS" in os.environ else ("io_uring", "epoll", "poll")
    return [backend for backend in possible if _works(backend)]


def _works(backend):
    command = [EXAMPLES / "echo-server", "--port", "0", "--backend", backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as echo:
        said = echo.stdout.readline()
        echo.terminate()
        return said != b""


def failure(program, *arguments):
    """The error output of a program that fails, and its exit code."""
    done = subprocess.run([EXAMPLES / program, *arguments], capture_output=True, text=True, timeout=30)
    return done.stderr, done.returncode
