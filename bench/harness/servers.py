"""The servers: how each is started, and its role in a comparison."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 4096; use epoll; multi_accept on; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    default_type text/plain;
    location = /plaintext {{ return 200 "Hello, World!\\r\\n"; }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 2000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen proxy
  bind 127.0.0.1:{port}
  server behind 127.0.0.1:{behind}
  no option splice-auto
"""


@dataclass(frozen=True)
class Server:
    name: str
    kind: str  # ours, floor, peer
    program: str
    arguments: tuple = ()
    own_port: bool = True  # takes a port of its choice and prints "ready PORT"
    configuration: str = ""  # is written to a file, {config} among the arguments
    load: tuple = ()  # the load generator's options for it
    buffer_option: str = ""  # sets the size of each connection's buffer
    own_malloc: bool = False  # its allocations cannot be counted from outside


def _evio(backend, *arguments):
    return ("--backend", backend, *arguments)


_HTTP = ("--port", "{port}", "--root", "{folder}")
_HAPROXY = "/usr/sbin/haproxy"
_PROXY = ("--listen", "tcp://127.0.0.1:{port}", "--to", "tcp://127.0.0.1:{behind}")
_WEBSOCKET = ("--websocket",)
_LOOPBACK = ("--port", "{port}", "--bind", "127.0.0.1")

SERVERS = {
    server.name: server
    for server in (
        Server("evio-epoll", "ours", "bench-evio", _evio("epoll")),
        Server("evio-io_uring", "ours", "bench-evio", _evio("io_uring")),
        Server("evio-epoll-spin", "ours", "bench-evio", _evio("epoll", "--busy-poll", "50")),
        Server("evio-io_uring-spin", "ours", "bench-evio", _evio("io_uring", "--busy-poll", "50")),
        Server("floor-epoll", "floor", "bench-floor-epoll"),
        Server("floor-io_uring", "floor", "bench-floor-uring"),
        Server("floor-udp", "floor", "bench-floor-udp"),
        Server("libuv", "peer", "bench-libuv"),
        Server("libevent", "peer", "bench-libevent"),
        Server("asio", "peer", "bench-asio"),
        Server("go", "peer", "bench-gonet", buffer_option="--buffer", own_malloc=True),
        Server("evio-redis-epoll", "ours", "redis-server", _LOOPBACK + _evio("epoll"), own_port=False),
        Server("evio-redis-io_uring", "ours", "redis-server", _LOOPBACK + _evio("io_uring"), own_port=False),
        Server(
            "redis",
            "peer",
            "/usr/bin/redis-server",
            (*_LOOPBACK, "--protected-mode", "no", "--save", "", "--appendonly", "no", "--daemonize", "no"),
            own_port=False,
            own_malloc=True,
        ),
        Server("evio-http-epoll", "ours", "http-server", _HTTP + _evio("epoll"), own_port=False),
        Server("evio-http-io_uring", "ours", "http-server", _HTTP + _evio("io_uring"), own_port=False),
        Server("beast", "peer", "bench-beast", ("--mode", "http")),
        Server("evio-websocket-epoll", "ours", "bench-evio-websocket", _evio("epoll"), load=_WEBSOCKET),
        Server("evio-websocket-io_uring", "ours", "bench-evio-websocket", _evio("io_uring"), load=_WEBSOCKET),
        Server("beast-websocket", "peer", "bench-beast-websocket", load=_WEBSOCKET),
        Server("libwebsockets", "peer", "bench-libwebsockets", load=_WEBSOCKET),
        Server("evio-plain-epoll", "floor", "bench-evio", _evio("epoll")),  # without what its protocol adds
        Server("evio-plain-io_uring", "floor", "bench-evio", _evio("io_uring")),
        Server("evio-proxy-epoll", "ours", "proxy", _PROXY + _evio("epoll"), own_port=False),
        Server("evio-proxy-io_uring", "ours", "proxy", _PROXY + _evio("io_uring"), own_port=False),
        Server("libuv-proxy", "peer", "bench-libuv-proxy", ("--to", "{behind}")),
        Server("asio-proxy", "peer", "bench-asio-proxy", ("--to", "{behind}")),
        Server("haproxy", "peer", _HAPROXY, ("-db", "-f", "{config}"), own_port=False, configuration=HAPROXY),
        Server(
            "haproxy-splice",
            "peer",
            _HAPROXY,
            ("-db", "-f", "{config}"),
            own_port=False,
            configuration=HAPROXY.replace("no option", "option"),
        ),
        Server("nginx", "peer", "/usr/sbin/nginx", ("-c", "{config}"), own_port=False, configuration=NGINX),
    )
}


def _end_with_parent():
    """Ends the child process with this program, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def pinned(cores):
    """Restricts a child process to these cores."""

    def prepare():
        _end_with_parent()
        os.sched_setaffinity(0, cores)

    return prepare


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait_until_it_listens(process, port):
    for _ in range(400):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[0]} does not listen on port {port}")


@dataclass
class Programs:
    """The paths of the programs."""

    build: pathlib.Path

    def path(self, program):
        for folder in ("bench", "examples"):
            if (self.build / folder / program).exists():
                return str(self.build / folder / program)
        return program

    def has(self, server):
        return pathlib.Path(self.path(server.program)).exists()

    @property
    def load(self):
        return self.path("bench-load")

    @property
    def allocations(self):
        return self.path("libbench-allocations.so")


@dataclass
class Running:
    pid: int
    port: int


@contextlib.contextmanager
def running(server, programs, cores, options=(), environment=None, behind=0):
    """Starts the server on these cores; ends it, and only it, afterwards. `behind`: the port of the server that it passes
    everything on to."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="evio-bench-"))
        port = 0 if server.own_port else _free_port()
        config = pathlib.Path(folder, "config")
        pathlib.Path(folder, "1k.txt").write_bytes(b"x" * 1024)  # for servers of files
        places = {"port": port, "behind": behind, "folder": folder, "config": config}
        config.write_text(server.configuration.format(**places))
        arguments = [argument.format(**places) for argument in server.arguments]
        process = subprocess.Popen(
            [programs.path(server.program), *arguments, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            preexec_fn=pinned(cores),
        )
        stack.callback(_stop, process)
        if server.own_port:
            line = process.stdout.readline().decode().split()
            if len(line) != 2 or line[0] != "ready":
                raise RuntimeError(f"{server.name} did not start")
            port = int(line[1])
        else:
            _wait_until_it_listens(process, port)
        yield Running(process.pid, port)


def _stop(process):
    process.kill()
    process.wait()
    process.stdout.close()
