// Boost.Beast, as its examples use it: a coroutine-free asynchronous server on one thread.
// /plaintext, else a file of the working directory.
#include <utility>  // which Asio's headers need
//
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>

#include "server.hpp"

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : stream_(std::move(socket)) {}

  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    if (request_.target() == "/plaintext") {
      text_ = {http::status::ok, request_.version()};
      text_.body() = "Hello, World!\r\n";
      return write(text_);
    }
    beast::error_code error;
    http::file_body::value_type file;
    file.open(std::string(request_.target().substr(1)).c_str(), beast::file_mode::scan, error);
    if (error) return;
    file_.emplace(std::piecewise_construct, std::make_tuple(std::move(file)),
                  std::make_tuple(http::status::ok, request_.version()));
    write(*file_);
  }

  template <class Response>
  void write(Response& response) {
    response.set(http::field::server, "Beast");
    response.set(http::field::content_type, "text/plain");
    response.keep_alive(request_.keep_alive());
    response.prepare_payload();
    http::async_write(stream_, response,
                      [self = shared_from_this(), more = request_.keep_alive()](
                          beast::error_code error, std::size_t) {
                        if (!error && more) self->read();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::string_body> text_;
  std::optional<http::response<http::file_body>> file_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  if (options.mode != "http") bench::unsupported(options);
  boost::asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(),
                                                static_cast<unsigned short>(options.port)));
  accept(acceptor);
  bench::ready(acceptor.local_endpoint().port());
  context.run();
}
