// libevent with bufferevents, at their best: echo moves the input buffer to the output buffer
// without copying, and nothing is locked. TCP echo, close, sink, broadcast.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <vector>

#include "server.hpp"

namespace {

bench::Options options;
std::uint64_t received = 0;

struct Conn {
  bufferevent* events = nullptr;
  std::size_t index = 0;
};
std::vector<Conn*> all;

void drop(Conn* conn) {
  bufferevent_free(conn->events);
  all.back()->index = conn->index;
  std::swap(all[conn->index], all.back());
  all.pop_back();
  delete conn;
}

void write(Conn* conn, std::string_view bytes) {
  bufferevent_write(conn->events, bytes.data(), bytes.size());
}

void on_written(bufferevent*, void* conn) { drop(static_cast<Conn*>(conn)); }

void on_event(bufferevent*, short what, void* conn) {
  if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) drop(static_cast<Conn*>(conn));
}

void on_read(bufferevent* events, void* context) {
  auto* conn = static_cast<Conn*>(context);
  evbuffer* input = bufferevent_get_input(events);
  const std::size_t n = evbuffer_get_length(input);
  received += n;
  if (options.mode == "broadcast") {
    const std::string_view bytes(reinterpret_cast<const char*>(evbuffer_pullup(input, -1)), n);
    for (Conn* other : all) write(other, bytes);
  } else if (options.mode != "sink") {
    if (options.mode == "close") bufferevent_setcb(events, nullptr, on_written, on_event, conn);
    evbuffer_add_buffer(bufferevent_get_output(events), input);
    return;
  } else if (n == 1) {
    write(conn, bench::bytes_of(received));
  }
  evbuffer_drain(input, n);
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  auto* conn = new Conn{.index = all.size()};
  conn->events =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  all.push_back(conn);
  bufferevent_set_max_single_read(conn->events, 64 << 10);
  bufferevent_set_max_single_write(conn->events, 64 << 10);
  bufferevent_setcb(conn->events, on_read, nullptr, on_event, conn);
  bufferevent_enable(conn->events, EV_READ | EV_WRITE);
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  const std::string& mode = options.mode;
  if (options.udp || (mode != "echo" && mode != "close" && mode != "sink" && mode != "broadcast"))
    bench::unsupported(options);
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  const int fd = bench::listen_tcp(options.port);
  if (!evconnlistener_new(base, on_accept, nullptr, LEV_OPT_CLOSE_ON_EXEC, 0, fd))
    bench::die("evconnlistener_new");
  bench::ready(bench::port_of(fd));
  event_base_dispatch(base);
}
