// Boost.Beast's WebSocket at its best: one thread and a hint to say so, no executor that hides its
// type, compression not even compiled in, writes tried at once. Echo; broadcast, as Beast's chat
// example sends: one shared string, a queue for each connection.
#include <utility>  // which Asio's headers need
//
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <memory>
#include <string>
#include <vector>

#include "server.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;

bench::Options options;

class Session;
std::vector<Session*> all;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : stream_(std::move(socket)) {
    stream_.binary(true);
    stream_.auto_fragment(false);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { std::erase(all, this); }

  void accept() {
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (error) return;
      all.push_back(self.get());
      self->read();
    });
  }

  void send(const std::shared_ptr<const std::string>& message) {
    queue_.push_back(message);
    if (queue_.size() == 1) write_queue();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      options.mode == "echo" ? self->echo() : self->broadcast();
    });
  }

  void echo() {
    stream_.async_write(buffer_.data(),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (error) return;
                          self->buffer_.clear();
                          self->read();
                        });
  }

  void broadcast() {
    const auto message =
        std::make_shared<const std::string>(beast::buffers_to_string(buffer_.data()));
    buffer_.clear();
    for (Session* session : all) session->send(message);
    read();
  }

  void write_queue() {
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (error) return;
                          self->queue_.erase(self->queue_.begin());
                          if (!self->queue_.empty()) self->write_queue();
                        });
  }

  websocket::stream<Socket, false> stream_;
  beast::flat_buffer buffer_;
  std::vector<std::shared_ptr<const std::string>> queue_;
};

void accept(Acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, Socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->accept();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  options = bench::parse(argc, argv);
  if (options.mode != "echo" && options.mode != "broadcast") bench::unsupported(options);
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  Acceptor acceptor(context, tcp::v4(), bench::listen_tcp(options.port));
  accept(acceptor);
  bench::ready(acceptor.local_endpoint().port());
  context.run();
}
