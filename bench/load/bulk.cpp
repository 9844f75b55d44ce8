// Bytes in one direction, as many as the server accepts. A message is a KiB.
#include <sys/socket.h>

#include "load.hpp"

namespace load {

void bulk(const Options& options) {
  const std::vector<int> sockets = connect_all(options);
  const std::string bytes(options.size, 'x');
  Window window(options);
  double sent = 0;
  for (std::size_t i = 0; window.tick(sent, true); i = (i + 1) % sockets.size()) {
    send_all(sockets[i], bytes);
    sent += static_cast<double>(bytes.size()) / 1024;
  }
  window.print();
}

}  // namespace load
