// The floor for UDP: recvmmsg and sendmmsg only. Echo; sink, which receives batches of datagrams
// whole (GRO).
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "server.hpp"

namespace {

constexpr unsigned batch = 64;
constexpr std::size_t datagram_max = 65536;

struct Batch {
  std::vector<char> memory = std::vector<char>(batch * datagram_max);
  std::array<sockaddr_in, batch> peers{};
  std::array<iovec, batch> pieces{};
  std::array<mmsghdr, batch> messages{};
  std::array<std::array<std::uint64_t, 8>, batch> control{};

  void prepare(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      pieces[i] = {&memory[i * datagram_max], datagram_max};
      messages[i].msg_hdr = {.msg_name = &peers[i],
                             .msg_namelen = sizeof peers[i],
                             .msg_iov = &pieces[i],
                             .msg_iovlen = 1,
                             .msg_control = control[i].data(),
                             .msg_controllen = sizeof control[i],
                             .msg_flags = 0};
    }
  }
};

// The number of datagrams in a received batch.
unsigned train(mmsghdr& message) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message.msg_hdr); each;
       each = CMSG_NXTHDR(&message.msg_hdr, each)) {
    if (each->cmsg_level != IPPROTO_UDP || each->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(each), sizeof size);
    return (message.msg_len + static_cast<unsigned>(size) - 1) / static_cast<unsigned>(size);
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  if (!options.udp || (options.mode != "echo" && options.mode != "sink"))
    bench::unsupported(options);
  const bool echo = options.mode == "echo";
  const int fd = bench::bind_udp(options.port, 0);
  const int gro = echo ? 0 : 1;
  ::setsockopt(fd, IPPROTO_UDP, UDP_GRO, &gro, sizeof gro);
  bench::ready(bench::port_of(fd));

  Batch all;
  std::uint64_t received = 0;
  for (unsigned used = batch;;) {
    all.prepare(used);
    const int n = ::recvmmsg(fd, all.messages.data(), batch, MSG_WAITFORONE, nullptr);
    if (n <= 0) continue;
    used = static_cast<unsigned>(n);
    if (echo) {
      for (unsigned i = 0; i < used; ++i) {
        all.pieces[i].iov_len = all.messages[i].msg_len;
        all.messages[i].msg_hdr.msg_controllen = 0;
      }
      ::sendmmsg(fd, all.messages.data(), used, MSG_DONTWAIT);
      continue;
    }
    for (unsigned i = 0; i < used; ++i) {
      received += train(all.messages[i]);
      if (all.messages[i].msg_len != 1) continue;
      const std::string_view answer = bench::bytes_of(received);
      ::sendto(fd, answer.data(), answer.size(), 0,
               reinterpret_cast<const sockaddr*>(&all.peers[i]), sizeof all.peers[i]);
    }
  }
}
