// Connections for one message each: connect, send, receive the reply, close, which counts as one
// message. `connections` of them overlap.
#include <sys/socket.h>
#include <unistd.h>

#include "load.hpp"

namespace load {

void churn(const Options& options) {
  const std::string message(options.size, 'x');
  Window window(options);
  std::vector<int> sockets(options.connections, -1);
  std::string answer(options.size, '\0');
  unsigned born = 0;
  std::uint64_t lived = 0;
  for (std::size_t i = 0; window.tick(static_cast<double>(lived), true);
       i = (i + 1) % sockets.size()) {
    int& fd = sockets[i];
    if (fd >= 0) {
      if (::recv(fd, answer.data(), answer.size(), MSG_WAITALL) !=
          static_cast<ssize_t>(answer.size()))
        die("recv");
      if (options.wait_for_end && ::recv(fd, answer.data(), answer.size(), 0) != 0)
        die("the server did not close");
      const linger orderly{};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &orderly, sizeof orderly);
      ::close(fd);
      ++lived;
    }
    fd = connect_tcp(options, born++);
    send_all(fd, message);
  }
  window.print();
}

}  // namespace load
