// libuv at its best: one shared read buffer, uv_try_write first, a write request only for what the
// kernel did not take. TCP echo, close, sink, broadcast, sends, posts, timers; UDP echo, sink.
#include <uv.h>

#include <array>
#include <mutex>
#include <vector>

#include "producer.hpp"
#include "server.hpp"
#include "timers.hpp"

namespace {

bench::Options options;
uv_loop_t loop;
std::array<char, 64 << 10> buffer;
std::uint64_t received = 0;
bench::Producer producer;

struct Conn {
  uv_tcp_t tcp{};
  std::size_t index = 0;
};
std::vector<Conn*> all;

struct Write {
  uv_write_t request{};
  std::string bytes;
};

void lend(uv_handle_t*, std::size_t, uv_buf_t* out) {
  *out = uv_buf_init(buffer.data(), buffer.size());
}

void drop(Conn* conn) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&conn->tcp);
  if (uv_is_closing(handle)) return;
  all.back()->index = conn->index;
  std::swap(all[conn->index], all.back());
  all.pop_back();
  uv_close(handle, [](uv_handle_t* closed) { delete static_cast<Conn*>(closed->data); });
}

void write(Conn* conn, std::string_view bytes) {
  auto* stream = reinterpret_cast<uv_stream_t*>(&conn->tcp);
  uv_buf_t piece =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int n = uv_try_write(stream, &piece, 1);
  if (n == static_cast<int>(bytes.size())) return;
  if (n < 0 && n != UV_EAGAIN) return drop(conn);
  auto* rest =
      new Write{.bytes = std::string(bytes.substr(n < 0 ? 0 : static_cast<std::size_t>(n)))};
  rest->request.data = rest;
  piece = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
  uv_write(&rest->request, stream, &piece, 1,
           [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
}

void shut(Conn* conn) {
  auto* request = new uv_shutdown_t;
  request->data = conn;
  uv_shutdown(request, reinterpret_cast<uv_stream_t*>(&conn->tcp), [](uv_shutdown_t* done, int) {
    drop(static_cast<Conn*>(done->data));
    delete done;
  });
}

// For the modes sends and posts: tasks from another thread in the documented way, a queue under a
// mutex and an async handle.
class TaskQueue {
 public:
  TaskQueue() {
    async_.data = this;
    uv_async_init(&loop, &async_,
                  [](uv_async_t* async) { static_cast<TaskQueue*>(async->data)->run(); });
  }

  void post(void (*task)()) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(task);
    }
    uv_async_send(&async_);
  }

 private:
  void run() {
    {
      const std::lock_guard lock(mutex_);
      tasks_.swap(running_);
    }
    for (auto* task : running_) task();
    running_.clear();
  }

  std::mutex mutex_;
  std::vector<void (*)()> tasks_, running_;
  uv_async_t async_{};
};

TaskQueue* task_queue = nullptr;

void send_one() {
  if (!all.empty()) write(all[producer.done() % all.size()], bench::message());
  producer.finish();
}

bench::Timers timers;
std::vector<uv_timer_t> armed(bench::Timers::count);

void set_timer(std::size_t timer, unsigned milliseconds) {
  uv_timer_start(
      &armed[timer],
      [](uv_timer_t* ran) { timers.ran(static_cast<std::size_t>(ran - armed.data()), set_timer); },
      milliseconds, 0);
}

void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t*) {
  auto* conn = static_cast<Conn*>(stream->data);
  if (n < 0) return drop(conn);
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  if (options.mode == "echo") return write(conn, bytes);
  if (options.mode == "close") {
    write(conn, bytes);
    return shut(conn);
  }
  received += bytes.size();
  if (options.mode == "broadcast") {
    for (std::size_t i = all.size(); i-- > 0;) write(all[i], bytes);
  } else if (options.mode == "posts") {
    const std::uint64_t count = producer.done();
    write(conn, bench::bytes_of(count));
  } else if (options.mode == "timers") {
    write(conn, bench::bytes_of(timers.sets()));
  } else if (options.mode == "sink" && bytes.size() == 1) {
    write(conn, bench::bytes_of(received));
  }
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* conn = new Conn{.index = all.size()};
  conn->tcp.data = conn;
  uv_tcp_init(&loop, &conn->tcp);
  auto* stream = reinterpret_cast<uv_stream_t*>(&conn->tcp);
  all.push_back(conn);
  if (uv_accept(listener, stream) < 0) return drop(conn);
  uv_tcp_nodelay(&conn->tcp, 1);
  uv_read_start(stream, lend, on_read);
}

void on_datagram(uv_udp_t* udp, ssize_t n, const uv_buf_t* piece, const sockaddr* peer, unsigned) {
  if (n < 0 || !peer) return;  // no peer: there is no more
  ++received;
  std::uint64_t count = received;
  uv_buf_t answer = uv_buf_init(piece->base, static_cast<unsigned>(n));
  if (options.mode == "sink") {
    if (n != 1) return;
    answer = uv_buf_init(reinterpret_cast<char*>(&count), sizeof count);
  }
  uv_udp_try_send(udp, &answer, 1, peer);
}

// With UV_UDP_RECVMMSG libuv splits the buffer into pieces of 64 KiB: 20 of them, as many as it
// receives at a time.
std::vector<char> datagrams(20 * (64 << 10));

void lend_datagrams(uv_handle_t*, std::size_t, uv_buf_t* out) {
  *out = uv_buf_init(datagrams.data(), static_cast<unsigned>(datagrams.size()));
}

void serve_udp() {
  if (options.mode != "echo" && options.mode != "sink") bench::unsupported(options);
  static uv_udp_t udp;
  uv_udp_init_ex(&loop, &udp, AF_UNSPEC | UV_UDP_RECVMMSG);
  const int fd = bench::bind_udp(options.port);
  uv_udp_open(&udp, fd);
  uv_udp_recv_start(&udp, lend_datagrams, on_datagram);
  bench::ready(bench::port_of(fd));
}

void serve_tcp() {
  static uv_tcp_t listener;
  uv_tcp_init(&loop, &listener);
  const int fd = bench::listen_tcp(options.port);
  uv_tcp_open(&listener, fd);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection) < 0)
    bench::die("uv_listen");
  bench::ready(bench::port_of(fd));
  if (options.mode == "timers") {
    for (uv_timer_t& timer : armed) uv_timer_init(&loop, &timer);
    timers.start(set_timer);
  }
  if (options.mode != "sends" && options.mode != "posts") return;
  task_queue = new TaskQueue;
  producer.start([task = options.mode == "sends" ? send_one : +[] { producer.finish(); }] {
    task_queue->post(task);
  });
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  uv_loop_init(&loop);
  options.udp ? serve_udp() : serve_tcp();
  uv_run(&loop, UV_RUN_DEFAULT);
}
