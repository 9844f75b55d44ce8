// A TCP proxy with libuv at its best: one shared read buffer, uv_try_write first, a write request
// only for what the kernel did not take, and no reading from a side while the other has such a
// request.
#include <uv.h>

#include <array>

#include "server.hpp"

namespace {

bench::Options options;
uv_loop_t loop;
std::array<char, 64 << 10> buffer;

struct Side {
  uv_tcp_t tcp{};
  Side* other = nullptr;
  bool ended = false;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&tcp); }
};

struct Pair {
  Side sides[2];
  uv_connect_t connecting{};
  int open = 2;
};

struct Write {
  uv_write_t request{};
  std::string bytes;
};

void drop(Side* side) {
  for (Side* each : {side, side->other})
    if (!uv_is_closing(each->handle()))
      uv_close(each->handle(), [](uv_handle_t* closed) {
        auto* pair = static_cast<Pair*>(closed->data);
        if (--pair->open == 0) delete pair;
      });
}

Side* side_of(uv_stream_t* stream) {
  auto* pair = static_cast<Pair*>(stream->data);
  return &pair->sides[stream == pair->sides[1].stream()];
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* out) {
  *out = uv_buf_init(buffer.data(), buffer.size());
}

void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t*);

void on_written(uv_write_t* done, int status) {
  Side* to = side_of(done->handle);
  delete static_cast<Write*>(done->data);
  if (status < 0) return drop(to);
  uv_read_start(to->other->stream(), lend, on_read);
}

void pass_on(Side* from, std::string_view bytes) {
  Side* to = from->other;
  uv_buf_t piece =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int n = uv_try_write(to->stream(), &piece, 1);
  if (n == static_cast<int>(bytes.size())) return;
  if (n < 0 && n != UV_EAGAIN) return drop(from);
  auto* rest =
      new Write{.bytes = std::string(bytes.substr(n < 0 ? 0 : static_cast<std::size_t>(n)))};
  rest->request.data = rest;
  piece = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
  uv_read_stop(from->stream());
  uv_write(&rest->request, to->stream(), &piece, 1, on_written);
}

void end(Side* from) {
  from->ended = true;
  if (from->other->ended) return drop(from);
  auto* request = new uv_shutdown_t;
  uv_shutdown(request, from->other->stream(), [](uv_shutdown_t* done, int) { delete done; });
}

void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t*) {
  Side* from = side_of(stream);
  if (n == UV_EOF) return end(from);
  if (n < 0) return drop(from);
  pass_on(from, {buffer.data(), static_cast<std::size_t>(n)});
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* pair = new Pair;
  for (int i = 0; i < 2; ++i) {
    pair->sides[i].other = &pair->sides[1 - i];
    uv_tcp_init(&loop, &pair->sides[i].tcp);
    pair->sides[i].tcp.data = pair;
  }
  if (uv_accept(listener, pair->sides[0].stream()) < 0) return drop(&pair->sides[0]);
  uv_tcp_nodelay(&pair->sides[0].tcp, 1);
  const sockaddr_in to = bench::loopback(options.to);
  pair->connecting.data = pair;
  uv_tcp_connect(&pair->connecting, &pair->sides[1].tcp, reinterpret_cast<const sockaddr*>(&to),
                 [](uv_connect_t* done, int failed) {
                   auto* made = static_cast<Pair*>(done->data);
                   if (failed) return drop(&made->sides[0]);
                   uv_tcp_nodelay(&made->sides[1].tcp, 1);
                   for (Side& side : made->sides) uv_read_start(side.stream(), lend, on_read);
                 });
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  uv_loop_init(&loop);
  uv_tcp_t listener;
  uv_tcp_init(&loop, &listener);
  const int fd = bench::listen_tcp(options.port);
  uv_tcp_open(&listener, fd);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection) < 0)
    bench::die("uv_listen");
  bench::ready(bench::port_of(fd));
  uv_run(&loop, UV_RUN_DEFAULT);
}
