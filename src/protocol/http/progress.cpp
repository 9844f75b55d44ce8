// Asks the kernel how much output has reached the client, and whether input was not read yet.
#include "protocol/http/progress.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace evio { inline namespace v0 { namespace http {

std::uint64_t acknowledged(int socket) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

bool has_unread(int socket) noexcept {
  char first = 0;
  return ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}}}  // namespace evio::v0::http
