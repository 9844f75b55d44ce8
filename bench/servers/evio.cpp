// evio. TCP echo, close, sink, broadcast, sends, posts, timers; UDP echo, sink; every backend.
#include <evio/evio.hpp>
#include <map>
#include <vector>

#include "producer.hpp"
#include "server.hpp"
#include "timers.hpp"

namespace {

bench::Options options;
bench::Producer producer;
bench::Timers timers;
std::vector<evio::Timer> armed(bench::Timers::count);
std::uint64_t received = 0;
std::vector<evio::Handle> handles;

void echo(evio::Conn& conn, evio::Input& in) { conn.write(in.take()); }

evio::Action echo_and_close(evio::Conn& conn, evio::Input& in) {
  conn.write(in.take());
  return evio::Action::close;
}

void sink(evio::Conn& conn, evio::Input& in) {
  const std::string_view bytes = in.take();
  received += options.udp ? 1 : bytes.size();
  if (bytes.size() == 1) conn.write(bench::bytes_of(received));
}

void broadcast(evio::Conn& conn, evio::Input& in) {
  const evio::SharedBytes message{std::string(in.take())};
  conn.loop().for_each([&message](evio::Conn& other) { other.write(message); });
}

void answer_posts(evio::Conn& conn, evio::Input& in) {
  in.take();
  const std::uint64_t posts = producer.done();
  conn.write(bench::bytes_of(posts));
}

void set_timer(std::size_t timer, unsigned milliseconds) {
  armed[timer].restart(std::chrono::milliseconds(milliseconds));
}

void start_timers(evio::Loop& loop) {
  timers.start([&loop](std::size_t timer, unsigned milliseconds) {
    armed[timer] = loop.run_after(std::chrono::milliseconds(milliseconds),
                                  [timer] { timers.ran(timer, set_timer); });
  });
}

// A byte starts the other thread when all connections exist. It keeps at most `ahead` bytes pending
// in each.
void start_sends() {
  constexpr std::size_t ahead = 80 * 64;
  if (handles.empty()) return;
  producer.start([all = std::exchange(handles, {}), i = std::size_t{0}]() mutable {
    for (std::size_t tried = 0; all[i].pending_output() > ahead; i = (i + 1) % all.size())
      if (++tried % all.size() == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    all[i].send(bench::message());
    i = (i + 1) % all.size();
    producer.finish();
  });
}

void set_handlers(evio::Events& events) {
  if (options.mode == "echo") {
    events.data = echo;
  } else if (options.mode == "close") {
    events.data = echo_and_close;
  } else if (options.mode == "sink") {
    events.data = sink;
  } else if (options.mode == "broadcast") {
    events.data = broadcast;
  } else if (options.mode == "posts") {
    events.data = answer_posts;
    events.loop_started = [](evio::Loop& loop) {
      producer.start([&loop] { loop.post([] { producer.finish(); }); });
    };
  } else if (options.mode == "timers") {
    events.data = [](evio::Conn& conn, evio::Input& in) {
      in.take();
      conn.write(bench::bytes_of(timers.sets()));
    };
    events.loop_started = start_timers;
  } else if (options.mode == "sends") {
    events.opened = [](evio::Conn& conn) { handles.push_back(conn.handle()); };
    events.data = [](evio::Conn&, evio::Input& in) {
      in.take();
      start_sends();
    };
  } else {
    bench::unsupported(options);
  }
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  evio::Events events{
      .backend = backends.at(options.backend),
      .busy_poll = std::chrono::microseconds(options.busy_poll_us),
      .handle_signals = true,
      .serving = [](evio::Server& server) { bench::ready(server.addresses().front().port()); },
  };
  set_handlers(events);
  const std::string scheme = options.udp ? "udp4" : "tcp4";
  evio::serve(std::move(events), scheme + "://127.0.0.1:" + std::to_string(options.port));
}
