// Closed loop: each connection sends `pipeline` requests together, and the next ones when all
// replies have arrived.
#include <cstdio>
#include <cstdlib>

#include "engine_epoll.hpp"
#include "engine_uring.hpp"
#include "load.hpp"

namespace load {

namespace {

struct Request {
  std::string batch;       // `pipeline` requests
  std::size_t answer = 0;  // bytes of one reply
};

std::string message(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 26);
  return bytes;
}

std::string repeat(const std::string& one, unsigned times) {
  std::string all;
  for (unsigned i = 0; i < times; ++i) all += one;
  return all;
}

// Measures the size of a reply: all bytes that arrive before a pause.
std::size_t length_of_answer(int fd, const std::string& request) {
  send_all(fd, request);
  std::size_t n = receive_exactly(fd, 1).size();
  const timeval timeout{.tv_sec = 0, .tv_usec = 50000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string more(1 << 20, '\0');
  for (ssize_t got = 0; (got = ::recv(fd, more.data(), more.size(), 0)) > 0;)
    n += static_cast<std::size_t>(got);
  const timeval none{};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  return n;
}

// Measures a reply, and checks that an echo is one.
Request prepare(int fd, const Options& options) {
  if (!options.set_up.empty()) length_of_answer(fd, options.set_up);
  if (!options.request.empty()) {
    return {.batch = repeat(options.request, options.pipeline),
            .answer = length_of_answer(fd, options.request)};
  }
  const std::string one = to_server(message(options.size), options);
  const std::string answer = from_server(message(options.size), options);
  for (unsigned i = 0; i < options.pipeline; ++i) {  // one by one: the socket blocks
    send_all(fd, one);
    if (receive_exactly(fd, answer.size()) == answer) continue;
    std::fprintf(stderr, "load: what came back is not what was sent\n");
    std::exit(1);
  }
  return {.batch = repeat(one, options.pipeline), .answer = answer.size()};
}

template <class Engine>
void run(const std::vector<int>& sockets, const Request& request, const Options& options) {
  Window window(options);
  Engine engine(sockets);
  const std::size_t answers = request.answer * options.pipeline;
  std::vector<std::size_t> awaited(sockets.size(), answers);
  std::uint64_t received = 0;
  for (std::size_t i = 0; i < sockets.size(); ++i) engine.send(i, request.batch);
  bool busy = true;
  while (window.tick(static_cast<double>(received) / static_cast<double>(request.answer), busy))
    busy = engine.poll([&](std::size_t i, std::size_t n) {
      received += n;
      if (n > awaited[i]) {
        std::fprintf(stderr, "load: more came back than was asked for\n");
        std::exit(1);
      }
      if ((awaited[i] -= n) > 0) return;
      awaited[i] = answers;
      engine.send(i, request.batch);
    });
  window.print();
}

}  // namespace

void closed(const Options& options) {
  const std::vector<int> sockets = connect_all(options);
  const Request request = prepare(sockets.front(), options);
  options.uring ? run<UringEngine>(sockets, request, options)
                : run<EpollEngine>(sockets, request, options);
}

}  // namespace load
