// A TCP proxy with Asio: a callback per operation, one buffer per direction, and one thread, of
// which Asio is told. Bytes are written before more are read.
#include <array>
#include <asio.hpp>
#include <memory>

#include "server.hpp"

namespace {

using asio::ip::tcp;

class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(tcp::socket client, asio::io_context& context)
      : client_(std::move(client)), server_(context) {}

  void start(int port) {
    client_.set_option(tcp::no_delay(true));
    server_.async_connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)},
                          [self = shared_from_this()](const asio::error_code& error) {
                            if (error) return;
                            self->server_.set_option(tcp::no_delay(true));
                            self->move(self->client_, self->server_, self->up_);
                            self->move(self->server_, self->client_, self->down_);
                          });
  }

 private:
  using Bytes = std::array<char, 64 << 10>;

  void move(tcp::socket& from, tcp::socket& to, Bytes& bytes) {
    from.async_read_some(
        asio::buffer(bytes), [&, self = shared_from_this()](asio::error_code error, std::size_t n) {
          if (error == asio::error::eof) {
            to.shutdown(tcp::socket::shutdown_send, error);
            return;
          }
          if (error) return drop();
          asio::async_write(to, asio::buffer(bytes.data(), n),
                            [&, self](const asio::error_code& failed, std::size_t) {
                              failed ? drop() : move(from, to, bytes);
                            });
        });
  }
  void drop() {
    asio::error_code ignored;
    client_.close(ignored);
    server_.close(ignored);
  }

  tcp::socket client_, server_;
  Bytes up_, down_;
};

void accept(tcp::acceptor& acceptor, asio::io_context& context, int port) {
  acceptor.async_accept([&, port](const asio::error_code& error, tcp::socket client) {
    if (!error) std::make_shared<Pair>(std::move(client), context)->start(port);
    accept(acceptor, context, port);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  asio::io_context context(1);
  const int fd = bench::listen_tcp(options.port);
  tcp::acceptor acceptor(context, tcp::v4(), fd);
  accept(acceptor, context, options.to);
  bench::ready(bench::port_of(fd));
  context.run();
}
