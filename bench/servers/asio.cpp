// Standalone Asio at its best: one thread and a hint to say so; reactor style, which waits for
// readiness and reads into one shared buffer (an async_read_some per message tries the read first,
// in vain, and wants a buffer per connection); writes are tried at once. TCP echo, close, sink,
// broadcast, sends, posts, timers; UDP echo, sink.
#include <array>
#include <asio.hpp>
#include <memory>
#include <vector>

#include "producer.hpp"
#include "server.hpp"
#include "timers.hpp"

namespace {

using asio::ip::tcp;
using asio::ip::udp;

bench::Options options;
std::uint64_t received = 0;
bench::Producer producer;
std::array<char, 64 << 10> buffer;

bench::Timers timers;
std::vector<asio::steady_timer> armed;

void set_timer(std::size_t timer, unsigned milliseconds) {
  armed[timer].expires_after(std::chrono::milliseconds(milliseconds));
  armed[timer].async_wait([timer](asio::error_code error) {
    if (!error) timers.ran(timer, set_timer);
  });
}

class Session;
std::vector<Session*> all;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)), index_(all.size()) {
    socket_.non_blocking(true);
    all.push_back(this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    all.back()->index_ = index_;
    std::swap(all[index_], all.back());
    all.pop_back();
  }

  void wait() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](asio::error_code error) {
      if (!error) self->read();
    });
  }

  void write(std::string_view bytes) {
    if (!writing_.empty()) {
      pending_ += bytes;
      return;
    }
    asio::error_code error;
    const std::size_t n = socket_.write_some(asio::buffer(bytes), error);
    if (error && error != asio::error::would_block) return;
    if (n < bytes.size()) write_rest(std::string(bytes.substr(n)));
  }

 private:
  void read() {
    asio::error_code error;
    const std::size_t n = socket_.read_some(asio::buffer(buffer), error);
    if (error == asio::error::would_block) return wait();
    if (error) return;
    handle({buffer.data(), n});
    const bool own = options.mode == "echo" || options.mode == "close";
    if (own && !writing_.empty()) return;  // continues when all is written
    if (options.mode != "close") wait();
  }

  void handle(std::string_view bytes) {
    received += bytes.size();
    if (options.mode == "echo" || options.mode == "close") {
      write(bytes);
    } else if (options.mode == "broadcast") {
      for (Session* session : all) session->write(bytes);
    } else if (options.mode == "posts") {
      const std::uint64_t count = producer.done();
      write(bench::bytes_of(count));
    } else if (options.mode == "timers") {
      write(bench::bytes_of(timers.sets()));
    } else if (options.mode == "sink" && bytes.size() == 1) {
      write(bench::bytes_of(received));
    }
  }

  void write_rest(std::string bytes) {
    writing_ = std::move(bytes);
    asio::async_write(socket_, asio::buffer(writing_),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        self->writing_.clear();
                        if (error) return;
                        if (!self->pending_.empty())
                          return self->write_rest(std::exchange(self->pending_, {}));
                        if (options.mode == "echo") self->wait();
                      });
  }

  tcp::socket socket_;
  std::size_t index_;
  std::string pending_, writing_;
};

void send_one() {
  if (!all.empty()) all[producer.done() % all.size()]->write(bench::message());
  producer.finish();
}

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](asio::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->wait();
    accept(acceptor);
  });
}

void receive(udp::socket& socket) {
  udp::endpoint peer;
  asio::error_code error;
  for (int i = 0; i < 64; ++i) {
    const std::size_t n = socket.receive_from(asio::buffer(buffer), peer, 0, error);
    if (error) break;
    ++received;
    if (options.mode == "echo") {
      socket.send_to(asio::buffer(buffer, n), peer, 0, error);
    } else if (n == 1) {
      socket.send_to(asio::buffer(bench::bytes_of(received)), peer, 0, error);
    }
  }
  socket.async_wait(udp::socket::wait_read, [&socket](asio::error_code) { receive(socket); });
}

void serve_udp(asio::io_context& context) {
  if (options.mode != "echo" && options.mode != "sink") bench::unsupported(options);
  static udp::socket socket(context, udp::v4(), bench::bind_udp(options.port));
  socket.non_blocking(true);
  bench::ready(socket.local_endpoint().port());
  receive(socket);
}

void serve_tcp(asio::io_context& context) {
  static tcp::acceptor acceptor(context, tcp::v4(), bench::listen_tcp(options.port));
  bench::ready(acceptor.local_endpoint().port());
  accept(acceptor);
  if (options.mode == "timers") {
    for (std::size_t i = 0; i < bench::Timers::count; ++i) armed.emplace_back(context);
    timers.start(set_timer);
  }
  if (options.mode == "sends") producer.start([&context] { asio::post(context, send_one); });
  if (options.mode == "posts")
    producer.start([&context] { asio::post(context, [] { producer.finish(); }); });
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  const bool threads = options.mode == "sends" || options.mode == "posts";
  asio::io_context context(threads ? ASIO_CONCURRENCY_HINT_DEFAULT : ASIO_CONCURRENCY_HINT_UNSAFE);
  options.udp ? serve_udp(context) : serve_tcp(context);
  context.run();
}
